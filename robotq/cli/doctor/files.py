"""`robotq doctor` and the artifacts: whether each file is there that a task names, and no other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from robotq.cli.doctor.finding import Finding, Verdict
from robotq.engine.artifacts.files import FOLDER
from robotq.store.sqlite.peek import peek_at_files
from robotq.system.kept_files import FileRoom

_WHAT = "artifacts"


def file_findings(data: Path) -> Iterator[Finding]:
    """Nothing where there are neither files nor names of them. Changes nothing."""
    database = data / "robotq.db"
    if not database.exists():
        return
    room = FileRoom(data / FOLDER, lambda: 0)
    try:
        # in this order: a daemon may work on it, and a file is there before its name
        named = peek_at_files(database)
        there = dict(room.files())
    except (sqlite3.Error, OSError) as error:
        found = f"the files of tasks cannot be looked at: {error}"
        yield Finding(what=_WHAT, verdict=Verdict.BAD, found=found, mend="See the line `data`.")
        return
    if not named and not there:
        return
    lost = [one for one in named if one not in there]
    other = [one for one, size in named.items() if one in there and there[one] != size]
    if lost or other:
        first = room.path((lost or other)[0])
        yield Finding(
            what=_WHAT,
            verdict=Verdict.BAD,
            found=f"{len(lost)} files that tasks name are gone, and {len(other)} are of another "
            f"length: {first} is the first",
            mend="Take them from a backup (`robotq restore` into another folder); results of tasks "
            "are not touched by it.",
        )
    spare = [size for one, size in there.items() if one not in named]
    if spare:
        yield Finding(
            what=_WHAT,
            verdict=Verdict.NOTE,
            found=f"{len(spare)} files ({sum(spare) / 1e6:.1f} MB) are named by no task",
            mend="Nothing is to be done: a kill and the end of retention leave such files, and a "
            "daemon that runs removes them within two hours.",
        )
    if not lost and not other and not spare:
        found = f"{len(named)} files ({sum(named.values()) / 1e6:.1f} MB), as their tasks name them"
        yield Finding(what=_WHAT, verdict=Verdict.OK, found=found)
