"""An event loop on a thread of its own, for a server and what turns beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")


class Loop:
    """End it at the end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def begin(self, work: Awaitable[_T]) -> Future[_T]:
        async def done() -> _T:
            return await work

        return asyncio.run_coroutine_threadsafe(done(), self._loop)

    def do(self, work: Awaitable[_T]) -> _T:
        return self.begin(work).result(60)

    def end(self) -> None:
        # what a server leaves behind would be told of in the middle of another test
        self.do(_end_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


async def _end_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
