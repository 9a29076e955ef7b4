"""Where the lines lead to, and what of it is planned."""

from __future__ import annotations

from math import ceil, dist

from robotq.testing.emulators.motion import Axes, Point

_ARC_MM = 1.0
"""An arc is planned in pieces of this length."""
_STEPS_PER_MM = (80.0, 80.0, 400.0)
_LEAST_STEPS = 6
"""A motion of fewer steps is not planned: the next one makes up for it (MIN_STEPS_PER_SEGMENT)."""
_FIRST_MOVE_S = 0.1
"""From rest, it waits so long for more to plan (BLOCK_DELAY_FOR_1ST_MOVE)."""
_INCH_MM = 25.4


class Motions:
    """The axes behind the lines: what is said in the units and the mode that are in effect."""

    def __init__(self, speed: float) -> None:
        self.axes = Axes(blocks_most=16, speed=speed, first_move_s=_FIRST_MOVE_S / min(speed, 10.0))
        self._target: Point = (0.0, 0.0, 0.0)
        """Where the last line leads to; what is planned may end a few steps before."""
        self._relative = False
        self._unit_mm = 1.0
        self._feed_mm_s = 10.0

    def boot(self) -> None:
        self.drop()
        self.at_zero()
        self._relative = False
        self._unit_mm = 1.0

    def drop(self) -> None:
        """Nothing is planned any more, and it stands where it is."""
        self.axes.drop()
        self._target = self.axes.position

    def at_zero(self) -> None:
        self.axes.position = self._target = (0.0, 0.0, 0.0)

    def take_mode(self, code: str) -> None:
        """G20, G21, G90 or G91."""
        if code in ("G90", "G91"):
            self._relative = code == "G91"
        else:
            self._unit_mm = _INCH_MM if code == "G20" else 1.0

    def shift(self, values: dict[str, float]) -> None:
        """G92: it stands there from now on."""
        target = _target(self._target, values, relative=False)
        self.axes.shift(_difference(target, self._target))
        self._target = target

    def way(self, motion: str, values: dict[str, float]) -> list[Point]:
        """The ends of the pieces in which a motion is planned."""
        for letter in {"X", "Y", "Z", "F"} & values.keys():
            values[letter] *= self._unit_mm
        if "F" in values:
            self._feed_mm_s = max(0.1, values["F"] / 60)
        if not any(axis in values for axis in "XYZ"):
            return []
        start = self._target
        end = self._target = _target(start, values, relative=self._relative)
        pieces = 1 if motion in ("G0", "G1") else ceil(dist(start, end) / _ARC_MM) or 1
        return [_between(start, end, n / pieces) for n in range(1, pieces + 1)]

    def plan(self, end: Point, line: str) -> None:
        if max(map(abs, _steps(self.axes.planned, end))) >= _LEAST_STEPS:
            self.axes.plan(end, self._feed_mm_s, line)

    @property
    def position(self) -> str:
        """The answer to M114: where the last line leads to, and in steps how far it is planned."""
        x, y, z = self._target
        counts = _steps((0.0, 0.0, 0.0), self.axes.planned)
        return (
            f"X:{x:.2f} Y:{y:.2f} Z:{z:.2f} E:0.00 Count X:{counts[0]} Y:{counts[1]} Z:{counts[2]}"
        )

    @property
    def steps(self) -> str:
        """The answer to M92."""
        x, y, z = _STEPS_PER_MM
        return f"echo:  M92 X{x:.2f} Y{y:.2f} Z{z:.2f} E500.00"


def _steps(start: Point, end: Point) -> tuple[int, ...]:
    return tuple(
        round(b * per_mm) - round(a * per_mm)
        for a, b, per_mm in zip(start, end, _STEPS_PER_MM, strict=True)
    )


def _difference(end: Point, start: Point) -> Point:
    return (end[0] - start[0], end[1] - start[1], end[2] - start[2])


def _between(start: Point, end: Point, share: float) -> Point:
    if share == 1:
        return end
    x, y, z = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    return (x, y, z)


def _target(start: Point, values: dict[str, float], *, relative: bool) -> Point:
    base = start if relative else (0.0, 0.0, 0.0)
    return (
        base[0] + values["X"] if "X" in values else start[0],
        base[1] + values["Y"] if "Y" in values else start[1],
        base[2] + values["Z"] if "Z" in values else start[2],
    )
