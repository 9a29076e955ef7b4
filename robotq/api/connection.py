"""A connection of a client: aiohttp's, with a short way for requests whose head comes again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from robotq.api.connections import Connections
from robotq.api.meter import Meter
from robotq.api.request_head import RequestHead, head_of, is_whole, upgrade_end

Follower: TypeAlias = Callable[[bytes], Awaitable[bytes | None]]
"""Gets the body of a request whose head is the one of a request before, and returns the whole
answer; None, and nothing done, where the request has to go the general way. Raises nothing."""

_LONGEST = 8_192
"""Bytes of a request whose head is remembered, at most."""


class Connection(RequestHandler):
    """Requests go through aiohttp. Where a handler has left a follower, one that is the same up
    to its body goes to that: it is not parsed, routed and made an object of once more.

    A program that sends command after command over one connection is served twice as fast.
    That holds for as long as each request came in one piece, so that it is certain where each
    of them begins. One request is answered at a time, in the order in which they came.
    """

    # what aiohttp keeps of a connection and has no public name for: `_close`, `_force_close`,
    # `_process_keepalive`, `_next_keepalive_close_time`, `_keepalive_timeout`,
    # `_request_in_progress`, `_handler_waiter`, `_upgraded`
    __slots__ = (
        "_due",
        "_follower",
        "_head",
        "_held",
        "_latest",
        "_meter",
        "_register",
        "_serving",
        "_whole",
        "answering",
        "head_since",
        "keyed",
        "used",
    )

    answering: bool
    head_since: float | None
    keyed: bool
    used: bool
    _meter: Meter
    _register: Connections | None

    _due: int
    """Requests on the general way that are not answered yet, while each came in one piece."""
    _follower: Follower | None
    _head: RequestHead
    _held: bytes
    _latest: bytes | None
    _serving: asyncio.Task[None] | None
    _whole: bool

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._due = 0
        self._follower = None
        self._held = b""
        self._latest = None
        self._serving = None
        self._whole = True
        self._meter = Meter(self._take, transport)
        self.answering = False
        self.head_since = None
        self.keyed = False
        self.used = False
        self._register = self.register()
        super().connection_made(transport)
        if self._register is not None:
            self._register.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._register is not None:
            self._register.gone(self)
        self._meter.close()
        super().connection_lost(exc)

    def register(self) -> Connections | None:
        """Where it is counted."""
        return None

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def metered(self) -> Meter:
        """From the handler of a WebSocket: lets what comes in by small pieces, each when it
        asks for the next message."""
        return self._meter

    def begun(self) -> None:
        """The head of a request is here, and it is its turn."""
        self.answering = True
        self.head_since = None

    @property
    def crowded(self) -> bool:
        """Whether several requests may have come at once."""
        return not self._whole

    def follow(self, follower: Follower) -> None:
        """From the handler of a request: what serves the next ones that have its head."""
        if self._latest is None or self._due != 1:
            return
        self._head, self._follower = head_of(self._latest), follower

    def data_received(self, data: bytes) -> None:
        if not data:
            # aiohttp goes on with what it has
            super().data_received(data)
            return
        if self._register is not None:
            self._register.heard(self)
        if self._is_other():
            self._meter.put(data)
            return
        if self._serving is not None:
            self._hold(data)
            return
        if self._follower is not None and self._whole and self._idle():
            body = self._head.body(data)
            if body is not None:
                self._serving = self._loop.create_task(self._serve(self._follower, body, data))
                # a shutdown waits for requests under way
                self._request_in_progress = True
                return
        if self._whole:
            self._whole = is_whole(data)
            self._latest = data if self._whole and len(data) <= _LONGEST else None
            self._due += 1
        if not self.answering and self.head_since is None:
            self.head_since = time.monotonic()
        end = upgrade_end(data) if not self._whole else None
        if end is None or end == len(data):
            super().data_received(data)
            return
        # what comes behind is no request, where the connection becomes another
        super().data_received(data[:end])
        if self._is_other():
            self._meter.put(data[end:])
        else:
            super().data_received(data[end:])

    def _is_other(self) -> bool:
        """It speaks no HTTP any more."""
        return self._upgraded

    def _take(self, data: bytes) -> None:
        super().data_received(data)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        # where a handler has given no answer, this is another one
        answer, left = await super().finish_response(request, resp, start_time)
        self._due -= 1
        self.answering = False
        self.head_since = None
        self.used = True
        self._meter.let_go()
        if not answer.keep_alive:
            self._whole = False
        return answer, left

    def _idle(self) -> bool:
        """Every request before is answered, and the answer is on its way."""
        transport = self.transport
        return (
            not self._due
            and not self._close
            and not self._force_close
            and transport is not None
            and not transport.get_write_buffer_size()
        )

    def _process_keepalive(self) -> None:
        """Close the connection where it was idle for long, which it is not while a request is
        served."""
        if self._serving is not None:
            self._used()
        super()._process_keepalive()

    def _used(self) -> None:
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout

    def _hold(self, data: bytes) -> None:
        """Keep what comes before the answer, and let nothing more come."""
        self._held += data
        if self.transport is not None:
            self.transport.pause_reading()

    async def _serve(self, follower: Follower, body: bytes, data: bytes) -> None:
        answer: bytes | None = None
        try:
            answer = await follower(body)
        except BaseException:
            self.force_close()
            raise
        finally:
            self._request_in_progress = False
            self._serving = None
            self._used()
            if self._handler_waiter is not None:
                self._handler_waiter.set_result(None)
        if self.transport is None or self.transport.is_closing():
            return
        if answer is not None:
            self.transport.write(answer)
        else:
            self._follower = None
            self._latest = data if len(data) <= _LONGEST else None
            self._due += 1
            super().data_received(data)
        if self._held:
            held, self._held = self._held, b""
            self.transport.resume_reading()
            self.data_received(held)


async def turn(request: web.BaseRequest) -> None:
    """The request is handled from now on. Where many may have come at once over its connection,
    everybody else has a turn before it."""
    connection = request.protocol
    if isinstance(connection, Connection):
        connection.begun()
        if connection.crowded:
            await asyncio.sleep(0)


def shown(request: web.BaseRequest) -> None:
    """A valid key came with the request: its connection is kept where others have to go."""
    connection = request.protocol
    if isinstance(connection, Connection):
        connection.keyed = True
