"""What is older than the configuration keeps is removed."""

from __future__ import annotations

from robotq.engine.artifacts.clean_up import CleanUp
from robotq.engine.intake.programs import Programs
from robotq.engine.settings import Settings
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.upkeep.clock_watch import ClockWatch
from robotq.model.clock import WallClock
from robotq.store.port import Store

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000

_AT_ONCE = 1_000
"""Rows of each kind in one transaction, so that nobody waits long behind it."""


class Retention:
    """Removes by age, and nothing for a day after somebody has set the clock, since ages may be
    wrong then."""

    def __init__(
        self,
        *,
        store: Store,
        memory: TaskMemory,
        settings: Settings,
        clock: WallClock,
        clock_watch: ClockWatch,
        programs: Programs,
        files: CleanUp,
    ) -> None:
        self._store = store
        self._memory = memory
        self._settings = settings
        self._clock = clock
        self._clock_watch = clock_watch
        self._programs = programs
        self._files = files

    async def look(self) -> None:
        """Remove what is too old by now."""
        await self._clock_watch.look()
        try:
            await self._remove_old()
        finally:
            # whatever has left them: no age decides about a program
            await self._programs.sweep()

    async def _remove_old(self) -> None:
        if not self._clock_watch.settled:
            return
        keep = self._settings.config.retention
        now_ms = self._clock.now_ms()
        tasks_before_ms = now_ms - int(keep.tasks_days * _DAY_MS)
        # first here: what is still found can still be retried
        self._memory.forget(tasks_before_ms)
        removed = 1
        while removed:
            removed = await self._store.prune(
                tasks_before_ms=tasks_before_ms,
                events_before_ms=now_ms - int(keep.events_days * _DAY_MS),
                answers_before_ms=now_ms - int(keep.idempotency_hours * _HOUR_MS),
                limit=_AT_ONCE,
            )
        await self._files.look()
