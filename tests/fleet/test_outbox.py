"""What a daemon streams to the fleet: its journal, and each task as that tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from robotq.config.schema import RetentionConfig
from robotq.fleet.members import Member
from robotq.fleet.outbox import Outbox
from robotq.fleet.own import Own
from robotq.fleet.retention import forget
from robotq.fleet.view import TasksQuery, View
from robotq.model.event import Event
from robotq.model.task import Command, Task, TaskState
from robotq.postgres import Database, migrate

pytestmark = pytest.mark.wall("a database in another process")

TASK = Task(
    id="task_1",
    seq=1,
    api="robot",
    queue="robot_a",
    command=Command(cmd_type="NAVIGATION", params={"area": "HOME"}),
    actor="ann",
    submitted_at_ms=1,
    rank=1.0,
)


class Journal:
    """A daemon's disk, which is a moment ahead of its memory."""

    def __init__(self) -> None:
        self.rows: list[Event] = []
        self.last_event_id = 0
        """What has been told."""
        self.task = TASK
        self.waiting: Sequence[Task] = ()

    def happens(self, kind: str, *, at_ms: int = 0, **data: Any) -> None:
        number = len(self.rows) + 1
        self.rows.append(
            Event(
                id=number,
                kind=kind,
                at_ms=at_ms or number,
                actor="ann",
                robot=TASK.queue,
                task_id=TASK.id,
                data=data,
            )
        )

    async def events(self, after: int, *, limit: int) -> Sequence[Event]:
        return [row for row in self.rows if row.id > after][:limit]

    def robot_queue(self, _: str) -> Sequence[Task]:
        return self.waiting

    async def task_if_any(self, task_id: str) -> Task | None:
        return self.task if task_id == self.task.id else None


@pytest.fixture
async def database(postgres: str) -> AsyncIterator[Database]:
    database = Database(postgres, connections=2)
    await database.open()
    await migrate(database)
    yield database
    await database.close()


async def _member(database: Database, folder: Path) -> Member:
    own = await asyncio.to_thread(Own, folder)
    member = Member(database, own, name="lab", url=None, robots=["robot_a"], away_s=3)
    await member.join()
    return member


async def _sent(outbox: Outbox) -> None:
    while await outbox.send():
        pass


async def test_event__that_is_on_disk_and_not_told_yet__waits_until_its_task_says_the_same(
    database: Database, tmp_path: Path
) -> None:
    journal: Any = Journal()
    outbox = Outbox(database, await _member(database, tmp_path), journal)
    journal.happens("task.submitted")
    journal.last_event_id = 1
    await _sent(outbox)
    # the end is on disk, and memory does not know of it yet
    journal.happens("task.completed")
    await _sent(outbox)
    journal.task = replace(TASK, state=TaskState.COMPLETED, revision=2, ended_at_ms=5)
    journal.last_event_id = 2
    await _sent(outbox)
    found = await View(database).task(TASK.id)
    assert found is not None
    assert found.task.state is TaskState.COMPLETED


async def test_move__that_gives_others_another_rank_tells_of_those_too(
    database: Database, tmp_path: Path
) -> None:
    """A second machine takes them over in the order of their ranks."""
    journal: Any = Journal()
    outbox = Outbox(database, await _member(database, tmp_path), journal)
    journal.happens("task.submitted")
    journal.last_event_id = 1
    journal.waiting = (replace(TASK, id="task_2", seq=2, rank=7.0),)
    await _sent(outbox)
    assert await View(database).task("task_2") is None
    journal.happens("task.moved", also_ranked=1)
    journal.last_event_id = 2
    await _sent(outbox)
    found = await View(database).task("task_2")
    assert found is not None
    assert found.task.rank == 7.0


async def test_backup__that_was_restored_parts_from_what_the_fleet_knows(
    database: Database, tmp_path: Path
) -> None:
    journal: Any = Journal()
    member = await _member(database, tmp_path)
    outbox = Outbox(database, member, journal)
    for _ in range(10):
        journal.happens("task.step")
    journal.last_event_id = 10
    await _sent(outbox)

    restored: Any = Journal()
    for _ in range(4):
        restored.happens("task.step")
    for _ in range(3):
        restored.happens("task.step", at_ms=1_000)
    restored.last_event_id = 7
    again = Outbox(database, member, restored)
    await _sent(again)
    events = await View(database).events({"lab": (0, 0)}, limit=100)
    assert [at for _, at, _ in events] == [
        *((1, number) for number in range(1, 11)),
        *((2, number) for number in (5, 6, 7)),
    ]
    # and the same once more adds nothing
    await _sent(Outbox(database, member, restored))
    assert len(await View(database).events({"lab": (0, 0)}, limit=100)) == 13


async def test_history__is_kept_as_long_as_its_daemon_says_and_what_is_open_stays(
    database: Database, tmp_path: Path
) -> None:
    journal: Any = Journal()
    member = await _member(database, tmp_path)
    outbox = Outbox(database, member, journal)
    day_ms = 86_400_000
    for number, (state, ended) in enumerate(
        [("completed", day_ms), ("completed", 9 * day_ms), ("pending", None)]
    ):
        journal.task = replace(
            TASK, id=f"task_{number}", state=TaskState(state), ended_at_ms=ended, revision=2
        )
        journal.rows.append(
            Event(
                id=number + 1,
                kind="task.step",
                at_ms=ended or 1,
                actor="ann",
                task_id=f"task_{number}",
            )
        )
        journal.last_event_id = number + 1
        await _sent(outbox)
    await forget(database, "lab", RetentionConfig(tasks_days=5, events_days=7), 10 * day_ms)
    view = View(database)
    left = [one.task.id for one in await view.tasks(TasksQuery())]
    assert sorted(left) == ["task_1", "task_2"]
    events = await view.events({"lab": (0, 0)}, limit=100)
    assert [event.task_id for _, _, event in events] == ["task_1"]
    # and what the journal has since is sent as before
    journal.happens("task.step", at_ms=10 * day_ms)
    journal.last_event_id = 4
    await _sent(Outbox(database, member, journal))
    assert len(await view.events({"lab": (0, 0)}, limit=100)) == 2
