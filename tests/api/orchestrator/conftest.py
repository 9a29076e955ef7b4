"""The orchestrator interface, served at the root of a port of its own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from robotq.api.access.keys import KeyFile
from robotq.api.app import Site
from robotq.api.interfaces import ORCHESTRATOR
from robotq.api.orchestrator.interface import ROUTES
from robotq.config import InterfacesConfig, OrchestratorConfig
from robotq.engine.engine import Engine
from robotq.engine.start import start_engine
from robotq.store.memory import MemoryStore
from robotq.store.port import Store
from robotq.wire.remote_work import orchestrator as wire
from robotq.workers import Workers
from tests.api import shapes
from tests.engine.bench import CATALOG, bench_config, bench_factory
from tests.workers.conftest import SetClock

PROJECT = "/home/user/projects/my-project"
NOBODY = "00000000-0000-4000-8000-000000000000"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

_PATTERNS = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", route.path)), route) for route in ROUTES]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return orjson.loads(self.text)

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def error(self) -> Any:
        return self.body["error"]


class Orchestrator:
    """What a test talks to. Every answer below /api/v1 is checked for its envelope, and every
    success for its documented shape."""

    def __init__(
        self,
        engine: Engine,
        workers: Workers,
        clock: SetClock | None,
        client: TestClient[Request, Application],
    ) -> None:
        self.engine = engine
        self.workers = workers
        self._clock = clock
        self.client = client

    @property
    def clock(self) -> SetClock:
        assert self._clock is not None
        return self._clock

    @property
    def url(self) -> str:
        return str(self.client.make_url("")).rstrip("/")

    async def ask(self, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        if body is not None:
            how["data"] = body if isinstance(body, bytes) else orjson.dumps(body)
        async with self.client.request(method, path, **how) as response:
            answer = Answer(response.status, response.headers, await response.text())
        if path.startswith("/api/v1") or answer.status >= 400:
            assert answer.headers["Content-Type"] == "application/json"
            check(method, path.partition("?")[0], answer)
        return answer

    async def get(self, path: str, **query: str) -> Answer:
        return await self.ask("GET", f"/api/v1{path}", params=query)

    async def post(self, path: str, body: Any = None, **how: Any) -> Answer:
        return await self.ask("POST", f"/api/v1{path}", body, **how)

    async def create(self, prompt: str = "do it", **more: Any) -> str:
        answer = await self.post("/tasks", {"work_directory": PROJECT, "prompt": prompt, **more})
        assert answer.status == 200, answer.text
        task_id: str = answer.data["task_id"]
        return task_id

    async def next(self, worker: str | None = "worker-001", directory: str = PROJECT) -> Any:
        query = {} if worker is None else {"worker_id": worker}
        answer = await self.get("/tasks/next", work_path=directory, **query)
        assert answer.status == 200, answer.text
        return answer.data

    async def taken(self) -> str:
        """The id of a new task that a worker has."""
        await self.create()
        task_id: str = (await self.next())["task_id"]
        return task_id

    async def complete(self, task_id: str, **body: Any) -> Answer:
        return await self.post(f"/tasks/{task_id}/complete", body)

    async def fail(self, task_id: str) -> Answer:
        return await self.complete(task_id, result={"status": "failed", "error": "broken"})

    async def task(self, task_id: str) -> Any:
        answer = await self.get(f"/tasks/{task_id}")
        assert answer.status == 200, answer.text
        return answer.data

    async def after(self, seconds: float) -> None:
        self.clock.pass_(seconds)
        await self.workers.expire_due("orchestrator")


def check(method: str, path: str, answer: Answer) -> None:
    """Exactly the envelope, and what the table of routes says of its data."""
    body = answer.body
    assert set(body) == {"success", "data", "error", "timestamp"}
    assert TIME.fullmatch(body["timestamp"])
    assert body["success"] == (answer.status == 200)
    if answer.status != 200:
        shapes.check(body, wire.Error)
        return
    assert body["error"] is None
    for pattern, route in _PATTERNS:
        if route.method == method and pattern.fullmatch(path) and route.response is not None:
            shapes.check(body, route.response)
            return


OpenOrchestrator = Callable[..., Awaitable[Orchestrator]]


@asynccontextmanager
async def running(
    data: Path, store: Store | None = None, clock: SetClock | None = None, **config: Any
) -> AsyncIterator[Orchestrator]:
    interfaces = InterfacesConfig(orchestrator=OrchestratorConfig(**config))
    whole = bench_config(data=data, interfaces=interfaces)
    engine = await start_engine(
        whole, CATALOG, store or MemoryStore(), {"bench": bench_factory({})}, clock=clock
    )
    workers = Workers(engine)
    if clock is None:
        workers.start()
    site = Site(engine, workers, keys=await asyncio.to_thread(KeyFile, data))
    try:
        async with TestClient(TestServer(site.own(ORCHESTRATOR), access_log=None)) as client:
            yield Orchestrator(engine, workers, clock, client)
    finally:
        await workers.stop()
        await engine.shut_down()


@pytest.fixture
async def open_orchestrator(tmp_path: Path) -> AsyncIterator[OpenOrchestrator]:
    """`await open_orchestrator(store=..., clock=..., max_retries=...)`"""
    async with AsyncExitStack() as stack:

        async def opened(**how: Any) -> Orchestrator:
            return await stack.enter_async_context(running(tmp_path, **how))

        yield opened


@pytest.fixture
async def api(open_orchestrator: OpenOrchestrator) -> Orchestrator:
    """In wall time that a test sets."""
    return await open_orchestrator(clock=SetClock())
