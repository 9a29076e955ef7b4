"""The programs of a data folder, compared with the tasks that name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from robotq.engine.intake.programs import FOLDER
from robotq.store.sqlite.peek import peek_at_programs
from robotq.system.kept_files import FileRoom, kept_in

DATABASE = "robotq.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPrograms:
    """What is there, and what is not."""

    files: int
    missing: Sequence[str]
    """SHA-256 of those that a task names."""
    orphans: int
    """That no task names: the daemon removes them."""
    orphan_bytes: int


def look_at_programs(data: Path) -> KeptPrograms:
    """Reads names and sizes. Raises sqlite3.Error, OSError."""
    # the files first: what comes meanwhile has its file before its task
    there = {path.name: path.stat().st_size for path in kept_in(data / FOLDER)}
    named = peek_at_programs(data / DATABASE)
    room = room_of(data)
    missing = [name for name in sorted(named - there.keys()) if not room.path(name).is_file()]
    orphans = there.keys() - named
    return KeptPrograms(
        files=len(there),
        missing=missing,
        orphans=len(orphans),
        orphan_bytes=sum(there[name] for name in orphans),
    )


def room_of(data: Path) -> FileRoom:
    """The programs of a data folder, to be read."""
    return FileRoom(data / FOLDER, lambda: 0)
