"""Calls of a driver on threads of their own: what they return or raise comes back to the loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from robotq.drivers.base import Busy

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_MAX_CALLS = 32
"""Calls that may wait for one thread; the next one is told Busy."""


class DriverCalls:
    """A thread for one kind of call, and a limit to those that wait for it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._worker_queue = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._waiting = 0
        self.idle = asyncio.Event()
        """Set while no call is under way."""
        self.idle.set()
        # the thread exists before the first stop needs it
        self._worker_queue.submit(lambda: None)

    def call(self, call: Callable[[], _T]) -> asyncio.Future[_T]:
        """The future raises what `call` raises, Busy where it cannot be called at all.

        It may be cancelled; the call itself takes place all the same.
        """
        loop = asyncio.get_running_loop()
        if self._waiting >= _MAX_CALLS:
            return _refused(loop, f"{self._name} does not answer {_MAX_CALLS} earlier calls")
        try:
            future = loop.run_in_executor(self._worker_queue, civil, call)
        except RuntimeError:
            return _refused(loop, f"{self._name} has ended")
        # counted until the thread has really served it, also when the caller gives up before
        self._waiting += 1
        self.idle.clear()
        future.add_done_callback(self._served)
        return asyncio.shield(future)

    def _served(self, future: asyncio.Future[Any]) -> None:
        self._waiting -= 1
        if not self._waiting:
            self.idle.set()
        if not future.cancelled():
            # a caller that has given up asks for it no more
            future.exception()

    def close(self) -> None:
        self._worker_queue.shutdown(wait=False, cancel_futures=True)


def _refused(loop: asyncio.AbstractEventLoop, reason: str) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = loop.create_future()
    future.set_exception(Busy(reason))
    return future


def civil(call: Callable[[], _T]) -> _T:
    """What `call` returns; whatever it raises is an Exception that a future can take.

    A driver that calls sys.exit ends its command and not the daemon.
    """
    try:
        return call()
    except (StopIteration, KeyboardInterrupt, SystemExit, GeneratorExit) as error:
        raise RuntimeError(repr(error)) from error
    except asyncio.CancelledError as error:
        raise RuntimeError("CancelledError") from error


def settle(future: asyncio.Future[_T], result: _T | None, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)  # type: ignore[arg-type]


def call_soon(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *args: Any) -> None:
    try:
        loop.call_soon_threadsafe(call, *args)
    except RuntimeError:
        _log.warning("a driver came back after the daemon had ended")


def quietly(glance: Callable[[], None], robot: str) -> None:
    """What a driver raises where it is asked how it is says nothing about its command."""
    try:
        civil(glance)
    except Exception as error:  # noqa: BLE001 - a driver may raise anything
        _log.debug("%s: no answer where it stands: %r", robot, error)


def retrieved(call: asyncio.Future[None]) -> None:
    """Nobody asks for what it raises."""
    if not call.cancelled():
        # whether it was taken shows in the closing itself
        call.exception()
