"""Which workers are at the other daemons that serve the same queues."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from robotq.engine.engine import Engine
from robotq.engine.upkeep.background import end
from robotq.engine.why_of_workers import WorkersThere
from robotq.model.json import JsonObject
from robotq.store.port import THERE_FRESH_MS, StoreUnavailable

_log = logging.getLogger(__name__)

_LOOK_S = 2.0
"""Wall seconds between two looks."""

_TELL_MS = 5_000
"""After which it is said again who is here, though nothing has changed."""

_LINES = 256
"""Kinds of workers that are told of."""

Lines = Sequence[Sequence[Any]]
"""Queue, match key, workers, busy ones, when one was seen last; by queue and match key."""


class Elsewhere:
    """Each daemon tells from time to time who is with it, and believes the others for a while."""

    def __init__(self, engine: Engine, here: Callable[[], Lines]) -> None:
        self._mirror = engine.mirror
        self._clock = engine.clock
        self._here = here
        self._told: Lines = ()
        self._told_ms = 0
        self._known: Mapping[tuple[str, str], WorkersThere] = {}
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="workers elsewhere")

    async def stop(self) -> None:
        """Nobody is here any more."""
        if self._task is not None:
            await end([self._task])
        await self._tell(None)

    def changed(self) -> None:
        """Somebody has come or gone: the others are told at once."""
        self._wanted.set()

    def there(self, queue: str, match: str) -> WorkersThere | None:
        return self._known.get((queue, match))

    def of(self, queue: str) -> Sequence[tuple[str, WorkersThere]]:
        """By match key."""
        found = [(match, there) for (of, match), there in self._known.items() if of == queue]
        return sorted(found, key=lambda one: one[0])

    async def anybody(self, queue: str) -> bool:
        """Whether some daemon has a worker for this queue, whatever its match key."""
        if not self._has(queue):
            await self.look()
        return self._has(queue)

    async def look(self) -> None:
        """Say who is here, where that is new, and ask for the others."""
        lines = self._here()[:_LINES]
        said = [line[:3] for line in lines] == [line[:3] for line in self._told]
        if not said or self._clock.now_ms() - self._told_ms >= _TELL_MS:
            await self._tell(lines)
        try:
            told = await self._mirror.workers_elsewhere()
        except StoreUnavailable as error:
            _log.debug("workers elsewhere: %s", error)
            told = ()
        self._known = _together(told, self._clock.now_ms() - THERE_FRESH_MS)

    async def _tell(self, lines: Lines | None) -> None:
        now_ms = self._clock.now_ms()
        told = None if lines is None else {"at_ms": now_ms, "workers": [*map(list, lines)]}
        try:
            await self._mirror.note_workers(told)
        except StoreUnavailable as error:
            _log.debug("the others do not know who is here: %s", error)
        else:
            self._told, self._told_ms = lines or (), now_ms

    def _has(self, queue: str) -> bool:
        return any(of == queue and there.workers for (of, _), there in self._known.items())

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - logged whole; the next look may succeed
                _log.exception("looking for workers elsewhere failed; it goes on")
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            self._wanted.clear()


def _together(told: Sequence[JsonObject], since_ms: int) -> Mapping[tuple[str, str], WorkersThere]:
    known: dict[tuple[str, str], WorkersThere] = {}
    for one in told:
        if one["at_ms"] < since_ms:
            continue
        for queue, match, workers, busy, seen_ms in one["workers"]:
            there = WorkersThere(workers=workers, busy=busy, seen_ms=seen_ms)
            others = known.get((queue, match))
            known[queue, match] = there if others is None else there.plus(others)
    return known
