"""The course of one value over the last hour, in memory that does not grow."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import msgspec

STEP_S = 10.0
"""Seconds of one slot."""
SLOTS = 360
"""An hour."""


class Point(msgspec.Struct, frozen=True, gc=False):
    """What was heard within some seconds."""

    at: float
    """Their first moment, by the clock of `put`."""
    least: float
    most: float
    last: float


class Ring:
    """Some 9 kB, however often a value comes."""

    def __init__(self) -> None:
        empty = array("d", [math.nan]) * SLOTS
        self._least, self._most, self._last = empty[:], empty[:], empty[:]
        self._newest = -1
        """The number of the latest slot since the clock began; -1 before the first value."""

    def put(self, at: float, value: float) -> None:
        """Take a value that was heard at `at`. One from before the last hour is left out."""
        number = int(at // STEP_S)
        if self._newest < 0:
            self._newest = number
        if number <= self._newest - SLOTS:
            return
        # what the ring had in these slots is older than an hour
        for passed in range(max(self._newest + 1, number - SLOTS + 1), number + 1):
            self._last[passed % SLOTS] = math.nan
        self._newest = max(self._newest, number)
        slot = number % SLOTS
        known = not math.isnan(self._last[slot])
        self._least[slot] = min(value, self._least[slot]) if known else value
        self._most[slot] = max(value, self._most[slot]) if known else value
        self._last[slot] = value

    def points(self, now: float, count: int = SLOTS) -> Sequence[Point | None]:
        """The hour up to `now` in `count` parts, oldest first; None where nothing was heard.
        `count` divides `SLOTS`."""
        each = SLOTS // count
        # parts begin at the same moments however often somebody looks, so that no curve trembles
        end = (int(now // STEP_S) // each + 1) * each
        return [self._together(first, each) for first in range(end - SLOTS, end, each)]

    def _together(self, first: int, each: int) -> Point | None:
        slots = [
            number % SLOTS
            for number in range(first, first + each)
            if self._newest - SLOTS < number <= self._newest
            and not math.isnan(self._last[number % SLOTS])
        ]
        if not slots:
            return None
        return Point(
            at=first * STEP_S,
            least=min(self._least[slot] for slot in slots),
            most=max(self._most[slot] for slot in slots),
            last=self._last[slots[-1]],
        )
