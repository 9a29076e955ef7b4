"""A connection of a client: aiohttp's, counted, and with what floods it let in by small pieces."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from robotq.api.connections.meter import Meter
from robotq.api.connections.open import Connections

_CLIENT_HELLO = b"\x16\x03"
"""How the first record of TLS begins, of every version."""


class Connection(web.RequestHandler):
    """What a client sends is read and answered by aiohttp. This says when it was heard last, and
    holds back what would keep others from their turn."""

    __slots__ = (
        "_holding",
        "_meter",
        "_metered",
        "_register",
        "answering",
        "began_with_tls",
        "crowded",
        "head_since",
        "heard",
        "heard_at",
        "keyed",
        "used",
    )

    answering: bool
    head_since: float | None
    heard_at: float
    keyed: bool
    used: bool
    began_with_tls: bool
    """Its first bytes are those of a client that expects TLS."""
    crowded: bool
    """Whether this request has come together with the one before."""
    heard: bool
    """Something has come since the last request was begun."""

    _meter: Meter
    _metered: bool
    _holding: bool
    """No more of a body is taken until somebody has read what is here of it."""
    _register: Connections | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.heard = False
        self.heard_at = time.monotonic()
        self._meter = Meter(super().data_received, transport)
        self._metered = False
        self._holding = False
        self.answering = False
        self.began_with_tls = False
        self.crowded = False
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
        """From the handler of a WebSocket: lets what comes in by small pieces from now on, each
        when it asks for the next message."""
        self._metered = True
        return self._meter

    def pause_reading(self) -> None:
        self._holding = True
        super().pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:
        # asked at the end of each body and for each piece of it that is read; it would look for
        # more requests, and resume a transport that goes on: a tenth of what an answer takes
        if self._holding:
            self._holding = False
            super().resume_reading(resume_parser)

    def data_received(self, data: bytes) -> None:
        if data:
            if not self.heard and not self.used and data[:2] == _CLIENT_HELLO:
                self.began_with_tls = True
            self.heard = True
            now = self.heard_at = time.monotonic()
            if self._metered:
                self._meter.put(data)
                return
            if not self.answering and self.head_since is None:
                self.head_since = now
        super().data_received(data)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        # where a handler has given no answer, this is another one
        answer, left = await super().finish_response(request, resp, start_time)
        self.answering = False
        self.head_since = None
        self.used = True
        if self._metered:
            self._meter.let_go()
        return answer, left


def begun(request: web.BaseRequest) -> bool:
    """The request is handled from now on. Whether many may have come at once over its connection:
    then everybody else has a turn before it."""
    connection = request.protocol
    if not isinstance(connection, Connection):
        return False
    connection.answering = True
    connection.head_since = None
    crowded = connection.crowded = not connection.heard
    connection.heard = False
    return crowded


def shown(request: web.BaseRequest) -> None:
    """A valid key came with the request: its connection is kept where others have to go."""
    connection = request.protocol
    if isinstance(connection, Connection):
        connection.keyed = True
