"""Data folders with many finished tasks, made by the store's own schema and row codec."""

from __future__ import annotations

import hashlib
import inspect
import shutil
import sqlite3
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from robotq.model import ids
from robotq.model.event import Event
from robotq.model.task import Command, Step, StepState, Task, TaskError, TaskState
from robotq.store.kept import rows
from robotq.store.sqlite.changes import Added
from robotq.store.sqlite.migrations import STEPS, migrate

_PORTION = 10_000
_APART_MS = 2_000
"""Between the ends of two tasks: a million of them are three weeks."""


def with_finished_tasks(folder: Path, count: int, copy: Path) -> Path:
    """A copy, at `copy`, of a data folder with so many ended tasks and their journal.

    What it is copied from is made once, and kept in `folder` until schema or rows change.
    """
    form = "".join(STEPS.values()) + inspect.getsource(rows) + Path(__file__).read_text("utf-8")
    version = hashlib.sha256(form.encode()).hexdigest()[:8]
    original = folder / f"finished-{count}-{version}.db"
    if not original.exists():
        for outdated in folder.glob(f"finished-{count}-*.db"):
            outdated.unlink()
        unfinished = original.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        _make(unfinished, count)
        unfinished.replace(original)
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    shutil.copyfile(original, copy / "robotq.db")
    return copy


def _make(file: Path, count: int) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    # a file that is not complete is thrown away, so nothing needs to survive a crash
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    migrate(connection)
    tasks = _tasks(count)
    event_id = 0
    connection.execute("BEGIN")
    while portion := list(islice(tasks, _PORTION)):
        added = Added()
        for task in portion:
            added.task(task)
            added.count(task.api, task.queue, task.state.value, 1)
            for event in _events(task):
                event_id += 1
                added.event(event, event_id)
        added.insert(connection)
    connection.execute("COMMIT")
    connection.close()


def _tasks(count: int) -> Iterator[Task]:
    """Ended commands of two robots; one in fifty has failed."""
    first_ms = time.time_ns() // 1_000_000 - count * _APART_MS
    for seq in range(1, count + 1):
        at_ms = first_ms + seq * _APART_MS
        failed = seq % 50 == 0
        step = Step(
            name="NAVIGATING",
            state=StepState.FAILED if failed else StepState.COMPLETED,
            started_at_ms=at_ms + 10,
            duration_s=1.25,
            detail={"area": "SCAN_TABLE"},
        )
        yield Task(
            id=ids.task_id(at_ms, seq),
            seq=seq,
            api="robot",
            queue="robot_a" if seq % 2 else "robot_b",
            command=Command(
                cmd_type="NAVIGATION", params={"area": "SCAN_TABLE"}, cmd_id=f"go_{seq}"
            ),
            actor="anonymous",
            submitted_at_ms=at_ms,
            rank=float(seq),
            state=TaskState.FAILED if failed else TaskState.COMPLETED,
            revision=4,
            fence=1,
            attempt=1,
            started_at_ms=at_ms + 5,
            ended_at_ms=at_ms + 1_500,
            steps=(step,),
            progress=1.0,
            result=None if failed else {"area": "SCAN_TABLE"},
            error=TaskError(code="device_error", args={"reason": "slipped"}) if failed else None,
            simulated=True,
        )


def _events(task: Task) -> Iterator[Event]:
    assert task.started_at_ms is not None
    assert task.ended_at_ms is not None
    for kind, at_ms, before, after in (
        ("task.submitted", task.submitted_at_ms, None, "pending"),
        ("task.claimed", task.started_at_ms, "pending", "running"),
        (f"task.{task.state.value}", task.ended_at_ms, "running", task.state.value),
    ):
        yield Event(
            kind=kind,
            at_ms=at_ms,
            actor="robotq",
            api=task.api,
            robot=task.queue,
            task_id=task.id,
            before=before,
            after=after,
            data={"cmd_type": task.command.cmd_type},
        )
