"""What one robot measures, as it was told last."""

from __future__ import annotations

import logging
import math
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from robotq.config import ValueConfig
from robotq.model.carried.live_value import (
    MOST_VALUES,
    LiveValue,
    Range,
    ValueState,
    fault_of,
    state_of,
)

_log = logging.getLogger(__name__)

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


_TOLD = 50
"""Values that are not kept and that the log has a line about."""
_AS_CONFIGURED = ValueConfig()


class ValueLook(msgspec.Struct, frozen=True, kw_only=True):
    """A value as it is now, as far as anybody knows."""

    name: str
    value: float
    """The last one that was heard, however long ago."""
    unit: str
    normal: Range | None
    state: ValueState
    age_s: float
    alarm: bool
    """It is out of its range for so long that somebody has to act."""
    out_s: float
    """For how long it was out of its range without a break when it was heard last; 0 where it is
    not."""
    points: Sequence[Point | None]


class _Known:
    """One value."""

    __slots__ = ("heard", "heard_at", "out_since", "ring")

    def __init__(self) -> None:
        self.ring = Ring()
        self.heard = LiveValue(value=0.0)
        self.heard_at = 0.0
        self.out_since: float | None = None
        """Since when it is out of its range without a break."""


class RobotValues:
    """Memory is bounded: `MOST_VALUES` values, an hour of each. Belongs to the loop."""

    def __init__(
        self,
        robot: str,
        configured: Callable[[], Mapping[str, ValueConfig]],
        connected: Callable[[], bool],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._robot = robot
        self._configured = configured
        self._connected = connected
        self.now = self._now = now
        """The clock of all points."""
        self._known: dict[str, _Known] = {}
        self._refused: set[str] = set()

    def take(self, values: Mapping[str, LiveValue]) -> None:
        """What the driver says now. A driver is code of somebody: what is no value is left out."""
        if not values:
            return
        now = self._now()
        for name, heard in list(values.items())[: 2 * MOST_VALUES]:
            fault = fault_of(name, heard)
            known = None if fault else self._slot(name, now)
            if known is None:
                self._refuse(name, fault or f"it has {MOST_VALUES} others")
                continue
            at = now - heard.age_s
            # said once more, as drivers do that are asked oftener than they hear something
            again = known.heard_at and at <= known.heard_at + 1e-3
            known.heard, known.heard_at = heard, max(at, known.heard_at)
            if not again:
                known.ring.put(at, float(heard.value))
            out = self._state(name, known) in (ValueState.LOW, ValueState.HIGH)
            if not out:
                known.out_since = None
            elif known.out_since is None:
                known.out_since = at

    def _slot(self, name: str, now: float) -> _Known | None:
        known = self._known.get(name)
        if known is not None:
            return known
        if len(self._known) >= MOST_VALUES:
            # one that its driver has given up makes room
            oldest = min(self._known, key=lambda each: self._known[each].heard_at)
            if now - self._known[oldest].heard_at < self._told(oldest).stale_s:
                return None
            del self._known[oldest]
        known = self._known[name] = _Known()
        return known

    def _refuse(self, name: object, why: str) -> None:
        shown = repr(name)[:80]
        if shown not in self._refused and len(self._refused) < _TOLD:
            self._refused.add(shown)
            _log.warning("%s: the value %s is not kept: %s", self._robot, shown, why)

    # -- what there is -------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._known)

    def look(self, points: int = 0) -> Sequence[ValueLook]:
        """Every value in the order in which the driver has begun to tell it, with so many points
        of the last hour."""
        return [self._look(name, known, points) for name, known in self._known.items()]

    def _look(self, name: str, known: _Known, points: int) -> ValueLook:
        now = self._now()
        told, state = self._told(name), self._state(name, known)
        out_since = known.out_since
        return ValueLook(
            name=name,
            value=float(known.heard.value),
            unit=known.heard.unit or told.unit,
            normal=self._normal(name, known),
            state=state,
            age_s=max(0.0, now - known.heard_at),
            alarm=told.alarm
            and state in (ValueState.LOW, ValueState.HIGH)
            and out_since is not None
            and now - out_since >= told.alarm_after_s,
            out_s=0.0 if out_since is None else max(0.0, now - out_since),
            points=known.ring.points(now, min(points, SLOTS)) if points else (),
        )

    def _state(self, name: str, known: _Known) -> ValueState:
        stale = self._now() - known.heard_at > self._told(name).stale_s
        if stale or not self._connected():
            return ValueState.STALE
        return state_of(known.heard.value, self._normal(name, known))

    def _normal(self, name: str, known: _Known) -> Range | None:
        configured: Any = self._told(name).normal
        found = known.heard.normal if configured is None else configured
        return None if found is None else (found[0], found[1])

    def _told(self, name: str) -> ValueConfig:
        return self._configured().get(name, _AS_CONFIGURED)
