"""Notices when the event loop stands still."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from robotq.model.clock import WallClock

_log = logging.getLogger(__name__)

_PERIOD_S = 0.1
STALL_S = 0.25
"""Lateness from which a beat counts as a stall: a client on this machine would notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopStatistics:
    """How well the event loop kept its beat, for /health and /metrics."""

    stalls: int
    """Times since the start that the loop stood still for `STALL_S` seconds or longer."""
    longest_stall_s: float
    """Seconds of the longest one; 0 without any."""
    last_stall_at_ms: int | None
    """End of the latest one."""


class Watchdog:
    """Beats on the loop and counts the beats that come late.

    A stall is seen when it is over: while the loop stands still nobody can be told anyway.
    """

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock
        self._stalls = 0
        self._longest_s = 0.0
        self._last_at_ms: int | None = None
        self._beat: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to watch the running loop."""
        self._next(asyncio.get_running_loop())

    def stop(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def statistics(self) -> LoopStatistics:
        return LoopStatistics(
            stalls=self._stalls,
            longest_stall_s=round(self._longest_s, 3),
            last_stall_at_ms=self._last_at_ms,
        )

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + _PERIOD_S
        self._beat = loop.call_at(due, self._on_beat, loop, due)

    def _on_beat(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        late_s = loop.time() - due
        if late_s >= STALL_S:
            self._stalls += 1
            self._longest_s = max(self._longest_s, late_s)
            self._last_at_ms = self._clock.now_ms()
            _log.warning("the event loop stood still for %.2f s", late_s)
        self._next(loop)
