"""Answers in the one form of errors what is no request at all, which no route ever sees."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from robotq.api.connections.accept import Listener, listen
from robotq.api.connections.connection import Connection
from robotq.api.connections.open import Connections
from robotq.api.context import CONNECTIONS, ENGINE
from robotq.api.http.errors import error_response, fault
from robotq.api.http.mount import straight
from robotq.model.errors import RobotqError
from robotq.model.texts import Language
from robotq.system.rarely import Rarely

_SHOWN = 200
"""Characters of what is wrong with a request that its answer repeats."""

_log = logging.getLogger(__name__)


class Served:
    """An application on its sockets. What is not HTTP, or has headers that are too long, gets
    the same kind of error as everything else, and the connection is closed."""

    def __init__(
        self, app: web.Application, *, handlers_s: float = 60.0, idle_s: float = 3_630.0
    ) -> None:
        """`handlers_s`: what requests under way get at the end; `idle_s`: how long a connection
        stays open without one."""
        self._runner = web.AppRunner(app, shutdown_timeout=handlers_s)
        self._options: dict[str, Any] = {"access_log": None, "keepalive_timeout": idle_s}
        self._listeners: list[Listener | asyncio.AbstractServer] = []
        self._rarely = Rarely(_log)

    async def start(self) -> None:
        """Get the application ready; nobody is answered yet."""
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        server.request_handler = straight(self._runner.app, server.request_handler)

    async def listen(self, sock: socket.socket) -> None:
        """Answer who connects to this socket, which is bound."""
        loop, app, server = asyncio.get_running_loop(), self._runner.app, self._runner.server
        assert server is not None

        def protocol() -> _Protocol:
            return _Protocol(server, app, self._rarely, loop=loop, **self._options)

        self._listeners.append(await listen(sock, protocol))

    @property
    def connections(self) -> Sequence[Connection]:
        server = self._runner.server
        open_ = server.connections if server is not None else []
        return [one for one in open_ if isinstance(one, Connection)]

    async def close(self) -> None:
        """Take no new connection, let requests under way come to their end, and close."""
        for listener in self._listeners:
            listener.close()
        await self._runner.cleanup()


class _Protocol(Connection):
    __slots__ = ("_app", "_rarely")

    def __init__(
        self, server: web.Server, app: web.Application, rarely: Rarely, **options: Any
    ) -> None:
        super().__init__(server, **options)
        self._app = app
        self._rarely = rarely

    def register(self) -> Connections | None:
        return self._app[CONNECTIONS]

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if 400 <= status < 500:
            # its bytes are whatever somebody sent, a key perhaps: they are not logged, and no
            # more lines than a few a second
            if self.began_with_tls:
                self._rarely.warning(
                    "%s speaks TLS (https) to the plain port: use http://, or a proxy in front of "
                    "it that ends TLS",
                    request.remote,
                )
                message = "this port speaks plain HTTP and no TLS: use http://"
            else:
                self._rarely.info("what %s sends is no HTTP", request.remote)
        else:
            # logs it, and raises where an answer has begun already
            super().handle_error(request, status, exc, message)
        if 400 <= status < 500:
            reason = (message or "not HTTP").strip().partition("\n")[0][:_SHOWN].rstrip(": ")
            error = RobotqError("bad_parameter", field="request", reason=reason)
        else:
            cause = exc if isinstance(exc, Exception) else RuntimeError(message)
            error = fault(cause, "the connection")
        answer = error_response(error, Language(self._app[ENGINE].config.language))
        answer.force_close()
        return answer
