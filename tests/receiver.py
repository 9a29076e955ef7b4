"""A receiver of webhooks on the loopback address, which does what a test wants of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        body = orjson.loads(self.raw)
        assert isinstance(body, dict)
        return body

    @property
    def attempt(self) -> int:
        return int(self.headers["X-Robotq-Attempt"])


Answer = Callable[[], Awaitable[web.Response]]


def status(number: int, **headers: str) -> Answer:
    async def answer() -> web.Response:
        return web.Response(status=number, headers=headers)

    return answer


def says(text: str) -> Answer:
    async def answer() -> web.Response:
        return web.Response(text=text)

    return answer


@dataclass
class Receiver:
    server: TestServer
    requests: list[Request] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)
    """To the next requests, one each; then `usual`."""
    usual: Answer = field(default_factory=lambda: says('{"received": true}'))
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def port(self) -> int:
        assert self.server.port is not None
        return self.server.port

    def url(self, path: str = "/done", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def got(self, number: int = 1) -> list[Request]:
        """The requests, as soon as there are so many."""
        async with asyncio.timeout(5):
            while len(self.requests) < number:
                self.changed.clear()
                await self.changed.wait()
        return self.requests

    async def never(self) -> web.Response:
        """An answer that does not come."""
        await self.closing.wait()
        return web.Response(status=503)

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(Request(request.path_qs, dict(request.headers), await request.read()))
        self.changed.set()
        answer = self.answers.popleft() if self.answers else self.usual
        return await answer()


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    app = web.Application()
    receiver = Receiver(TestServer(app))
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    await receiver.server.start_server()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        await receiver.server.close()
