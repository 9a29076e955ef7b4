"""The dispatcher interface, served at the root of a port of its own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from robotq.api.access.keys import KeyFile
from robotq.api.app import Site
from robotq.api.dispatcher.interface import ROUTES
from robotq.api.interfaces import DISPATCHER
from robotq.config import DispatcherConfig, InterfacesConfig, LimitsConfig
from robotq.engine.engine import Engine
from robotq.engine.start import start_engine
from robotq.store.memory import MemoryStore
from robotq.store.port import Store
from robotq.wire.remote_work import dispatcher as wire
from robotq.wire.remote_work.worker_socket import FROM_DAEMON
from robotq.workers import Workers
from tests.api import shapes
from tests.engine.bench import CATALOG, bench_config, bench_factory
from tests.workers.conftest import SetClock

WORKER = re.compile(r"W[1-9][0-9]*-[0-9]{4}[0-9a-z]{4}")
NOBODY = "00000000-0000-4000-8000-000000000000"

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
    def error(self) -> Any:
        assert self.status >= 400
        return self.body["error"]


class Played:
    """A worker, played by a test."""

    def __init__(self, ws: ClientWebSocketResponse) -> None:
        self.ws = ws
        self.name = ""

    async def hear(self) -> Any:
        """The next message, which is one of those that are documented."""
        async with asyncio.timeout(10):
            message = await self.ws.receive_json()
        kind = message["type"]
        shapes.check(message, *(one for one in FROM_DAEMON if one.__struct_config__.tag == kind))
        return message

    async def silence(self, seconds: float = 0.05) -> None:
        """Nothing comes."""
        with pytest.raises(TimeoutError):
            await self.ws.receive(timeout=seconds)

    async def task(self) -> Any:
        message = await self.hear()
        assert message["type"] == "task", message
        return message

    async def say(self, **message: Any) -> None:
        await self.ws.send_json(message)

    async def complete(self, task_id: str, result: Any = None, **more: Any) -> None:
        await self.say(type="task_complete", taskId=task_id, result=result, **more)

    async def fail(self, task_id: str, error: Any, **more: Any) -> None:
        await self.say(type="task_error", taskId=task_id, error=error, **more)

    async def pong(self) -> None:
        """All that was said before has been heard when this returns."""
        await self.say(type="ping")
        assert await self.hear() == {"type": "pong"}

    async def closed(self) -> int | None:
        """The code with which the connection ended."""
        async with asyncio.timeout(10):
            while (await self.ws.receive()).type not in (
                WSMsgType.CLOSE,
                WSMsgType.CLOSED,
                WSMsgType.CLOSING,
                WSMsgType.ERROR,
            ):
                pass
        return self.ws.close_code

    async def __aenter__(self) -> Self:
        hello = await self.hear()
        assert hello["type"] == "connected", hello
        self.hello = hello
        self.name = hello["workerId"]
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.ws.close()


class Dispatcher:
    """What a test talks to. Every error is checked for its form, and every success for its
    documented shape."""

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
    def port(self) -> int:
        port = self.client.port
        assert port is not None
        return port

    @property
    def url(self) -> str:
        return str(self.client.make_url("")).rstrip("/")

    async def ask(self, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        if body is not None:
            how["data"] = body if isinstance(body, bytes) else orjson.dumps(body)
        async with self.client.request(method, path, **how) as response:
            answer = Answer(response.status, response.headers, await response.text())
        if answer.status >= 400 or "/api/" in path:
            check(method, path.partition("?")[0], answer)
        return answer

    async def post(self, body: Any = None, **how: Any) -> Answer:
        return await self.ask("POST", "/api/openai", {"data": {}} if body is None else body, **how)

    async def submit(self, data: Any = None, **more: Any) -> str:
        """The id of a task that nobody waits for."""
        answer = await self.post(
            {"data": {"n": 1} if data is None else data, "async": True, **more}
        )
        assert answer.status == 200, answer.text
        task_id: str = answer.body["taskId"]
        return task_id

    def waiting(self, **body: Any) -> asyncio.Task[Answer]:
        """A synchronous request under way."""
        return asyncio.create_task(self.post({"data": {"n": 1}, **body}))

    async def get(self, task_id: str) -> Answer:
        return await self.ask("GET", f"/api/task/{task_id}")

    async def task(self, task_id: str) -> Any:
        answer = await self.get(task_id)
        assert answer.status == 200, answer.text
        return answer.body

    async def until(self, task_id: str, status: str) -> Any:
        async with asyncio.timeout(10):
            while (task := await self.task(task_id))["status"] != status:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return task

    async def worker(self, group: str | None = None, **query: str) -> Played:
        asked = {**query, **({} if group is None else {"group": group})}
        return Played(await self.client.ws_connect("/ws", params=asked))

    async def pages(self, name: str) -> Any:
        answer = await self.ask("GET", f"/api/dashboard/{name}")
        assert answer.status == 200, answer.text
        return answer.body

    async def alone(self) -> None:
        """Wait until no worker is there any more."""
        async with asyncio.timeout(10):
            while (await self.pages("metrics"))["totalWorkers"]:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def after(self, seconds: float) -> None:
        self.clock.pass_(seconds)
        await self.workers.expire_due("dispatcher")


def check(method: str, path: str, answer: Answer) -> None:
    """Exactly the form of errors, or one of the documented shapes."""
    assert answer.headers["Content-Type"] == "application/json"
    if answer.status >= 400:
        shapes.check(answer.body, wire.Error)
        return
    for pattern, route in _PATTERNS:
        if route.method == method and pattern.fullmatch(path) and route.response is not None:
            shapes.check(answer.body, route.response, *route.responses)


OpenDispatcher = Callable[..., Awaitable[Dispatcher]]


@asynccontextmanager
async def running(
    data: Path,
    store: Store | None = None,
    clock: SetClock | None = None,
    limits: LimitsConfig | None = None,
    allowed_origins: Sequence[str] = (),
    **config: Any,
) -> AsyncIterator[Dispatcher]:
    interfaces = InterfacesConfig(dispatcher=DispatcherConfig(**config))
    whole = bench_config(
        data=data,
        interfaces=interfaces,
        limits=limits or LimitsConfig(),
        allowed_origins=list(allowed_origins),
    )
    engine = await start_engine(
        whole, CATALOG, store or MemoryStore(), {"bench": bench_factory({})}, clock=clock
    )
    workers = Workers(engine)
    if clock is None:
        workers.start()
    site = Site(engine, workers, keys=await asyncio.to_thread(KeyFile, data))
    try:
        server = TestServer(site.own(DISPATCHER), access_log=None)
        async with TestClient(server) as client:
            yield Dispatcher(engine, workers, clock, client)
            await workers.stop()
    finally:
        await workers.stop()
        await engine.shut_down()


@pytest.fixture
async def open_dispatcher(tmp_path: Path) -> AsyncIterator[OpenDispatcher]:
    """`await open_dispatcher(store=..., clock=..., max_length=...)`"""
    async with AsyncExitStack() as stack:

        async def opened(**how: Any) -> Dispatcher:
            return await stack.enter_async_context(running(tmp_path, **how))

        yield opened


@pytest.fixture
async def api(open_dispatcher: OpenDispatcher) -> Dispatcher:
    """In wall time that a test sets."""
    return await open_dispatcher(clock=SetClock())
