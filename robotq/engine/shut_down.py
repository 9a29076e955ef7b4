"""The orderly end of an engine: the robots first, then the disk, which gets a bounded time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from robotq.engine.assembly.parts import Parts
from robotq.engine.upkeep.background import Background
from robotq.model.errors import NotWritten
from robotq.model.event import Event
from robotq.model.hold import HoldCode

_log = logging.getLogger(__name__)

_FOR_THE_ENDS = 0.8
"""Of the time of the disk: for what the robots have done. The rest is for closing it."""

_NAMED = 20
"""Things that are named at most; a number stands for the others."""


class ShutDown:
    """Accepts nothing more; gives running commands `limits.shutdown_grace_s`; stops them; then
    gives the disk `Timings.disk_at_end_s` in all to take the rest, and closes everything.

    A disk that does not answer, or takes nothing, cannot keep a robot from being stopped, nor
    the daemon from ending.
    """

    def __init__(
        self,
        parts: Parts,
        background: Background,
        others: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        """`others`: what is to be stopped before the disk is closed."""
        self._parts = parts
        self._others = others
        self._background = background
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time()

    async def end(self, queues: Iterable[str]) -> None:
        """`queues`: which are told that it ends. Raises NotWritten, when all else is done."""
        parts, base = self._parts, self._parts.base
        parts.tasks.queue.close()
        for name in dict.fromkeys(queues):
            base.holds.set(name, HoldCode.STOPPING)
        robots = tuple(parts.roster.values())
        grace_s = base.settings.config.limits.shutdown_grace_s
        await asyncio.gather(
            parts.jogging.finish(base.settings.timings.answer_s),
            *(robot.stand_still(grace_s) for robot in robots),
        )
        disk_s = base.settings.timings.disk_at_end_s
        self._until = self._loop.time() + disk_s
        ends = self._loop.time() + disk_s * _FOR_THE_ENDS
        await asyncio.gather(*(robot.finish(ends) for robot in robots))
        await parts.absent.stop()
        await self._background.stop()
        await base.webhooks.stop()
        for stop in self._others:
            await stop()
        await self._in_time(self._holds_written(), _FOR_THE_ENDS)
        stopped = Event(kind="daemon.stopped", at_ms=base.clock.now_ms(), actor="robotq", data={})
        noted = await self._in_time(base.commit.note(stopped))
        base.bus.close()
        await parts.outage.close()
        missing = self._missing(noted=bool(noted))
        await asyncio.gather(*(robot.close() for robot in robots))
        base.artifacts.close()
        if await self._in_time(self._closed()) is None:
            missing = [*missing, "whatever else the disk has not confirmed"]
        if missing:
            _log.critical("not on disk at the end: %s", ", ".join(missing))
            raise NotWritten(", ".join(missing))

    @property
    def _left_s(self) -> float:
        return max(0.0, self._until - self._loop.time())

    async def _holds_written(self) -> bool:
        # one that was out may be back at any moment
        await self._parts.base.commit.disk.until_available()
        return await self._parts.base.hold_writer.recorded(self._left_s)

    async def _in_time(self, work: Awaitable[bool], share: float = 1.0) -> bool | None:
        """What it returns; None where that share of the time of the disk is over before."""
        try:
            async with asyncio.timeout(self._left_s * share):
                return await work
        except TimeoutError:
            return None

    async def _closed(self) -> bool:
        self._parts.base.programs.close()
        await self._parts.base.store.close()
        return True

    def _missing(self, *, noted: bool) -> Sequence[str]:
        """What the disk has not confirmed, as far as anybody can be told in a word."""
        base = self._parts.base
        # what runs on at its device has no end yet
        left = [robot.executor.doubts.left for robot in self._parts.roster.values()]
        ids = {task.id for task in left if task is not None}
        missing = [
            f"the end of {task.id} ({task.queue})"
            for task in base.memory.running()
            if task.id not in ids
        ]
        missing += [
            f"{hold.code.value} ({hold.robot})"
            for hold in base.holds.all()
            if not base.hold_writer.on_disk(hold)
        ]
        if not noted:
            missing.append("the end of the daemon in the journal")
        if len(missing) > _NAMED:
            missing = [*missing[:_NAMED], f"{len(missing) - _NAMED} more"]
        return missing
