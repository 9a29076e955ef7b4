"""Moving one axis of a robot for as long as somebody holds a button. No driver has to be able to.

Who holds the button is far away, and may be gone at any moment without a word. So a jog lives by
renewals alone: `JogLife` says for how long the robot may still move, and a driver never has more
motion on its way than that allows. What it has sent then ends by itself, whoever dies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from robotq.model.json import JsonObject

LIFE_S = 0.3
"""Seconds for which one renewal lets the robot move."""
AHEAD_S = 0.2
"""Seconds of motion that a driver has sent ahead at most: it takes up to that long to stand where
the link, or the daemon, dies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JogWanted:
    axis: str
    """x, y or z."""
    direction: int
    """1 or -1."""
    speed_mm_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JogLimits:
    """What a jog of this robot may be, at this moment."""

    axes: tuple[str, ...]
    most_mm_s: float
    most_mm: float | None = None
    """How far one jog leads at most; None: as far as the work area."""


class JogLife(Protocol):
    """Asked from the driver's thread. Takes no lock."""

    def left_s(self) -> float:
        """Seconds for which the robot may still move; 0 when it has to stand."""


@runtime_checkable
class Jogs(Protocol):
    """A driver that can move an axis by hand. `DriverStatus.jog` says how far and how fast."""

    def jog(self, wanted: JogWanted, life: JogLife) -> JsonObject:
        """Move for as long as `life` lasts, on the thread of `execute`; returns when the robot
        stands: `moved_mm`, `start` and `end` (axis -> mm, where they are known), `at_limit`.

        Never has more on its way than `life` allows, and never more than `AHEAD_S`; slows down
        where renewals come late. Ends at the edge of the work area. `stop` and `emergency_stop`
        end it as they end a command. Raises what `execute` raises.
        """
