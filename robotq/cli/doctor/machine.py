"""What `robotq doctor` looks at. Each check changes nothing and says how to mend what it finds."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from robotq.cli.doctor.data import data_findings
from robotq.cli.doctor.files import file_findings
from robotq.cli.doctor.finding import Finding, Verdict
from robotq.cli.doctor.ports import devices
from robotq.cli.shared.startup import url_of
from robotq.config import Config
from robotq.model.errors import ConfigError
from robotq.system.listen import addresses_of

_OLDEST_SQLITE = (3, 37, 0)
_SCARCE_BYTES = 1 << 30
_NOTHING_LEFT_BYTES = 100 << 20
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right shows an earlier time."""
_FUTURE_S = 120.0
_NETWORK_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"})
"""File systems on which SQLite's write-ahead log is not safe (sqlite.org/wal.html)."""


def findings(
    read: Callable[[], Config], check: Callable[[Config], str], *, url: str | None, key: str | None
) -> Iterator[Finding]:
    """All findings, one after the other.

    `read` reads the configuration, `check` says in a line what is in it; both raise ConfigError.
    `url`: of the daemon; None: where the configuration says.
    """
    yield _interpreter()
    yield _sqlite()
    yield _event_loop()
    yield _clock()
    try:
        config = read()
        told = check(config)
    except ConfigError as error:
        mend = "Correct the line that it names; `robotq check-config` looks again."
        yield Finding(what="configuration", verdict=Verdict.BAD, found=str(error), mend=mend)
        return
    yield Finding(what="configuration", verdict=Verdict.OK, found=told)
    yield from _data(config.data)
    yield from data_findings(config.data, url or _url(config), key)
    yield from file_findings(config.data)
    yield from _ports(config)
    yield from devices(config)


def _url(config: Config) -> str:
    address = addresses_of(config.host)[0]
    return url_of([(address, config.port)])


def _interpreter() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding(what="Python", verdict=Verdict.OK, found=f"{version}, {sys.executable}")


def _sqlite() -> Finding:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= _OLDEST_SQLITE:
        return Finding(what="SQLite", verdict=Verdict.OK, found=version)
    return Finding(
        what="SQLite",
        verdict=Verdict.BAD,
        found=f"{version}, and 3.37 is the first that can be used",
        mend="Use a Python that brings a newer SQLite, 3.11 from python.org for example.",
    )


def _event_loop() -> Finding:
    if find_spec("uvloop") is not None:
        return Finding(what="event loop", verdict=Verdict.OK, found="uvloop")
    if sys.platform == "win32":
        return Finding(what="event loop", verdict=Verdict.OK, found="asyncio's own")
    return Finding(
        what="event loop",
        verdict=Verdict.NOTE,
        found="asyncio's own, which takes half as many requests a second",
        mend="pip install 'robotq[fast]'",
    )


def _clock() -> Finding:
    now = datetime.now(UTC)
    shown = now.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    if now >= _BUILT:
        return Finding(what="clock", verdict=Verdict.OK, found=shown)
    return Finding(
        what="clock",
        verdict=Verdict.BAD,
        found=f"{shown}, which is in the past",
        mend="Set the clock: `timedatectl set-ntp true`; a board without a battery needs NTP.",
    )


def _data(folder: Path) -> Iterator[Finding]:
    what = "data folder"
    there = folder
    while not there.exists():
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        yield Finding(
            what=what,
            verdict=Verdict.BAD,
            found=f"{folder.absolute()} cannot be written: {error.strerror}",
            mend=_mend_writing(error, there),
        )
        return
    system = _file_system(there.absolute())
    if system in _NETWORK_SYSTEMS:
        yield Finding(
            what=what,
            verdict=Verdict.BAD,
            found=f"{folder.absolute()} is on a network ({system}), where a crash can lose tasks",
            mend="Give --data or ROBOTQ_DATA a folder on a disk of this machine.",
        )
    else:
        yield Finding(what=what, verdict=Verdict.OK, found=str(folder.absolute()))
    yield _space(there)
    database = folder / "robotq.db"
    if database.exists() and database.stat().st_mtime > time.time() + _FUTURE_S:
        yield Finding(
            what="clock and data",
            verdict=Verdict.BAD,
            found="the data was last changed in the future, so the clock has gone back",
            mend="Set the clock before the daemon starts; its times would be wrong.",
        )


def _mend_writing(error: OSError, folder: Path) -> str:
    if error.errno == errno.ENOSPC:
        return "Make room on the disk."
    if error.errno == errno.EROFS:
        return "Mount it writable, or give --data another folder."
    user = os.environ.get("USER", "the user of the daemon")
    return f"sudo chown -R {user} {folder}, or give --data another folder."


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    found = f"{free / (1 << 30):.1f} GiB free"
    if free >= _SCARCE_BYTES:
        return Finding(what="disk", verdict=Verdict.OK, found=found)
    verdict = Verdict.NOTE if free >= _NOTHING_LEFT_BYTES else Verdict.BAD
    mend = "Make room, or shorten `retention`: a full disk holds every queue."
    return Finding(what="disk", verdict=verdict, found=found, mend=mend)


def _file_system(path: Path) -> str | None:
    """The kind of file system that `path` is on; None where the system does not say."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return None
    best: tuple[int, str] = (0, "")
    for line in mounts.read_text(errors="replace").splitlines():
        point, kind = line.split(" ")[1:3]
        if path.is_relative_to(point) and len(point) >= best[0]:
            best = (len(point), kind)
    return best[1] or None


def _ports(config: Config) -> Iterator[Finding]:
    for address in addresses_of(config.host):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # as the daemon does, so that a connection that has just been closed is no obstacle
            if sys.platform != "win32":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, config.port))
            except OSError as error:
                yield _taken(address, config.port, error)
                continue
        found = f"{address} port {config.port} is free"
        yield Finding(what="port", verdict=Verdict.OK, found=found)


def _taken(address: str, port: int, error: OSError) -> Finding:
    if error.errno == errno.EADDRNOTAVAIL and ":" in address:
        found = f"{address} does not exist here; the others are enough"
        return Finding(what="port", verdict=Verdict.OK, found=found)
    if error.errno == errno.EACCES:
        return Finding(
            what="port",
            verdict=Verdict.BAD,
            found=f"{port} is for the system only",
            mend="Use a port above 1023: --port or ROBOTQ_PORT.",
        )
    return Finding(
        what="port",
        verdict=Verdict.NOTE,
        found=f"{address} port {port} is taken: {error.strerror}",
        mend="Fine if that is robotq (`robotq status` shows it); else --port, or end the other "
        f"program: `ss -ltnp 'sport = :{port}'` names it.",
    )
