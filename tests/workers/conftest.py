"""An engine with workers, in wall time that a test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from robotq.engine.engine import Engine
from robotq.engine.start import start_engine
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.job import Holder, Job, JobEnding, succeeded
from robotq.model.task import Command, Task, Work
from robotq.store.memory import MemoryStore
from robotq.store.port import Store
from robotq.workers import Workers
from tests.engine.bench import CATALOG, bench_config, bench_factory

QUEUE = "task_queue"
START_MS = 1_700_000_000_000


@dataclass
class SetClock:
    """Wall time that stands until somebody sets it."""

    ms: int = START_MS
    wrong_by_ms: int = 0
    """By how much somebody has set it since the start."""

    def now_ms(self) -> int:
        return self.ms + self.wrong_by_ms

    def steady_ms(self) -> int:
        return self.ms

    def pass_(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@dataclass
class Shop:
    """Workers on an engine, and what a test wants of them."""

    engine: Engine
    workers: Workers
    clock: SetClock
    store: Store
    handed_out: list[Task] = field(default_factory=list)

    async def submit(
        self, name: str = "job", *, priority: int = 0, max_waiting: int = 1_000, **work: Any
    ) -> Task:
        job = Job(
            queue=QUEUE,
            command=Command(cmd_type=name),
            work=Work(**{"lease_s": 10.0, **work}),
            priority=priority,
        )
        task, _ = await self.engine.queue.submit_job(
            job, api=QUEUE, actor="ann", max_waiting=max_waiting
        )
        return task

    async def claim(self, worker: str = "w1", match: str = "", wait_s: float = 0) -> Task | None:
        return await self.workers.claim(QUEUE, worker, match=match, wait_s=wait_s)

    async def claimed(self, worker: str = "w1", match: str = "") -> Task:
        task = await self.claim(worker, match)
        assert task is not None
        return task

    async def finish(self, task: Task, ending: JobEnding | None = None) -> Task:
        holder = Holder(worker=task.worker, token=task.fence)
        return await self.workers.finish(task.id, holder, ending or succeeded({"n": 1}))

    async def after(self, seconds: float) -> None:
        """Let wall time pass, and everything happen that is due then."""
        self.clock.pass_(seconds)
        await self.workers.expire_due(QUEUE)

    async def find(self, task: Task) -> Task:
        return await self.engine.reads.task(task.id)

    async def events(self, kind: str = "") -> Sequence[Event]:
        events = await self.store.events_since(0, limit=100_000)
        return [event for event in events if event.kind.startswith(kind)]


OpenShop = Callable[..., Awaitable[Shop]]


@pytest.fixture
async def open_shop() -> AsyncIterator[OpenShop]:
    """Open a shop: `await open_shop()`; a second one on the same store is a restart."""
    async with AsyncExitStack() as stack:

        async def opened(store: Store | None = None, clock: SetClock | None = None) -> Shop:
            shop = await new_shop(store, clock)
            stack.push_async_callback(shop.engine.shut_down)
            return shop

        yield opened


async def new_shop(store: Store | None = None, clock: SetClock | None = None) -> Shop:
    clock = clock or SetClock()
    store = store or MemoryStore()
    engine = await start_engine(
        bench_config(), CATALOG, store, {"bench": bench_factory({})}, clock=clock
    )
    return Shop(engine=engine, workers=Workers(engine), clock=clock, store=store)


@pytest.fixture
async def shop(open_shop: OpenShop) -> Shop:
    return await open_shop()


def refusal(caught: pytest.ExceptionInfo[RobotqError]) -> str:
    return caught.value.code.name
