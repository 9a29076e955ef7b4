"""Limit switches and soft limits: what is planned is lost, and nothing but a reset is heard."""

from __future__ import annotations

import math
from collections.abc import Callable

from robotq.testing.emulators.motion import Axes, Point

_DEAF_S = 0.5
"""It waits for so long when it has said which alarm it is; a reset that comes meanwhile is lost."""


class Limits:
    """Times are those of the device."""

    def __init__(
        self, axes: Axes, say: Callable[[str], None], *, ends_mm: float, reach_mm: float
    ) -> None:
        """`ends_mm`: how far from 0 the switches are; `reach_mm`: how far lines may lead."""
        self._axes = axes
        self._say = say
        self._ends_mm = ends_mm
        self._reach_mm = reach_mm
        self.restart()

    def restart(self) -> None:
        self.hit = False
        """It waits for a reset, and for nothing else."""
        self.refused: str | None = None
        """A line that leads too far: the alarm comes when the axes stand, and after the reset it
        is answered as if it had been carried out."""
        self._deaf_until = 0.0
        self._told = True

    @property
    def watched(self) -> bool:
        return self._ends_mm < math.inf

    def beyond(self, end: Point) -> bool:
        """Whether the soft limits are in the way."""
        return max(map(abs, end)) > self._reach_mm

    def refuse(self, line: str) -> None:
        self.refused = line
        if self._axes.blocks:
            self._axes.hold()

    def look(self, now: float) -> bool:
        """Whether there was an alarm just now."""
        if self.hit:
            self._tell(now)
            return False
        if self.refused is not None and not self._axes.moving:
            self._alarm(2, now)
        elif max(map(abs, self._axes.position)) > self._ends_mm:
            most = self._ends_mm
            self._alarm(1, now)
            x, y, z = (max(-most, min(most, at)) for at in self._axes.position)
            self._axes.position = (x, y, z)
        return self.hit

    def _alarm(self, number: int, now: float) -> None:
        self._axes.drop()
        self.hit, self._told = True, False
        self._deaf_until = now + _DEAF_S
        self._say(f"ALARM:{number}")

    def _tell(self, now: float) -> None:
        if not self._told and now >= self._deaf_until:
            self._told = True
            self._say("[MSG:Reset to continue]")

    def deaf(self, now: float) -> bool:
        """A reset is lost."""
        return self.hit and now < self._deaf_until

    def ends_s(self, now: float) -> list[float]:
        """The seconds until there is something to say."""
        return [self._deaf_until - now] if self.hit and not self._told else []
