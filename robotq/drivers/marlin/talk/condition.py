"""What one Marlin has said of itself last."""

from __future__ import annotations

import time
from collections.abc import Mapping

from robotq.drivers.marlin.talk.protocol import temperatures_in

_BUSY_S = 5.0
"""It says every two seconds that it is at work."""
_PAUSE_S = 10.0
"""It says every two seconds that it waits for a person; after so long without, it does not."""


class BoardCondition:
    """Times are those of the monotonic clock. Each value stands for itself."""

    def __init__(self) -> None:
        self.answers = 0
        """Ever, to whatever it was: also to stops, and to lines that are forgotten."""
        self.halted: str | None = None
        """It has stopped everything, and has said so with these words."""
        self.point: tuple[float, ...] = ()
        """Where what is planned leads to, as it was told last."""
        self.point_at = 0.0
        """When it told that; 0 before it has, over this link."""
        self.temperatures: Mapping[str, float] = {}
        """In °C, by the names of Marlin: T, T0, B; what it has told last."""
        self.temperatures_at = 0.0
        self._paused_at: float | None = None
        self._busy_at: float | None = None
        self._worked_at = 0.0
        self._says_busy = False

    def forget(self) -> None:
        """The link is made anew. The number of answers goes on, and the point stays until it is
        told anew."""
        self._says_busy = False
        self.halted = None
        self.point_at, self.temperatures = 0.0, {}
        self.reads()

    @property
    def paused(self) -> bool:
        """It waits for a person, as far as it has said last."""
        at = self._paused_at
        return at is not None and time.monotonic() - at < _PAUSE_S

    @property
    def busy(self) -> bool:
        """It works at something, and reads nothing meanwhile, as far as it has said last."""
        at = self._busy_at
        return at is not None and time.monotonic() - at < _BUSY_S

    @property
    def worked_at(self) -> float | None:
        """When it last said that it had carried out a line, or was busy with one; None where it has
        never said that it is busy: then its silence proves nothing."""
        return self._worked_at if self._says_busy else None

    # -- what it says --------------------------------------------------------------------------

    def pause(self) -> None:
        self._paused_at, self._busy_at = time.monotonic(), None
        self._worked_at, self._says_busy = self._paused_at, True

    def work(self) -> None:
        self._paused_at, self._busy_at = None, time.monotonic()
        self._worked_at, self._says_busy = self._busy_at, True

    def reads(self) -> None:
        """It is neither paused nor busy."""
        self._paused_at = self._busy_at = None

    def halt(self, text: str) -> None:
        self.reads()
        self.halted = self.halted or text

    def answer(self) -> None:
        self.answers += 1
        self._worked_at = time.monotonic()

    def stand_at(self, point: tuple[float, ...]) -> None:
        self.point = point
        self.point_at = time.monotonic()

    def feel(self, text: str) -> None:
        """It tells how warm it is when a program asks, and by itself while it heats."""
        told = temperatures_in(text)
        if told:
            self.temperatures, self.temperatures_at = told, time.monotonic()
