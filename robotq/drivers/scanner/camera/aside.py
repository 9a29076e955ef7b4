"""A thread of its own for what blocks: it keeps neither the loop nor the end of the process."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from robotq.drivers.base import LinkLost

_T = TypeVar("_T")

_MOST = 4
"""What may wait for it; more means that it hangs."""


class Aside:
    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._waiting = 0

    async def __call__(self, work: Callable[[], _T]) -> _T:
        """What `work` returns or raises. Raises LinkLost where it hangs in what was before."""
        if self._waiting >= _MOST:
            raise LinkLost("it has not come back from the pictures before")
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()

        def over(result: Any, error: Exception | None) -> None:
            self._waiting -= 1
            if future.cancelled():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def job() -> None:
            result, error = None, None
            try:
                result = work()
            except Exception as raised:  # noqa: BLE001 - whoever asked gets it
                error = raised
            try:
                loop.call_soon_threadsafe(over, result, error)
            except RuntimeError:
                # the loop has ended meanwhile
                return

        self._waiting += 1
        self._jobs.put(job)
        return await future

    def end(self) -> None:
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
