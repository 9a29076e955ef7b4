"""A data folder as one file, and the way back.

The file is a tar archive: the database as SQLite copied it, the other files as they were, and
`backup.json` with the size and SHA-256 of each.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import orjson

from robotq import __version__
from robotq.model.clock import SystemClock
from robotq.model.errors import ConfigError
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode
from robotq.store.port import AppendEvent, Mutation, SaveHold
from robotq.store.sqlite import SqliteStore
from robotq.store.sqlite.lock import FolderLock

_FORMAT = 1
_DATABASE = "robotq.db"
_CONTENTS = "backup.json"
_RESTORING = ".restoring"
_REPLACED = "replaced-"
_OF_THIS_MACHINE = ("robotq.lock", "port", f"{_DATABASE}-wal", f"{_DATABASE}-shm")
"""Files that mean nothing elsewhere; the database is copied with what its WAL holds."""
_ACTOR = "robotq restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup file says about itself."""

    made_at: str
    """Local date and time."""
    version: str
    """Of the robotq that made it."""
    files: Mapping[str, Mapping[str, Any]]
    """Name -> `size` in bytes, `sha256`."""


def make_backup(data: Path, file: Path) -> Backup:
    """Write `file`, whole or not at all, readable by its owner only.

    A daemon may work on `data` meanwhile: nothing of it is written or locked, since the
    database is read through a connection that cannot write. Whatever was accepted before the
    call is in the backup, and no simulated motion whose start it does not know of. Blocks.
    Raises ConfigError where there is nothing to back up, OSError, sqlite3.Error.
    """
    source = data / _DATABASE
    if not source.is_file():
        raise ConfigError(f"{data.absolute()} is no data folder: it has no {_DATABASE}")
    if file.resolve().is_relative_to(data.resolve()):
        raise ConfigError(f"{file} is inside of the data folder; a backup belongs elsewhere")
    handle, partial = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    copy = Path(f"{partial}.db")
    try:
        with os.fdopen(handle, "wb") as stream:
            with tarfile.open(fileobj=stream, mode="w") as archive:
                files = dict(_add_files(archive, data))
                # last: what the other files tell of is in the database by then
                _copy_database(source, copy)
                files[_DATABASE] = _add(archive, _DATABASE, copy)
                made = Backup(
                    made_at=time.strftime("%Y-%m-%d %H:%M:%S"), version=__version__, files=files
                )
                _add_contents(archive, made)
            stream.flush()
            os.fsync(stream.fileno())
        Path(partial).replace(file)
    finally:
        for left_over in (Path(partial), copy):
            with contextlib.suppress(FileNotFoundError):
                left_over.unlink()
    return made


async def restore_backup(
    file: Path, data: Path, robots: Sequence[str], *, replace: bool
) -> tuple[Backup, Path | None]:
    """Put the contents of `file` into `data`, all or none, after every part was checked.

    Every queue is paused then, those of `robots` and those with tasks that wait: what ran
    after the backup was made would run again. Returns the backup and the folder to which
    `replace` moved what was there before, if anything.

    Raises ConfigError: a daemon works on `data`, there is something and not `replace`, the
    file is damaged or of a later robotq. Then `data` is as it was. OSError.
    """
    with _reading(file) as archive:
        backup = _contents(archive, file)
        lock = FolderLock(data)
        try:
            old = [path for path in data.iterdir() if path.name not in _ours()]
            if old and not replace:
                names = ", ".join(sorted(path.name for path in old)[:5])
                raise ConfigError(
                    f"{data.absolute()} holds something already ({names}). With --replace it is "
                    f"kept there, in a folder {_REPLACED}..."
                )
            staged = data / _RESTORING
            shutil.rmtree(staged, ignore_errors=True)
            staged.mkdir(mode=0o700)
            try:
                for name, expected in backup.files.items():
                    _extract(archive, name, expected, staged, file)
                await _pause_all(staged, robots, backup)
                kept = _swap(data, staged, old)
            finally:
                shutil.rmtree(staged, ignore_errors=True)
        finally:
            lock.close()
    return backup, kept


# -- making ----------------------------------------------------------------------------------


def _copy_database(source: Path, copy: Path) -> None:
    """A copy as of one instant, checked, in one file. Raises sqlite3.Error."""
    uri = f"{source.absolute().as_uri()}?mode=ro"
    with (
        contextlib.closing(sqlite3.connect(uri, uri=True)) as reading,
        contextlib.closing(sqlite3.connect(copy)) as writing,
    ):
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode = DELETE")
        (verdict,) = writing.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"{source} is damaged: {verdict}")


def _add_files(archive: tarfile.TarFile, data: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Everything besides the database, also what a driver keeps there."""
    for path in sorted(data.rglob("*")):
        name = path.relative_to(data)
        left_out = (*_OF_THIS_MACHINE, _DATABASE)
        if (
            str(name) in left_out
            or any(part.startswith((".", _REPLACED)) for part in name.parts)
            or name.suffix == ".tmp"
            or path.is_symlink()
            or not path.is_file()
        ):
            continue
        # gone meanwhile: it was none that stays
        with contextlib.suppress(FileNotFoundError):
            yield name.as_posix(), _add(archive, name.as_posix(), path)


def _add(archive: tarfile.TarFile, name: str, path: Path) -> Mapping[str, Any]:
    with path.open("rb") as stream:
        member = archive.gettarinfo(arcname=name, fileobj=stream)
        hashed = _Hashed(stream)
        # as long as it was when it was opened, also where something is appended meanwhile
        archive.addfile(member, hashed)
    return {"size": member.size, "sha256": hashed.sha256.hexdigest()}


def _add_contents(archive: tarfile.TarFile, backup: Backup) -> None:
    path = Path(_CONTENTS)
    content = orjson.dumps({"format": _FORMAT, **_as_dict(backup)}, option=orjson.OPT_INDENT_2)
    member = tarfile.TarInfo(str(path))
    member.size = len(content)
    member.mtime = time.time()
    member.mode = 0o600
    with tempfile.SpooledTemporaryFile(max_size=1 << 24) as stream:
        stream.write(content)
        stream.seek(0)
        archive.addfile(member, stream)


def _as_dict(backup: Backup) -> dict[str, Any]:
    return {"made_at": backup.made_at, "version": backup.version, "files": backup.files}


class _Hashed:
    """Reads on, and knows the hash of all that was read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        content = self._stream.read(size)
        self.sha256.update(content)
        return content
