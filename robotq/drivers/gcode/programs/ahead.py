"""What a program does from one of its lines on, and what depends on where the robot stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from robotq.drivers.gcode.programs.groups import (
    ARCS,
    AXES,
    CYCLES,
    ELSEWHERE,
    GROUPS,
    MOTIONS,
    PLANES,
    PROBES,
    refused,
    words_of,
)
from robotq.drivers.gcode.programs.left import Left
from robotq.drivers.gcode.reader.codes import TEXTS
from robotq.drivers.gcode.reader.lines import Program
from robotq.drivers.gcode.reader.rules import Rules
from robotq.model.json import JsonObject


@dataclass(slots=True)
class _Ahead:
    """What is in effect at a line behind the beginning."""

    motion: str
    distance: str
    plane: str
    extruder: str
    known: set[str] = field(default_factory=set)
    """Axes that lines from the beginning on have led to where the program wants them."""

    def take(self, codes: tuple[str, ...]) -> bool:
        """Whether one of them says what coordinates mean."""
        own = [code for code in codes if code in MOTIONS]
        self.motion = own[-1] if own else self.motion
        for code in codes:
            group = GROUPS.get(code)
            self.distance = code if group == "distance" else self.distance
            self.plane = code if group == "plane" else self.plane
            self.extruder = code if group == "extruder" else self.extruder
        return bool(own)


def what_follows(left: Left, program: Program, first: int, rules: Rules) -> JsonObject:
    """The first motion; every axis has to be led to where the program wants it before something
    depends on it. Raises DriverError."""
    ahead = _Ahead(
        motion=left.motion,
        distance=left.group["distance"],
        plane=left.group.get("plane", "G17"),
        extruder=left.group.get("extruder", "M82"),
    )
    told: JsonObject | None = None
    for index in range(first, len(program)):
        same, text, number = program.same(index), program.text(index), program[index].number
        if not (rules.texts | TEXTS).isdisjoint(same.codes):
            continue
        words = words_of(text)
        own = ahead.take(same.codes)
        if rules.one_code and words.get("E") and ahead.extruder != "M83":
            raise refused(number, "it names the place of the extruder, which nobody knows (M83 "
                           "would make it relative)")  # fmt: skip
        named = [axis for axis in AXES if axis in words]
        if "G92" in same.codes:
            if not set(named) <= ahead.known:
                raise refused(number, "G92 sets coordinates where the robot stands, and no line "
                               "from there on has led it there")  # fmt: skip
            continue
        moves = not ELSEWHERE.isdisjoint(same.codes)
        if not moves and (not named or not {"G4", "G10", "G43", "G43.1"}.isdisjoint(same.codes)):
            continue
        if not moves:
            _require_place(number, ahead, named, own=own)
        ahead.known |= set(named or AXES)
        told = told or {
            "line": number,
            "text": text,
            "axes": named,
            "stays": [axis for axis in AXES if axis not in ahead.known],
        }
        if ahead.known >= set(AXES) and (not rules.one_code or index - first > _ENOUGH):
            break
    if told is None:
        raise refused(program[first].number, "nothing moves from there on")
    return told


_ENOUGH = 5_000
"""Lines in which an extruder that is not relative would be named."""


def _require_place(number: int, ahead: _Ahead, named: list[str], *, own: bool) -> None:
    """Raises DriverError where a motion depends on a place that is not the program's."""
    motion, known = ahead.motion, ahead.known
    why = ""
    if motion in CYCLES:
        if not own and not known:
            why = "it is in the middle of a canned cycle: begin at its first line, or behind it"
        elif "Z" not in known:
            why = f"{motion} goes back to the height before it, and nothing from there on has led "
            why += "Z anywhere"
    elif motion in ARCS:
        lacks = ", ".join(sorted(set(PLANES[ahead.plane]) - known))
        if lacks:
            why = f"{motion} begins where the robot stands, and nothing from there on has led "
            why += f"{lacks} to that point: begin at a straight motion before it"
    elif motion in ("", "G80") or (motion in PROBES and not own):
        why = "coordinates, and no line before it says which motion they mean"
    elif ahead.distance == "G91" and not set(named) <= known:
        lacks = ", ".join(axis for axis in named if axis not in known)
        why = f"it is relative (G91), and nothing from there on has led {lacks} anywhere"
    if why:
        raise refused(number, why)
