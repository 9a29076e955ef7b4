"""The way back from a backup file to a data folder, all or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace as replaced
from pathlib import Path, PurePosixPath
from typing import IO, Any

import orjson

from robotq.api.access.keys import KeyFile
from robotq.daemon.backup import (
    CONTENTS,
    DATABASE,
    FORMAT,
    OF_THIS_MACHINE,
    REPLACED,
    Backup,
    Hashed,
)
from robotq.daemon.kept_programs import look_at_programs
from robotq.engine.robot import stop_file
from robotq.model.errors import ConfigError
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode, set_over
from robotq.store.port import AppendEvent, Mutation, SaveHold
from robotq.store.sqlite.lock import FolderLock
from robotq.store.sqlite.store import SqliteStore
from robotq.system.clocks import SystemClock
from robotq.system.durable import sync_folder, write_durably

_RESTORING = ".restoring"
_CONTENTS_BYTES = 64 * 2**20
_ACTOR = "robotq restore"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def restore_backup(
    file: Path, data: Path, robots: Sequence[str], *, replace: bool
) -> tuple[Backup, Path | None]:
    """Put the contents of `file` into `data`, all or none, after every part was checked.

    Every queue is paused then, those of `robots` and those with tasks that wait: what ran
    after the backup was made would run again. Returns the backup and the folder to which
    `replace` moved what was there before, if anything. `missing` of the
    backup are the programs of its tasks that are not there now.

    Raises ConfigError: a daemon works on `data`, there is something and not `replace`, the
    file is damaged or of a later robotq. Then `data` is as it was. OSError. Blocks, and runs
    an event loop of its own.
    """
    with _reading(file) as archive:
        backup = _contents(archive, file)
        lock = FolderLock(data)
        try:
            old = [path for path in data.iterdir() if not _is_no_content(path.name)]
            if old and not replace:
                names = ", ".join(sorted(path.name for path in old)[:5])
                raise ConfigError(
                    f"{data.absolute()} holds something already ({names}). With --replace it is "
                    f"kept there, in a folder {REPLACED}..."
                )
            staged = data / _RESTORING
            shutil.rmtree(staged, ignore_errors=True)
            staged.mkdir(mode=0o700)
            try:
                for name, expected in backup.files.items():
                    _extract(archive, name, expected, staged, file)
                for folder in {path.parent for path in staged.rglob("*")}:
                    sync_folder(folder)
                # as it came out of the backup: a look leaves nothing beside it
                backup = replaced(backup, missing=look_at_programs(staged).missing)
                _keep_keys_required(data, staged)
                _keep_stopped(data, staged)
                asyncio.run(_pause_all(staged, robots, backup))
                (staged / "robotq.lock").unlink()
                kept = _swap(data, staged, old)
            finally:
                shutil.rmtree(staged, ignore_errors=True)
        finally:
            lock.close()
    return backup, kept


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, mode="r:") as archive:
            yield archive
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        # ValueError: numbers and texts in its heads that are none
        raise ConfigError(f"{file} is no backup of robotq, or is damaged: {error}") from error


def _contents(archive: tarfile.TarFile, file: Path) -> Backup:
    try:
        found = orjson.loads(_opened(archive, CONTENTS, file)[1].read(_CONTENTS_BYTES))
        if found["format"] > FORMAT:
            raise ConfigError(f"{file} was made by a later robotq ({found['version']}); upgrade")
        backup = Backup(made_at=found["made_at"], version=found["version"], files=found["files"])
        names = [PurePosixPath(name) for name in backup.files]
        right = DATABASE in backup.files and all(map(_is_inside, names))
        right = right and not _collide(names) and all(map(_is_entry, backup.files.values()))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{file} is no backup of robotq, or is damaged: {error!r}") from error
    if not right:
        raise ConfigError(f"{file} is no backup of robotq: its names are not those of data")
    return backup


def _is_inside(name: PurePosixPath) -> bool:
    """Whether a name stays in the folder and means none of the files that are not restored."""
    return (
        not name.is_absolute()
        and bool(name.parts)
        and not any(
            part.startswith(".") or "\\" in part or "\0" in part or len(os.fsencode(part)) > 255
            for part in name.parts
        )
        and str(name) not in OF_THIS_MACHINE
    )


def _collide(names: Sequence[PurePosixPath]) -> bool:
    """Whether one is a folder of another, or two are the same: they cannot all be files."""
    found = set(names)
    return len(found) < len(names) or any(
        parent in found for name in names for parent in name.parents
    )


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("size"), int)
        and isinstance(entry.get("sha256"), str)
    )


def _opened(archive: tarfile.TarFile, name: str, file: Path) -> tuple[tarfile.TarInfo, IO[bytes]]:
    try:
        member = archive.getmember(name)
    except KeyError:
        raise ConfigError(f"{file} is damaged, or no backup of robotq: {name} is missing") from None
    # no links, no devices, and no file with holes, which is longer than what it holds
    stream = archive.extractfile(member) if member.isreg() and not member.issparse() else None
    if stream is None:
        raise ConfigError(f"{file} is damaged: {name} is no file")
    return member, stream


def _extract(
    archive: tarfile.TarFile, name: str, expected: Mapping[str, Any], staged: Path, file: Path
) -> None:
    target = staged.joinpath(*PurePosixPath(name).parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    member, content = _opened(archive, name, file)
    if member.size != expected["size"]:
        raise ConfigError(f"{file} is damaged: {name} is not what was backed up")
    hashed = Hashed(content)
    with os.fdopen(os.open(target, _NEW, member.mode & 0o700), "wb") as stream:
        shutil.copyfileobj(hashed, stream)
        stream.flush()
        os.fsync(stream.fileno())
    if hashed.sha256.hexdigest() != expected["sha256"]:
        raise ConfigError(f"{file} is damaged: {name} is not what was backed up")


def _keep_keys_required(data: Path, staged: Path) -> None:
    """A folder that lets nobody in without a key does so with its content replaced, too: a
    backup from before the first key opens no door."""
    restored = KeyFile(staged)
    if _needs_keys(data) and not restored.required:
        restored.path.unlink(missing_ok=True)
        restored.require()


def _keep_stopped(data: Path, staged: Path) -> None:
    """An emergency stop of now is not over because the data is of another day."""
    now, then = data / stop_file.NAME, staged / stop_file.NAME
    if not now.exists():
        return
    robots = [stop_file.StopFile(folder).read(()) for folder in (staged, data)]
    if all(robots) or not then.exists():
        content = orjson.dumps({"robots": {**robots[0], **robots[1]}})
        # one that cannot be read stops every robot, here as there
        write_durably(then, content if robots[1] else now.read_bytes())


def _needs_keys(data: Path) -> bool:
    try:
        return KeyFile(data).required
    except ConfigError:
        # its keys cannot be read: there are some
        return True


async def _pause_all(staged: Path, robots: Sequence[str], backup: Backup) -> None:
    """Let nothing run before somebody has said so, and have the journal tell why."""
    store = SqliteStore(staged)
    restored = await store.open(finished=0)
    try:
        now_ms = SystemClock().now_ms()
        waiting = [task.queue for task in restored.unfinished]
        paused = {hold.robot: hold for hold in restored.holds if hold.code is HoldCode.PAUSED}
        mutations: list[Mutation] = []
        for robot in dict.fromkeys([*robots, *waiting, *paused]):
            hold = Hold(
                robot=robot,
                code=HoldCode.PAUSED,
                since_ms=now_ms,
                actor=_ACTOR,
                args={"reason": "reason.restored", "made_at": backup.made_at},
            )
            # somebody may have paused it before the backup, and has not resumed it
            known = paused.get(robot)
            mutations.append(SaveHold(hold if known is None else set_over(known, hold)))
        told = {"made_at": backup.made_at, "version": backup.version}
        event = Event(kind="daemon.restored", at_ms=now_ms, actor=_ACTOR, data=told)
        await store.apply([*mutations, AppendEvent(event)])
    finally:
        await store.close()


def _swap(data: Path, staged: Path, old: Sequence[Path]) -> Path | None:
    """Take the old files away and put the new ones in their place, the database last."""
    kept = None
    if old:
        kept = data / f"{REPLACED}{time.strftime('%Y%m%d_%H%M%S')}"
        kept.mkdir(mode=0o700)
        for path in old:
            path.rename(kept / path.name)
    for path in sorted(staged.iterdir(), key=lambda path: path.name == DATABASE):
        path.rename(data / path.name)
    sync_folder(data)
    return kept


def _is_no_content(name: str) -> bool:
    return name in ("robotq.lock", "port", _RESTORING) or name.startswith(REPLACED)
