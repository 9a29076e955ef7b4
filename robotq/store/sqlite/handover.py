"""Questions from the event loop to threads, and the answers back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from robotq.store.port import StoreUnavailable

_log = logging.getLogger(__name__)

Outcome: TypeAlias = tuple["asyncio.Future[Any]", Any, Callable[[Any], None] | None]
"""A future, its result, and who is to have that first; an exception is raised from the future."""


class Handover:
    """Futures of one event loop that threads answer. Only so many may wait at once."""

    def __init__(self, limit: int, what: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._what = what
        self.waiting = 0
        """Futures that are not answered yet."""

    def future(self) -> asyncio.Future[Any]:
        """A new future, which must be answered once.

        Raises StoreUnavailable while too many wait already.
        """
        if self.waiting >= self._limit:
            raise StoreUnavailable(f"{self._limit} {self._what} wait for the disk already")
        self.waiting += 1
        return self._loop.create_future()

    def answer(self, outcomes: Sequence[Outcome]) -> None:
        """Give all these answers in one turn of the loop. May be called from any thread."""
        self._loop.call_soon_threadsafe(self._answer, outcomes)

    def _answer(self, outcomes: Sequence[Outcome]) -> None:
        self.waiting -= len(outcomes)
        for future, found, first in outcomes:
            outcome = found
            if first is not None and not isinstance(found, BaseException):
                outcome = _told(first, found)
            # whoever asked may have been cancelled meanwhile
            if future.done():
                continue
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


def _told(first: Callable[[Any], None], outcome: object) -> object:
    """The outcome, or what `first` raises against its promise: the next ones must be answered."""
    try:
        first(outcome)
    except Exception as error:  # noqa: BLE001 - logged, and its caller gets it
        _log.exception("what is on disk could not be taken over")
        return error
    return outcome
