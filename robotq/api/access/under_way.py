"""Requests under way: each is asked again who makes it, as soon as that may have changed."""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiohttp import web

from robotq.model.errors import RobotqError

_log = logging.getLogger(__name__)


class UnderWay:
    """What was let in and is not over: streams, workers' connections, requests that wait for a
    task's end or whose body still arrives.

    A key that is revoked, a network that is taken away, end them: what was right when they
    began is not right for as long as they last.
    """

    def __init__(self) -> None:
        self._open: dict[int, tuple[web.Request, Callable[[], object]]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, request: web.Request, check: Callable[[], object]) -> None:
        """`check` raises RobotqError where the request would not be let in now; else it has
        the verdict of now count for what the request still asks."""
        self._open[id(request)] = request, check

    def end(self, request: web.Request) -> None:
        self._open.pop(id(request), None)

    def look(self) -> None:
        """Call it in the moment in which keys or configuration change: the connections of those
        that would not be let in now are ended, the others go on by the new verdict."""
        for request, check in list(self._open.values()):
            try:
                check()
            except RobotqError as error:
                self.end(request)
                _log.info(
                    "%s %s of %s is ended: %s",
                    request.method,
                    request.path,
                    request.remote,
                    error.code.name,
                )
                if request.transport is not None:
                    request.transport.abort()
