"""Requests under way: each is asked again who makes it, as soon as that may have changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from aiohttp import web

from robotq.model.errors import RobotqError

_Asking = TypeVar("_Asking", bound="Asking")

_log = logging.getLogger(__name__)


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
