"""Whether a program says how fast it goes. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from robotq.drivers.base import DriverError
from robotq.drivers.gcode.reader.lines import Line

_WITH_FEED = frozenset({"G1", "G2", "G3", "G38.2", "G38.3", "G38.4", "G38.5"})
_WITHOUT = frozenset({"G0", "G80"})
_NO_MOTION = frozenset({"G4", "G10", "G28", "G30", "G92"})
_INVERSE_TIME = "G93"


def require_feed(lines: Iterable[Line]) -> None:
    """Raises DriverError for the first line that would move without a feed, of a program for a
    controller that has none in effect: it would answer error:22, with the lines before it
    carried out."""
    feeding = False
    for line in lines:
        codes = set(line.codes)
        if "F" in line.text or _INVERSE_TIME in codes:
            return
        named = not codes.isdisjoint(_WITH_FEED)
        if named:
            feeding = True
        elif not codes.isdisjoint(_WITHOUT):
            feeding = False
        moves = line.motion and codes.isdisjoint(_NO_MOTION) and _has_axes(line)
        # a code that is named wants a feed without axes too
        if named or (feeding and moves):
            raise DriverError(
                f"line {line.number}: {line.text[:60]!r}: no feed is set (F), and the controller "
                "has forgotten the last one with its reset: name F in the program, or set the "
                "option `feed`",
                code="bad_parameter",
                field="program",
            )


def _has_axes(line: Line) -> bool:
    return any(axis in line.text for axis in "XYZABCUVW")
