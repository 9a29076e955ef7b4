"""Whether the ends of an arc fit to its centre or radius, as Grbl and its descendants want it."""

from __future__ import annotations

import math
import re

from robotq.drivers.gcode.reader.program import Program
from robotq.drivers.gcode.reader.rules import Modes

_WORD = re.compile(r"([IJKRXYZ])[ \t]*([+-]?[0-9.]+)")
_PLANES = {"G17": ("X", "Y", "I", "J"), "G18": ("Z", "X", "K", "I"), "G19": ("Y", "Z", "J", "K")}
_UNITS = {"G20": 25.4, "G21": 1.0}
_LOST = frozenset({"G28", "G30", "G53", "G10", "G38.2", "G38.3", "G38.4", "G38.5", "G92.1", "G5",
                   "G5.1", "G43.1", "G49", "G51", "G50"})  # fmt: skip
"""Where these lead to is not known in the coordinates of the program."""
_OTHERS = frozenset({"G90", "G91", "G20", "G21", "G92"}) | {f"G{n}" for n in range(54, 60)}
"""What stands before these is in other coordinates."""
_FAR = 64
"""Lines that are looked back at."""
_MOST_MM = 0.5
_LEAST_MM = 0.005
_SHARE = 0.001
"""By so much the radius may differ at both ends (grbl gcode.c: error:33 above half a millimetre,
and above 0.005 mm if that is more than a thousandth of it)."""
_ROUNDING = 1e-6
"""What single precision may make of a half circle."""


def why_no_arc(lines: Program, modes: Modes) -> str | None:
    """Why the last one of these lines is none that can be made; None where it can, or where it is
    not known where it begins. `modes`: those that it is carried out in."""
    plane, unit = _PLANES.get(modes.plane), _UNITS.get(modes.units)
    if plane is None or unit is None or not modes.distance:
        return None
    first, second, *offsets = plane
    values = {letter: float(value) for letter, value in _WORD.findall(lines.text(len(lines) - 1))}
    relative = modes.distance == "G91"
    start = (0.0, 0.0) if relative else _start(lines, first, second)
    if start is None:
        return None
    still = (0.0, 0.0) if relative else start
    way_x = (values.get(first, still[0]) - start[0]) * unit
    way_y = (values.get(second, still[1]) - start[1]) * unit
    if "R" in values:
        return _why_no_radius(way_x, way_y, abs(values["R"]) * unit)
    x, y = (values.get(letter, 0.0) * unit for letter in offsets)
    radius = math.hypot(x, y)
    off = abs(math.hypot(way_x - x, way_y - y) - radius)
    if off > _MOST_MM or (off > _LEAST_MM and off > _SHARE * radius):
        return f"an arc whose ends are not equally far from its centre, by {off:.4g} mm (error:33)"
    return None


def _why_no_radius(way_x: float, way_y: float, radius: float) -> str | None:
    chord = math.hypot(way_x, way_y)
    if not chord:
        return "an arc with a radius that ends where it begins (error:33)"
    if chord > 2 * radius * (1 + _ROUNDING):
        return (
            f"an arc whose ends are {chord:.4g} mm apart, with a radius of {radius:.4g} (error:34)"
        )
    return None


def _start(lines: Program, first: str, second: str) -> tuple[float, float] | None:
    """Where the line before has led to, as far as the lines before it say."""
    found: dict[str, float] = {}
    for index in range(len(lines) - 2, max(-1, len(lines) - 2 - _FAR), -1):
        line = lines.same(index)
        if not _LOST.isdisjoint(line.codes):
            return None
        if line.motion:
            for letter, value in _WORD.findall(lines.text(index)):
                found.setdefault(letter, float(value))
        if first in found and second in found:
            return found[first], found[second]
        if not _OTHERS.isdisjoint(line.codes):
            return None
    return None
