"""A data folder as one file; see `restore` for the way back.

The file is a tar archive: the database as SQLite copied it, the other files as they were, and
`backup.json` with the size and SHA-256 of each.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import sqlite3
import tarfile
import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from robotq.daemon.kept_programs import room_of
from robotq.engine.artifacts.files import FOLDER as ARTIFACTS
from robotq.engine.intake.programs import FOLDER
from robotq.model.errors import ConfigError
from robotq.model.version import __version__
from robotq.store.sqlite.peek import peek_at_files, peek_at_programs
from robotq.system.durable import replacing
from robotq.system.kept_files import FileRoom, NotAsKept

FORMAT = 1
DATABASE = "robotq.db"
CONTENTS = "backup.json"
REPLACED = "replaced-"
OF_THIS_MACHINE = ("robotq.lock", "port", f"{DATABASE}-wal", f"{DATABASE}-shm")
"""Files that mean nothing elsewhere; the database is copied with what its WAL holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup file says about itself."""

    made_at: str
    """Local date and time."""
    version: str
    """Of the robotq that made it."""
    files: Mapping[str, Mapping[str, Any]]
    """Name -> `size` in bytes, `sha256`."""
    missing: Sequence[str] = ()
    """SHA-256 of the programs that its tasks name, and that are missing or damaged."""
    lost: Sequence[str] = ()
    """SHA-256 of the artifacts that its tasks name, and that are missing or damaged."""


def make_backup(data: Path, file: Path) -> Backup:
    """Write `file`, whole or not at all, readable by its owner only.

    A daemon may work on `data` meanwhile, and start or end: the database is read through a
    connection that cannot write, and keeps nobody from writing. Whatever was accepted before
    the call is in the backup, and no simulated motion whose start it does not know of; so are the
    artifacts that its tasks name: a daemon removes none that was named in the last 50 minutes.
    Blocks.
    Raises ConfigError where there is nothing to back up, OSError, sqlite3.Error.
    """
    source = data / DATABASE
    if not source.is_file():
        raise ConfigError(f"{data.absolute()} is no data folder: it has no {DATABASE}")
    if file.resolve().is_relative_to(data.resolve()):
        raise ConfigError(f"{file} is inside of the data folder; a backup belongs elsewhere")
    copy = file.with_name(f".{file.name}-{uuid.uuid4().hex}.db")
    try:
        with (
            replacing(file, private=True, shared=True) as stream,
            tarfile.open(fileobj=stream, mode="w") as archive,
        ):
            files = dict(_add_files(archive, data))
            # then: what the other files tell of is in the database by then
            _copy_database(source, copy)
            files[DATABASE] = _add(archive, DATABASE, copy)
            # last: a file is there before a task names it, and stays as long as one does
            missing = _add_kept(archive, data, room_of(data), peek_at_programs(copy), files)
            artifacts = FileRoom(data / ARTIFACTS, lambda: 0)
            lost = _add_kept(archive, data, artifacts, peek_at_files(copy), files)
            made = Backup(
                made_at=time.strftime("%Y-%m-%d %H:%M:%S"),
                version=__version__,
                files=files,
                missing=missing,
                lost=lost,
            )
            _add_contents(archive, made)
    finally:
        copy.unlink(missing_ok=True)
    return made


def _copy_database(source: Path, copy: Path) -> None:
    """A copy as of one instant, checked, in one file. Raises sqlite3.Error."""
    uri = f"{source.absolute().as_uri()}?mode=ro"
    copy.touch(mode=0o600, exist_ok=False)
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
        left_out = (*OF_THIS_MACHINE, DATABASE)
        if (
            str(name) in left_out
            or any(part.startswith((".", REPLACED)) for part in name.parts)
            or name.parts[0] in (FOLDER, ARTIFACTS)
            or name.suffix == ".tmp"
            or not path.is_file()
        ):
            continue
        # gone meanwhile: it was none that stays
        with contextlib.suppress(FileNotFoundError):
            yield name.as_posix(), _add(archive, name.as_posix(), path)


def _add_kept(
    archive: tarfile.TarFile,
    data: Path,
    room: FileRoom,
    named: Collection[str],
    files: dict[str, Mapping[str, Any]],
) -> Sequence[str]:
    """Add those files to the archive and to `files`; the ones that are not as they should be."""
    missing = list[str]()
    for sha256 in sorted(named):
        try:
            room.checked(sha256).close()
            name = room.path(sha256).relative_to(data).as_posix()
            files[name] = _add(archive, name, room.path(sha256))
        except (NotAsKept, FileNotFoundError):
            # its tasks are in the backup all the same: they say so when they are to run
            missing.append(sha256)
    return missing


def _add(archive: tarfile.TarFile, name: str, path: Path) -> Mapping[str, Any]:
    with path.open("rb") as stream:
        member = archive.gettarinfo(arcname=name, fileobj=stream)
        hashed = Hashed(stream)
        # as long as it was when it was opened, also where something is appended meanwhile
        archive.addfile(member, hashed)
    return {"size": member.size, "sha256": hashed.sha256.hexdigest()}


def _add_contents(archive: tarfile.TarFile, backup: Backup) -> None:
    content = orjson.dumps({"format": FORMAT, **asdict(backup)}, option=orjson.OPT_INDENT_2)
    member = tarfile.TarInfo(CONTENTS)
    member.size = len(content)
    member.mtime = time.time()
    member.mode = 0o600
    archive.addfile(member, io.BytesIO(content))


class Hashed:
    """Reads on, and knows the hash of all that was read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        content = self._stream.read(size)
        self.sha256.update(content)
        return content
