"""The words of a line, and the codes that stay in effect behind it, by their groups."""

from __future__ import annotations

import re
from collections.abc import Mapping

from robotq.drivers.base import DriverError

WORD = re.compile(r"([A-Z]) *([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))?")
AXES = ("X", "Y", "Z")
PLANES = {"G17": "XY", "G18": "XZ", "G19": "YZ"}
STRAIGHT = frozenset({"G0", "G1"})
ARCS = frozenset({"G2", "G3", "G5", "G5.1"})
CYCLES = frozenset({"G73", "G81", "G82", "G83", "G84", "G85", "G86", "G89"})
PROBES = frozenset({"G38.2", "G38.3", "G38.4", "G38.5"})
MOTIONS = STRAIGHT | ARCS | CYCLES | PROBES | {"G80"}
ELSEWHERE = frozenset({"G28", "G30", "G53"})
"""They lead to the same point as in the first run, whatever coordinates it has."""
GROUPS = {
    code: group
    for group, codes in {
        "units": ("G20", "G21"),
        "plane": ("G17", "G18", "G19"),
        "distance": ("G90", "G91"),
        "feed mode": ("G93", "G94"),
        "system": (*(f"G{n}" for n in range(54, 60)), "G59.1", "G59.2", "G59.3"),
        "spindle": ("M3", "M4", "M5"),
        "mist": ("M7",),
        "flood": ("M8",),
        "extruder": ("M82", "M83"),
    }.items()
    for code in codes
}


def refused(line: int, rule: str) -> DriverError:
    """Why a program cannot be begun at a line."""
    return DriverError(rule, code="from_line_refused", line=line, rule=rule)


def words_of(text: str) -> Mapping[str, str]:
    """Letter -> value, but for the codes."""
    return {letter: value or "" for letter, value in WORD.findall(text) if letter not in "GM"}
