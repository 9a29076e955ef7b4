"""How long motions take, so that no more of them are planned than a hold may take. Pure."""

from __future__ import annotations

import math
import re

from robotq.drivers.gcode.reader.lines import Line

_WORD = re.compile(r"([A-Z])\s*([-+]?[0-9.]+)?", re.ASCII)
_AXES = "XYZ"
_INCH_MM = 25.4


class Ahead:
    """How much is planned ahead of what the robot does, against the option `hold_within_s`."""

    def __init__(self, limit_s: float | None) -> None:
        self._limit_s = limit_s
        self._planned = Planned()
        self._ahead_s = 0.0
        self._needs_s: float | None = None
        """What the line needs that was asked about last, and was not sent yet."""

    def has_room(self, line: Line) -> bool:
        """Whether this line may follow what is planned; the first one always may."""
        if self._limit_s is None:
            return True
        if self._needs_s is None:
            self._needs_s = self._planned.seconds(line.text, motion=line.motion)
        return not self._ahead_s or self._ahead_s + self._needs_s <= self._limit_s

    def sent(self) -> None:
        self._ahead_s += self._needs_s or 0.0
        self._needs_s = None

    def rests(self) -> None:
        """All of it is carried out."""
        self._ahead_s = 0.0


class Planned:
    """Follows the lines of a program. Ramps are left out: the real time is a little longer."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        """An axis of which nothing is known is not in it."""
        self._feed_mm_s: float | None = None
        self._relative = False
        self._unit_mm = 1.0

    def seconds(self, text: str, *, motion: bool) -> float:
        """How long this line moves; infinite where that cannot be said."""
        code, values = values_in(text)
        match code:
            case "G20" | "G21":
                self._unit_mm = _INCH_MM if code == "G20" else 1.0
            case "G90" | "G91":
                self._relative = code == "G91"
            case "G92":
                self._at.update({axis: values[axis] for axis in _AXES if axis in values})
            case "G0" | "G1" | "G2" | "G3":
                return self._move(values)
            case _:
                if motion:
                    # where it leads to is not known: a home, a probe
                    self._at.clear()
                    return math.inf
        return 0.0

    def _move(self, values: dict[str, float]) -> float:
        if "F" in values:
            self._feed_mm_s = values["F"] * self._unit_mm / 60
        squares, known = 0.0, True
        for axis in _AXES:
            if axis not in values:
                continue
            target, start = values[axis] * self._unit_mm, self._at.get(axis)
            if self._relative:
                squares += target**2
                if start is not None:
                    self._at[axis] = start + target
                continue
            known = known and start is not None
            squares += (target - (start or 0.0)) ** 2
            self._at[axis] = target
        # never longer than the whole circle
        radius = abs(values.get("R", math.hypot(values.get("I", 0.0), values.get("J", 0.0))))
        way = math.sqrt(squares) + 2 * math.pi * radius * self._unit_mm
        if not known or not self._feed_mm_s:
            return math.inf
        return way / self._feed_mm_s


def values_in(text: str) -> tuple[str, dict[str, float]]:
    """The code of a line, and its values by their letters."""
    code, values = "", {}
    for at, (letter, told) in enumerate(_WORD.findall(text)):
        value = _number(told)
        if value is None:
            continue
        if at:
            values[letter] = value
        else:
            code = f"{letter}{value:g}"
    return code, values


def _number(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
