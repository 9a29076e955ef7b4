"""A PgBouncer in transaction mode before a PostgreSQL."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_START_S = 10.0

_INI = """\
[databases]
* = host={host} port={server_port} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
"""
"""Few connections, so that callers do share them."""


def program() -> str:
    """The path of PgBouncer; a test that wants it is skipped where there is none, but not in CI."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        assert "CI" not in os.environ, "CI installs the package pgbouncer"
        pytest.skip("needs the package pgbouncer")
    return found


@contextmanager
def pooler(server: str, folder: Path) -> Iterator[str]:
    """The DSN of the same server through a pooler, which ends with the block."""
    known = conninfo_to_dict(server)
    port = _free_port()
    folder.mkdir(parents=True, exist_ok=True)
    # it refuses to be root, and gives that up by itself; who it is then has to reach the socket
    host = str(known.get("host") or "127.0.0.1")
    user = Path(host).owner() if host.startswith("/") else "nobody"
    as_user = ["-u", user] if os.geteuid() == 0 else []
    ini = folder / "pgbouncer.ini"
    ini.write_text(
        _INI.format(
            host=host,
            server_port=known.get("port") or 5432,
            user=known.get("user") or "postgres",
            port=port,
        ),
        encoding="utf-8",
    )
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [program(), *as_user, str(ini)], stdout=output, stderr=subprocess.STDOUT
        )
    dsn = make_conninfo(
        server, host="127.0.0.1", port=str(port), sslmode="disable", gssencmode="disable"
    )
    try:
        _wait(dsn, process, folder)
        yield dsn
    finally:
        process.terminate()
        process.wait(10)


def _wait(dsn: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + _START_S
    while True:
        try:
            with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
                connection.execute("SELECT 1")
                return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > until:
                told = (folder / "output").read_text("utf-8")
                raise AssertionError(f"the pooler does not serve: {error}\n{told}") from error
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
