"""Work that the engine repeats for as long as it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)


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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
