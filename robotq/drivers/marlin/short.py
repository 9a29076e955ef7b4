"""What Marlin keeps of the last segments of a program.

It plans no segment of fewer than six steps in each axis (MIN_STEPS_PER_SEGMENT): the next one that
is long enough makes up for it. Behind the last one nothing does, and M400 does not either, so the
robot stands some steps short of where the program leads to, and M114 tells that place all the
same. Pure.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

from robotq.drivers.marlin.planned import values_in

_AXES = "XYZ"
_INCH_MM = 25.4
_LEAST = 6
_NOISE = 0.001
"""Both ends of a way are rounded to whole steps: of a way of 5.5 steps it makes 5 or 6."""
_COARSE = 20.0
"""Steps per millimetre of an axis about which nothing is known: hardly any has fewer."""
_REPORTED_MM = 0.005
"""M114 tells hundredths."""
_KEPT = 64
_MOST = 32
_N = r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))"
_STRAIGHT = re.compile(
    rf"G0?[01] ?(?:X{_N} ?)?(?:Y{_N} ?)?(?:Z{_N} ?)?(?:[EF][-+]?[0-9.]+ ?)*", re.ASCII
)
"""Most lines of a program, read in one go."""
_STEPS = re.compile(r"M92\s+X([0-9.]+)\s+Y([0-9.]+)\s+Z([0-9.]+)", re.ASCII)

Point = tuple[float, float, float]


def steps_in(told: Sequence[str]) -> Point | None:
    """Steps per millimetre, from the answer to M92."""
    found = next(filter(None, map(_STEPS.search, told)), None)
    try:
        steps = (float(found[1]), float(found[2]), float(found[3])) if found else None
    except ValueError:
        return None
    return steps if steps is not None and min(steps) > 0 else None


class Remainder:
    """Follows the motions of one robot, on the command thread."""

    def __init__(self) -> None:
        self.steps: Point | None = None
        """Per millimetre; None until it was asked for."""
        self._trail: deque[Point] = deque(maxlen=_KEPT)
        """Where it certainly was planned to, and the ends of all motions since, none of them long;
        empty: nothing is known."""
        self._sure_mm: float | None = None
        """How far from the first one of these it may have been planned to; None: not more than
        six steps."""
        self._lost = True
        """What it was planned to is not known, until it tells."""
        self._relative = False
        self._unit_mm = 1.0

    def begin(self, reported: Sequence[float]) -> None:
        """A program begins; `reported`: what M114 said last."""
        if len(reported) < len(_AXES):
            self._trail.clear()
            return
        at: Point = (reported[0], reported[1], reported[2])
        if self._lost or not self._trail or _mm(self._trail[-1], at) > 2 * _REPORTED_MM:
            self._set(at, _REPORTED_MM)
            self._lost = False

    def lose(self) -> None:
        """A stop, a home or a start of the controller: nothing is kept, and it has to tell where
        it is."""
        self._lost = True

    def _set(self, at: Point, sure_mm: float | None = 0.0) -> None:
        self._trail.clear()
        self._trail.append(at)
        self._sure_mm = sure_mm

    def sent(self, text: str, *, motion: bool) -> None:
        """The controller has this line."""
        if straight := _STRAIGHT.fullmatch(text):
            self._move(*[None if each is None else float(each) for each in straight.groups()])
            return
        code, values = values_in(text)
        match code:
            case "G20" | "G21":
                self._unit_mm = _INCH_MM if code == "G20" else 1.0
            case "G90" | "G91":
                self._relative = code == "G91"
            case "M92":
                self.steps = None
            case "G92":
                self._rename(values)
            case "G0" | "G1" | "G2" | "G3":
                arc = code in ("G2", "G3")
                self._move(values.get("X"), values.get("Y"), values.get("Z"), arc=arc)
            case _:
                self._lost = self._lost or motion

    def _move(
        self, x: float | None, y: float | None, z: float | None, *, arc: bool = False
    ) -> None:
        if not self._trail or (x is None and y is None and z is None):
            return
        at, unit_mm = self._trail[-1], self._unit_mm
        from_x, from_y, from_z = at if self._relative else (0.0, 0.0, 0.0)
        end = (
            at[0] if x is None else from_x + x * unit_mm,
            at[1] if y is None else from_y + y * unit_mm,
            at[2] if z is None else from_z + z * unit_mm,
        )
        if arc:
            # it is planned in pieces, and the last one may be short
            self._set(end, None)
        elif _steps(end, at, self._per_mm) >= 2 * _LEAST:
            self._set(end)
        else:
            if len(self._trail) == _KEPT:
                self._sure_mm = None
            self._trail.append(end)

    def _rename(self, values: dict[str, float]) -> None:
        if not self._trail:
            return
        at = self._trail[-1]
        by = [
            values[axis] * self._unit_mm - was if axis in values else 0.0
            for axis, was in zip(_AXES, at, strict=True)
        ]
        moved = [(x + by[0], y + by[1], z + by[2]) for x, y, z in self._trail]
        self._trail.clear()
        self._trail.extend(moved)

    @property
    def _per_mm(self) -> Point:
        return self.steps or (_COARSE, _COARSE, _COARSE)

    @property
    def doubtful(self) -> bool:
        """Something may be left; `steps` tell."""
        return not self._lost and (len(self._trail) > 1 or self._sure_mm is None)

    def short_mm(self) -> dict[str, float]:
        """By how much it may be short of where the last line leads to, axis by axis; empty where
        it is not."""
        if not self.doubtful:
            return {}
        per_mm = self._per_mm
        end = self._trail[-1]
        bases = self._bases(per_mm)
        short = {}
        for index, axis in enumerate(_AXES):
            if bases is None:
                most = (_LEAST - 1) / per_mm[index]
            else:
                most = max(
                    (
                        abs(end[index] - at[index]) + unsure / per_mm[index]
                        for at, unsure in bases
                    ),
                )  # fmt: skip
                # never as much as would have been planned
                most = min(most, _LEAST / per_mm[index])
            if most * per_mm[index] >= 1:
                short[axis.lower()] = round(most, 4)
        return short

    def _bases(self, per_mm: Point) -> set[tuple[Point, float]] | None:
        """Where it may have been planned to, and by how many steps that is not sure; None: too
        many to tell."""
        first, *ends = self._trail
        unsure = _LEAST - 1 if self._sure_mm is None else self._sure_mm * max(per_mm)
        bases: set[tuple[Point, float]] = {(first, float(unsure))}
        for end in ends:
            after: set[tuple[Point, float]] = set()
            for at, unsure in bases:
                way = _steps(end, at, per_mm)
                if way + unsure > _LEAST - 1 + _NOISE:
                    after.add((end, 0.0))
                if way - unsure < _LEAST - _NOISE:
                    after.add((at, unsure))
            if len(after) > _MOST:
                return None
            bases = after
        return bases


def _steps(end: Point, start: Point, per_mm: Point) -> float:
    return max(
        abs(end[0] - start[0]) * per_mm[0],
        abs(end[1] - start[1]) * per_mm[1],
        abs(end[2] - start[2]) * per_mm[2],
    )


def _mm(end: Point, start: Point) -> float:
    return _steps(end, start, (1.0, 1.0, 1.0))
