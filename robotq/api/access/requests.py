"""The requests of a daemon: those under way, each asked again who makes it as soon as that may have
changed, and the latest that are over, for the log of the dashboard."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeVar

from aiohttp import web

from robotq.model.errors import RobotqError
from robotq.wire.dashboard import RequestLine

_Asking = TypeVar("_Asking", bound="Asking")

_log = logging.getLogger(__name__)

_KEPT = 300
"""Requests that are over."""


class Asking(Protocol):
    """A request on its way through the daemon."""

    request: web.Request


class UnderWay:
    """What was let in and is not over: streams, workers' connections, requests that wait for a
    task's end or whose body still arrives.

    A key that is revoked, a network that is taken away, end them: what was right when they
    began is not right for as long as they last.
    """

    def __init__(self) -> None:
        self._open: dict[Asking, Callable[[Any], object]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, call: _Asking, check: Callable[[_Asking], object]) -> None:
        """`check` raises RobotqError where the request would not be let in now; else it has
        the verdict of now count for what the request still asks."""
        self._open[call] = check

    def end(self, call: Asking) -> None:
        self._open.pop(call, None)

    def look(self) -> None:
        """Call it in the moment in which keys or configuration change: the connections of those
        that would not be let in now are ended, the others go on by the new verdict."""
        for call, check in list(self._open.items()):
            try:
                check(call)
            except RobotqError as error:
                request = call.request
                self.end(call)
                _log.info(
                    "%s %s of %s is ended: %s",
                    request.method,
                    request.path,
                    request.remote,
                    error.code.name,
                )
                if request.transport is not None:
                    request.transport.abort()


class _Request(NamedTuple):
    number: int
    at_ms: int
    method: str
    path: str
    status: int
    seconds: float
    caller: str

    def view(self) -> RequestLine:
        return RequestLine(
            id=self.number,
            at_ms=self.at_ms,
            method=self.method,
            path=self.path[:200],
            status=self.status,
            duration_ms=round(self.seconds * 1000, 2),
            caller=self.caller,
        )


class RequestLog:
    """Who asked for what, and what the answer was: without bodies, queries and keys. Lost with the
    process."""

    def __init__(self) -> None:
        self._latest: deque[tuple[int, int, str, str, int, float, str]] = deque(maxlen=_KEPT)
        self._count = 0

    def add(
        self, method: str, path: str, *, at_ms: int, status: int, seconds: float, caller: str
    ) -> None:
        # every request comes by here, and few are ever looked at
        self._count += 1
        self._latest.append((self._count, at_ms, method, path, status, seconds, caller))

    def after(self, number: int) -> list[_Request]:
        """Those with a higher number, oldest first."""
        newer = min(max(self._count - number, 0), len(self._latest))
        return [_Request(*one) for one in islice(self._latest, len(self._latest) - newer, None)]


REQUESTS = web.AppKey("requests", RequestLog)
