"""The latest requests, for the log of the dashboard. Kept in memory, lost with the process."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

from aiohttp import web

from robotq.wire.dashboard import RequestLine

_KEPT = 300


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
    """Who asked for what, and what the answer was: without bodies, queries and keys."""

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
