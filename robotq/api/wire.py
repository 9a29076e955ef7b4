"""Answers in the one form of errors what is no request at all, which no route ever sees."""

from __future__ import annotations

import logging

from aiohttp import web

from robotq.api.connection import Connection
from robotq.api.connections import Connections
from robotq.api.context import CONNECTIONS, ENGINE
from robotq.api.errors import error_response, fault
from robotq.model.errors import RobotqError
from robotq.model.rarely import Rarely
from robotq.model.texts import Language

_SHOWN = 200
"""Characters of what is wrong with a request that its answer repeats."""


_rarely = Rarely(logging.getLogger(__name__))


class Runner(web.AppRunner):
    """Serves an application. What is not HTTP, or has headers that are too long, gets the same
    kind of error as everything else, and the connection is closed."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(
            made.request_handler,
            self.app,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            **self._kwargs,
        )


class _Server(web.Server):
    # aiohttp has no option for this: its own form is plain text

    def __init__(self, handler: object, app: web.Application, **options: object) -> None:
        super().__init__(handler, **options)  # type: ignore[arg-type]
        self.app = app

    def __call__(self) -> Connection:
        return _Protocol(self, loop=self._loop, **self._kwargs)


class _Protocol(Connection):
    __slots__ = ()

    def register(self) -> Connections | None:
        manager = self._manager
        assert isinstance(manager, _Server)
        return manager.app[CONNECTIONS]

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        manager = self._manager
        assert isinstance(manager, _Server)
        if 400 <= status < 500:
            # its bytes are whatever somebody sent, a key perhaps: they are not logged, and no
            # more lines than a few a second
            _rarely.info("what %s sends is no HTTP", request.remote)
        else:
            # logs it, and raises where an answer has begun already
            super().handle_error(request, status, exc, message)
        if 400 <= status < 500:
            reason = (message or "not HTTP").strip().partition("\n")[0][:_SHOWN].rstrip(": ")
            error = RobotqError("bad_parameter", field="request", reason=reason)
        else:
            cause = exc if isinstance(exc, Exception) else RuntimeError(message)
            error = fault(cause, "the connection")
        answer = error_response(error, Language(manager.app[ENGINE].config.language))
        answer.force_close()
        return answer
