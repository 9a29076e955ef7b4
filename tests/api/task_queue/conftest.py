"""The task queue interface, served at the root of a port of its own and below its prefix."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import StrOrURL
from aiohttp.web import Application, Request

from robotq.api.access.keys import KeyFile
from robotq.api.app import Site
from robotq.api.interfaces import TASK_QUEUE
from robotq.config import InterfacesConfig, TaskQueueConfig
from robotq.engine.engine import Engine
from robotq.engine.start import start_engine
from robotq.store.memory import MemoryStore
from robotq.store.port import Store
from robotq.wire.remote_work import task_queue as wire
from robotq.workers import Workers
from tests.api import shapes
from tests.engine.bench import CATALOG, bench_config, bench_factory
from tests.workers.conftest import SetClock


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return orjson.loads(self.text)


class Queue:
    """What a test talks to. Every error has the one form of this interface."""

    def __init__(
        self,
        engine: Engine,
        workers: Workers,
        clock: SetClock | None,
        own: TestClient[Request, Application],
        main: TestClient[Request, Application],
    ) -> None:
        self.engine = engine
        self.workers = workers
        self._clock = clock
        self.own = own
        self.main = main

    @property
    def clock(self) -> SetClock:
        assert self._clock is not None
        return self._clock

    @property
    def url(self) -> str:
        """Of the port of its own."""
        return str(self.own.make_url("")).rstrip("/")

    async def ask(self, method: str, path: StrOrURL, body: Any = None, **how: Any) -> Answer:
        if body is not None:
            how["data"] = body if isinstance(body, bytes) else orjson.dumps(body)
        async with self.own.request(method, path, **how) as response:
            answer = Answer(response.status, response.headers, await response.text())
        if answer.status >= 400 and method != "HEAD":
            assert answer.headers["Content-Type"] == "application/json"
            shapes.check(answer.body, wire.Error)
        return answer

    async def get(self, path: str, **how: Any) -> Answer:
        return await self.ask("GET", path, **how)

    async def post(self, path: str, body: Any = None, **how: Any) -> Answer:
        return await self.ask("POST", path, body, **how)

    async def submit(self, task_type: str = "ping", **more: Any) -> str:
        answer = await self.post("/api/tasks", {"task_type": task_type, **more})
        assert answer.status == 201, answer.text
        task_id: str = answer.body["task_id"]
        return task_id

    async def next(self, worker: str = "w1") -> Any:
        answer = await self.post("/api/tasks/next", {"worker_id": worker})
        assert answer.status == 200, answer.text
        return answer.body["task"]

    async def finish(self, task_id: str, **body: Any) -> Answer:
        return await self.post(f"/api/tasks/{task_id}/result", body)

    async def result(self, task_id: str) -> Answer:
        return await self.get(f"/api/tasks/{task_id}/result")

    async def stats(self) -> tuple[int, int]:
        """Completed and pending."""
        stats = (await self.get("/api/stats")).body
        return stats["completed_tasks"], stats["pending_tasks"]

    async def after(self, seconds: float) -> None:
        self.clock.pass_(seconds)
        await self.workers.expire_due("task_queue")


OpenQueue = Callable[..., Awaitable[Queue]]


@asynccontextmanager
async def running_queue(
    data: Path,
    store: Store | None = None,
    clock: SetClock | None = None,
    allowed_origins: Sequence[str] = (),
    **config: Any,
) -> AsyncIterator[Queue]:
    interfaces = InterfacesConfig(task_queue=TaskQueueConfig(**config))
    whole = bench_config(data=data, interfaces=interfaces, allowed_origins=list(allowed_origins))
    engine = await start_engine(
        whole, CATALOG, store or MemoryStore(), {"bench": bench_factory({})}, clock=clock
    )
    workers = Workers(engine)
    if clock is None:
        workers.start()
    keys = await asyncio.to_thread(KeyFile, data)
    site = Site(engine, workers, keys=keys)
    try:
        async with (
            TestClient(TestServer(site.main(), access_log=None)) as main,
            TestClient(TestServer(site.own(TASK_QUEUE), access_log=None)) as own,
        ):
            yield Queue(engine, workers, clock, own, main)
    finally:
        await workers.stop()
        await engine.shut_down()


@pytest.fixture
async def open_queue(tmp_path: Path) -> AsyncIterator[OpenQueue]:
    """`await open_queue(store=..., clock=..., lease_s=...)`"""
    async with AsyncExitStack() as stack:

        async def opened(**how: Any) -> Queue:
            return await stack.enter_async_context(running_queue(tmp_path, **how))

        yield opened


@pytest.fixture
async def queue(open_queue: OpenQueue) -> Queue:
    """In wall time that a test sets."""
    return await open_queue(clock=SetClock())
