"""Work that the engine repeats for as long as it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any

_log = logging.getLogger(__name__)

_AGAIN_S = 1.0


async def end(tasks: Collection[asyncio.Task[Any]], *, again_s: float = _AGAIN_S) -> None:
    """Cancel tasks until they have ended. Once is not enough: `asyncio.wait_for` of Python 3.11,
    with which a pool of connections waits, loses a cancel that comes in the same turn as what was
    waited for, and a loop would go on for ever."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=again_s)
    # nobody is told of what failed at its end
    await asyncio.gather(*tasks, return_exceptions=True)


class Background:
    """Repeats jobs; one that fails is logged and tried again at its next turn."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, job: Callable[[], Awaitable[None]], *, every_s: float) -> None:
        """Run `job` now and then every `every_s` seconds of wall time."""
        self._tasks.append(asyncio.create_task(self._repeat(name, job, every_s), name=name))

    async def _repeat(self, name: str, job: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            try:
                await job()
            except Exception:  # noqa: BLE001 - logged whole; the next turn may succeed
                _log.exception("%s failed; it is tried again in %s s", name, every_s)
            await asyncio.sleep(every_s)

    async def stop(self) -> None:
        await end(self._tasks)
        self._tasks.clear()
