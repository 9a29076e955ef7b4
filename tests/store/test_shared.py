"""A daemon's own store beside one that other daemons share: who has what, and what is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from robotq.model.task import Task, Work
from robotq.postgres import Database
from robotq.store.memory import MemoryStore
from robotq.store.port import (
    AppendEvent,
    Mutation,
    Restored,
    SharedUnavailable,
    StaleRevision,
    TaskQuery,
)
from robotq.store.postgres import PostgresStore
from robotq.store.shared.store import SharedWorkers
from robotq.store.shared.what import READ_UP_TO
from tests.postgres.link import Link

from .records import change, claimed, pending, submit


@asynccontextmanager
async def daemon(
    dsn: str, folder: Path, own: MemoryStore | None = None
) -> AsyncIterator[tuple[SharedWorkers, Restored]]:
    def make() -> PostgresStore:
        return PostgresStore(Database(dsn, connections=2, deadline_s=2), folder)

    store = SharedWorkers(own or MemoryStore(), make)
    restored = await store.open(finished=10)
    try:
        yield store, restored
    finally:
        await store.close()


def for_workers(store: SharedWorkers) -> Task:
    seq = store.next_number()
    made = pending(1, api="task_queue", queue="task_queue", work=Work())
    return replace(made, seq=seq, id=f"task_{seq}", rank=float(seq))


def claiming(task: Task) -> Callable[[Task], Sequence[Mutation] | None]:
    return lambda waiting: change(waiting, claimed(waiting)) if waiting == task else None


@pytest.mark.slow
async def test_tasks_of_workers__are_everybodys_and_those_of_robots_are_not(
    postgres: str, tmp_path: Path
) -> None:
    own = MemoryStore()
    async with (
        daemon(postgres, tmp_path) as (here, _),
        daemon(postgres, tmp_path, own) as (
            there,
            _,
        ),
    ):
        robots, workers = pending(7), for_workers(here)
        await here.apply(submit(robots))
        assert list(await here.apply(submit(workers))) == []
        assert await there.get(robots.id) is None
        assert await there.get(workers.id) == workers
        assert {one.id for one in await here.list(TaskQuery())} == {robots.id, workers.id}

        # what somebody else has written is news once, and comes into the own journal
        news = await there.news(100)
        assert list(news.tasks) == [workers]
        await there.apply(news.mutations)
        there.taken_over(news)
        assert [one.kind for one in await there.events_since(0, limit=9)] == ["task.pending"]
        assert not (await there.news(100)).mutations

        # the database chooses, and an old mirror changes nothing
        assert await there.claim("task_queue", "", claiming(workers), lambda _: None) is not None
        with pytest.raises(StaleRevision):
            await here.apply(change(workers, claimed(workers)))
    async with daemon(postgres, tmp_path, own) as (again, restored):
        assert [one.id for one in restored.unfinished] == [workers.id]
        assert restored.facts[READ_UP_TO] == {"event": 1}
        # the claim was not taken in before the end
        assert isinstance((await again.news(100)).mutations[0], AppendEvent)


async def test_database_away__robots_are_written_and_workers_refused(
    postgres: str, tmp_path: Path
) -> None:
    async with Link.to(postgres) as link:
        link.refuses = True
        async with daemon(link.dsn, tmp_path) as (store, restored):
            assert list(restored.unfinished) == []
            await store.apply(submit(pending(1)))
            with pytest.raises(SharedUnavailable):
                await store.apply(submit(for_workers(store)))
            link.refuses = False
            await store.news(100)
            await store.apply(submit(for_workers(store)))


async def test_counts__of_what_this_daemon_writes_meanwhile_are_not_set_back(
    postgres: str, tmp_path: Path
) -> None:
    """It looks at what others have written; while the answer is on its way it writes itself."""
    async with daemon(postgres, tmp_path) as (here, _), daemon(postgres, tmp_path) as (there, _):
        first, second = for_workers(there), for_workers(here)
        await there.apply(submit(first))
        looking = asyncio.ensure_future(here.news(100))
        await asyncio.sleep(0)
        await here.apply(submit(second))
        news = await looking
        assert first in news.tasks
        assert news.counts is None
        here.taken_over(news)
        # the next look has them, also where nothing else is new
        for _ in range(2):
            news = await here.news(100)
            here.taken_over(news)
            if news.counts is not None:
                break
        assert news.counts is not None
        assert sum(news.counts.values()) == 2
