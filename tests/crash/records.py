"""The second and the third record: what the store holds, and what has moved."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from robotq.engine.robot.stop_file import StopFile
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode
from robotq.model.task import Task
from robotq.store.kept import rows, state_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Everything that a database file holds."""

    tasks: Mapping[str, Task]
    events: Sequence[Event]
    holds: Sequence[Hold]
    counts: Mapping[tuple[str, str, str], int]
    faults: Sequence[str]
    """What SQLite itself finds wrong with the file."""
    programs: AbstractSet[str] = frozenset()
    """The SHA-256 of every program that is there, whole."""

    def hold(self, robot: str, code: str) -> Hold | None:
        return next((h for h in self.holds if h.robot == robot and h.code == code), None)

    def counted(self) -> Mapping[tuple[str, str, str], int]:
        """The same as `counts`, from the rows."""
        return Counter((task.api, task.queue, task.state.value) for task in self.tasks.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """One line of the motion log."""

    at_ms: float
    robot: str
    task_id: str
    attempt: int
    life: int
    """How many times the daemon had died before."""


def read_disk(data: Path) -> Disk:
    """Read a copy of the database, so that the daemon finds the original as its death left it."""
    with tempfile.TemporaryDirectory(prefix="robotq-crash-") as folder:
        for name in ("robotq.db", "robotq.db-wal"):
            if (data / name).exists():
                shutil.copy(data / name, folder)
        with closing(sqlite3.connect(Path(folder) / "robotq.db")) as connection:
            disk = _read(connection)
    # the next start finds a stop in either of the two
    known = {hold.robot for hold in disk.holds if hold.code is HoldCode.ESTOP}
    kept = [
        Hold(robot=robot, code=HoldCode.ESTOP, since_ms=0)
        for robot in StopFile(data).read(()).keys() - known
    ]
    return replace(disk, holds=[*disk.holds, *kept], programs=set(_programs(data)))


def _programs(data: Path) -> Iterator[str]:
    for file in (data / "programs").glob("??/*"):
        if hashlib.sha256(file.read_bytes()).hexdigest() == file.name:
            yield file.name


def _read(connection: sqlite3.Connection) -> Disk:
    faults = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    if "tasks" not in tables:
        return Disk(tasks={}, events=[], holds=[], counts={}, faults=faults)
    tasks = connection.execute(f"SELECT {rows.TASK_COLUMNS} FROM tasks ORDER BY seq")
    events = connection.execute(f"SELECT {rows.EVENT_COLUMNS} FROM events ORDER BY id")
    holds = connection.execute("SELECT robot, code, since_ms, actor, task_id, args FROM holds")
    counts = connection.execute("SELECT api, queue, state, tasks FROM counts WHERE tasks <> 0")
    return Disk(
        tasks={task.id: task for task in map(rows.task_from_row, tasks)},
        events=[rows.event_from_row(row) for row in events],
        holds=[state_rows.hold_from_row(row) for row in holds],
        counts={(api, queue, state): number for api, queue, state, number in counts},
        faults=faults,
    )


class MotionLog:
    """`motions.jsonl`, read on after each death."""

    def __init__(self, data: Path) -> None:
        self._path = data / "simulator" / "motions.jsonl"
        self._lines = 0
        self.motions: list[Motion] = []
        self.cut_short = 0
        """Lines that a kill cut short: their motions had not begun."""

    def read_on(self, life: int) -> None:
        """Take the lines that are new; they belong to `life`, whose process is dead."""
        text = self._path.read_text() if self._path.exists() else ""
        lines = text.splitlines()
        self.cut_short += bool(text) and not text.endswith("\n")
        whole = lines if text.endswith("\n") else lines[:-1]
        for line in whole[self._lines :]:
            entry = json.loads(line)
            self.motions.append(
                Motion(
                    at_ms=entry["ts"] * 1000,
                    robot=entry["robot"],
                    task_id=entry["task_id"],
                    attempt=entry["attempt"],
                    life=life,
                )
            )
        self._lines = len(lines)
