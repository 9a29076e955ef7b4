"""The time limit of a running command, in motion time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from robotq.model.clock import MotionClock, Timer


class Limit:
    """Calls `expired` once the command has had `seconds` of motion time.

    It does not run while the command waits for a person or is held: neither is slow motion.
    """

    def __init__(self, clock: MotionClock, seconds: float, expired: Callable[[], None]) -> None:
        self._clock = clock
        self._seconds = self._left = seconds
        self._expired = expired
        self._paused_for: set[str] = set()
        self._since = clock.now()
        self._timer: Timer | None = self._armed()

    @property
    def used_s(self) -> float:
        """Seconds of motion time that it has run so far."""
        running_s = self._clock.now() - self._since if self._timer is not None else 0.0
        return self._seconds - self._left + running_s

    def pause(self, reason: str) -> None:
        """Stop the time until `resume` was called for every reason."""
        self._paused_for.add(reason)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._left -= self._clock.now() - self._since

    def resume(self, reason: str) -> None:
        self._paused_for.discard(reason)
        if self._timer is None and not self._paused_for:
            self._since = self._clock.now()
            self._timer = self._armed()

    def cancel(self) -> None:
        """The command has ended; the time does not run any more."""
        self.pause("ended")

    def _armed(self) -> Timer:
        loop = asyncio.get_running_loop()
        return self._clock.call_later(max(0.0, self._left), self._expired, loop)
