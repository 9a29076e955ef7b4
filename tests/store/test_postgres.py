"""What the store on PostgreSQL promises beyond the others: many daemons, and broken connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from robotq.model.task import Task, TaskState, Work
from robotq.postgres import Database
from robotq.store.port import Mutation, StaleRevision, StoreUnavailable, TaskQuery
from robotq.store.postgres import PostgresStore
from robotq.store.postgres.changes import Changes
from tests.postgres.link import Link

from .records import change, claimed, pending, submit


@asynccontextmanager
async def daemons(dsn: str, folder: Path, number: int = 2) -> AsyncIterator[list[PostgresStore]]:
    async with AsyncExitStack() as stack:
        stores = []
        for name in range(number):
            database = Database(dsn, name=f"lab-{name}", connections=2, deadline_s=5)
            store = PostgresStore(database, folder)
            await store.open(finished=10)
            stack.push_async_callback(store.close)
            stores.append(store)
        yield stores


def of_workers(seq: int) -> Task:
    return pending(seq, api="task_queue", queue="print", work=Work())


async def test_two_daemons__change_the_same_task_and_one_of_them_is_told(
    postgres: str, tmp_path: Path
) -> None:
    async with daemons(postgres, tmp_path) as (first, second):
        task = pending(1, api="task_queue", queue="print")
        await first.apply(submit(task))
        assert await second.get(task.id) == task
        outcomes = await asyncio.gather(
            *(store.apply(change(task, claimed(task))) for store in (first, second)),
            return_exceptions=True,
        )
        assert sorted(type(one).__name__ for one in outcomes) == ["StaleRevision", "list"]
        refused = next(one for one in outcomes if isinstance(one, StaleRevision))
        assert str(refused) == task.id


async def test_four_daemons__number_the_journal_without_a_gap(
    postgres: str, tmp_path: Path
) -> None:
    async with daemons(postgres, tmp_path, 4) as stores:
        appended = await asyncio.gather(
            *(
                store.apply(submit(pending(40 * number + at + 1)))
                for number, store in enumerate(stores)
                for at in range(40)
            )
        )
        assert sorted(event.id for events in appended for event in events) == list(range(1, 161))
        assert len(await stores[0].list(TaskQuery(limit=500))) == 160


async def test_connection_that_breaks__each_caller_is_told_what_is_true(
    postgres: str, tmp_path: Path
) -> None:
    """The link is cut in the middle of commits, and comes back: what was told as written is
    there, what was told as refused is not, and nobody waits for ever."""
    async with Link.to(postgres) as link, daemons(link.dsn, tmp_path, 1) as (store,):
        told: dict[str, bool] = {}
        answered = asyncio.Event()

        async def hand_in(seq: int) -> None:
            task = pending(seq)
            try:
                await store.apply(submit(task))
                told[task.id] = True
            except StoreUnavailable:
                told[task.id] = False
            answered.set()

        callers = []
        for seq in range(1, 301):
            callers.append(asyncio.create_task(hand_in(seq)))
            await asyncio.sleep(0)
            if seq % 60 == 0:
                await answered.wait()
                link.cut()
        await asyncio.gather(*callers)
        with psycopg.connect(postgres) as admin:
            there = {name for (name,) in admin.execute("SELECT id FROM robotq.tasks")}
        assert there == {name for name, written in told.items() if written}
        assert len(told) == 300
        assert link.cuts == 5


async def test_claims__of_two_daemons_at_once_never_give_one_task_twice(
    postgres: str, tmp_path: Path
) -> None:
    async with daemons(postgres, tmp_path) as stores:
        tasks = [of_workers(seq) for seq in range(1, 21)]
        for task in tasks:
            await stores[0].apply(submit(task))
        given: list[Task] = []

        def take(task: Task) -> Sequence[Mutation]:
            return change(task, claimed(task))

        async def work(store: PostgresStore) -> int:
            number = 0
            while (events := await store.claim("print", "", take, lambda _: None)) is not None:
                number += 1
                given.extend(task for task in tasks if task.id == events[0].task_id)
            return number

        numbers = await asyncio.gather(*(work(store) for store in stores for _ in range(3)))
        assert sum(numbers) == 20
        assert sorted(task.seq for task in given) == list(range(1, 21))
        running = await stores[1].list(TaskQuery(states=frozenset({TaskState.RUNNING})))
        assert len(running) == 20


def test_nul__is_refused_as_what_the_database_cannot_hold() -> None:
    changes = Changes()
    changes.add(submit(pending(1, queue="a\0b")))
    with pytest.raises(ValueError, match="NUL"):
        list(changes.statements())
