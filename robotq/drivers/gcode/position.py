"""Whether it is known where the robot stands."""

from __future__ import annotations

import itertools
from collections import deque

_KEPT = 16
"""Reasons that are kept: the first one is told, and any one of them is enough."""


class Position:
    """Known or not, and homed or not.

    No method takes a lock, since an emergency stop calls them. Whoever makes the position known
    says since when (`mark`): what has made it unknown after that moment still counts.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lost: deque[tuple[int, str, bool]] = deque(maxlen=_KEPT)
        """Number, reason, and whether it stands before earlier reasons."""
        self._known = 0
        self._homed = 0
        self._unhomed = 0

    def mark(self) -> int:
        """This moment, for `take_as_known` and `reached_home`."""
        return next(self._numbers)

    def forget(self, why: str, *, first: bool = False) -> None:
        """Nobody can say any more where it stands. The earliest reason is the one that is told;
        with `first` it is this one."""
        self._lost.append((next(self._numbers), why, first))

    def unhome(self) -> None:
        """It has to be homed again where the configuration asks for it."""
        self._unhomed = next(self._numbers)

    def take_as_known(self, since: int) -> None:
        """It is known, unless something has happened after `since`."""
        self._known = since

    def reached_home(self, since: int) -> None:
        """It was homed, and that began at `since`."""
        self._homed = self._known = since

    @property
    def homed(self) -> bool:
        return self._homed > self._unhomed

    @property
    def why_lost(self) -> str | None:
        """Why it is not known; None where it is."""
        lost = [each for each in list(self._lost) if each[0] > self._known]
        if not lost:
            return None
        return next((why for _, why, first in reversed(lost) if first), lost[0][1])
