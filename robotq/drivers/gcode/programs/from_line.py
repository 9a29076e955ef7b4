"""A program from one of its lines on: what the lines before have left in effect, written as lines,
and what the first motion will do. Refused where that is not known for sure.

It is about coordinates and modes only. Where the robot has to stand before, and how it gets there,
is decided by the person who asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from robotq.drivers.base import DriverError, Resumption
from robotq.drivers.gcode.reader.codes import TEXTS
from robotq.drivers.gcode.reader.lines import Program, RefusedLine, prepare
from robotq.drivers.gcode.reader.program import Same
from robotq.drivers.gcode.reader.rules import Rules
from robotq.model.json import JsonObject

_WORD = re.compile(r"([A-Z]) *([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))?")
_LOOK_EVERY = 500
_AXES = ("X", "Y", "Z")
_PLANES = {"G17": "XY", "G18": "XZ", "G19": "YZ"}
_STRAIGHT = frozenset({"G0", "G1"})
_ARCS = frozenset({"G2", "G3", "G5", "G5.1"})
_CYCLES = frozenset({"G73", "G81", "G82", "G83", "G84", "G85", "G86", "G89"})
_PROBES = frozenset({"G38.2", "G38.3", "G38.4", "G38.5"})
_MOTIONS = _STRAIGHT | _ARCS | _CYCLES | _PROBES | {"G80"}
_ELSEWHERE = frozenset({"G28", "G30", "G53"})
"""They lead to the same point as in the first run, whatever coordinates it has."""
_GROUPS = {
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
_AS_WRITTEN = frozenset(
    {"G43", "G43.1", "G90.1", "G91.1", "G61", "G61.1", "G64", "G98", "G40", "M104", "M109",
     "M140", "M190", "M106",
     "M107", "M204", "M205", "M220", "M221", "M48", "M49"}
)  # fmt: skip
"""Of these the last one counts, as it stands there."""
_SAME = {
    "G43.1": "G43",
    "G61.1": "G61",
    "G64": "G61",
    "G90.1": "G91.1",
    "M109": "M104",
    "M190": "M140",
    "M107": "M106",
    "M49": "M48",
}
"""Of these and those the last one counts."""
_LEAVES_NOTHING = (
    frozenset({"G4", "M0", "M1", "M60", "M600", "M6", "M400", "M105", "M114", "M115", "M119", "M73",
               "M75", "M76", "M77", "M78", "M31", "M155", "M2", "M30"})
    | _ELSEWHERE | TEXTS
)  # fmt: skip
_ORDER = ("units", "plane", "distance", "feed mode", "system", "extruder")


@dataclass(slots=True)
class _State:
    """What is in effect before a line."""

    group: dict[str, str] = field(default_factory=dict)
    motion: str = ""
    written: dict[str, str] = field(default_factory=dict)
    at: dict[str, float | None] = field(default_factory=dict)
    """Coordinates in mm, as far as they are known."""
    feed: str = ""
    speed: str = ""
    tool: str = ""
    tool_line: int = 0
    dwell: str = ""
    """The pause behind the spindle's start."""
    shifted: tuple[int, str] | None = None
    unknown: tuple[int, str] | None = None
    """The line because of which something is not known, and why."""


def from_line(
    lines: Callable[[], Iterator[str]],
    number: int,
    rules: Rules,
    *,
    known: bool,
    look: Callable[[int], None],
) -> Resumption:
    """`lines` gives those of the program, each time anew. `known`: a command begins in known modes.

    Raises DriverError from_line_refused, program_refused.
    """
    try:
        program = prepare(lines(), rules, look=look)
    except RefusedLine as refused:
        raise _refused(refused.number, refused.why) from None
    first = _first(program, number)
    state = _State()
    if known:
        state.group = {"units": "G21", "distance": "G90", "plane": "G17", "feed mode": "G94"}
    for index in range(first):
        if index % _LOOK_EVERY == 0:
            look(index)
        _before(state, program.same(index), program.text(index), program[index].number, rules)
    begins = program[first].number
    _require_known(state, begins, rules)
    motion = _what_follows(state, program, first, rules)
    preamble = _preamble(state, rules)
    if len(preamble) >= number:
        raise _refused(number, "it is among the first lines: run the program from its beginning")
    told: JsonObject = {
        "begins_at": begins,
        "first_motion": motion,
        "stood_at": {axis.lower(): state.at.get(axis) for axis in _AXES},
        "tool": int(state.tool) if state.tool.isdecimal() else None,
    }
    return Resumption(preamble=preamble, told=told, lines=_rewritten(lines(), preamble, number))


def _refused(line: int, rule: str) -> DriverError:
    return DriverError(rule, code="from_line_refused", line=line, rule=rule)


def _first(program: Program, number: int) -> int:
    """The place of the first line to be carried out."""
    low, high = 0, len(program)
    while low < high:
        middle = (low + high) // 2
        if program[middle].number < number:
            low = middle + 1
        else:
            high = middle
    if low == len(program):
        raise _refused(number, "no line from there on is carried out")
    return low


def _words(text: str) -> Mapping[str, str]:
    return {letter: value or "" for letter, value in _WORD.findall(text) if letter not in "GM"}


def _before(state: _State, same: Same, text: str, number: int, rules: Rules) -> None:
    if not (rules.texts | TEXTS).isdisjoint(same.codes):
        return
    words = _words(text)
    for code in same.codes:
        _mode(state, code, text, number, words)
    if "F" in words:
        state.feed = words["F"]
    if "S" in words and not {"G4", "M104", "M109", "M140", "M190", "M106"} & {*same.codes}:
        state.speed = words["S"]
    if "T" in words and "M104" not in same.codes:
        state.tool, state.tool_line = words["T"], number
    _moves(state, same.codes, words)
    if "G4" in same.codes and state.dwell == "?":
        state.dwell = text
    elif same.codes and state.dwell == "?" and not {"M3", "M4"} & {*same.codes}:
        state.dwell = ""


def _mode(state: _State, code: str, text: str, number: int, words: Mapping[str, str]) -> None:
    if code in _GROUPS:
        group = _GROUPS[code]
        state.group[group] = code
        if code in ("G90", "G91"):
            # Marlin takes it for the extruder too
            state.group["extruder"] = "M82" if code == "G90" else "M83"
        if group == "spindle":
            state.dwell = "?" if code != "M5" else ""
    elif code == "M9":
        state.group.pop("mist", None)
        state.group.pop("flood", None)
    elif code in _MOTIONS:
        state.motion = code
    elif code == "G49":
        state.written.pop("G43", None)
    elif code in ("G92", "G92.1"):
        why = "G92 has set coordinates where the robot stood then, and nobody knows where"
        state.shifted = (number, why) if code == "G92" and set(words) - {"E"} else None
    elif code in _AS_WRITTEN:
        state.written[_SAME.get(code, code)] = _only(code, text)
    elif code not in _LEAVES_NOTHING and state.unknown is None:
        state.unknown = number, f"{code}: what it leaves to the lines behind it is not known"


def _only(code: str, text: str) -> str:
    """A code with its own words, without others of its line."""
    letters = {"G43.1": "Z", "G43": "H", "M106": "SP", "M204": "PRST"}.get(code, "SPRXYZEBT")
    own = "" if code.startswith("G") and code not in ("G43.1", "G43", "G64") else letters
    words = [f"{letter}{value}" for letter, value in _WORD.findall(text) if letter in own and value]
    return " ".join([code, *words])


def _moves(state: _State, codes: tuple[str, ...], words: Mapping[str, str]) -> None:
    """Where the program has been, in its own coordinates."""
    named = [axis for axis in _AXES if words.get(axis)]
    if "system" in {_GROUPS.get(code) for code in codes} or "G92" in codes:
        state.at = {}
    if not _ELSEWHERE.isdisjoint(codes):
        state.at = {} if not named else {**state.at, **dict.fromkeys(named)}
        return
    if not named or {"G4", "G92", "G43.1", "G43"} & {*codes}:
        return
    scale = {"G20": 25.4, "G21": 1.0}.get(state.group.get("units", ""))
    absolute = state.group.get("distance") == "G90"
    for axis in named:
        at = float(words[axis]) * scale if scale is not None and absolute else None
        plain = state.motion in _STRAIGHT | {"G2", "G3"}
        state.at[axis] = round(at, 4) if at is not None and plain else None
    if state.motion in _CYCLES:
        state.at["Z"] = None


def _require_known(state: _State, line: int, rules: Rules) -> None:
    for why in (state.unknown, state.shifted):
        if why is not None:
            raise _refused(*why)
    for group in ("units", "distance"):
        if group not in state.group:
            raise _refused(line, f"no line before it says which {group} is in effect")
    if state.group["distance"] == "G91":
        raise _refused(line, "coordinates are relative there (G91): where they lead to depends on "
                       "where the robot stands")  # fmt: skip
    if rules.one_code and state.tool not in ("", "0"):
        raise _refused(state.tool_line, f"T{state.tool}: to choose a tool moves this machine")


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
        own = [code for code in codes if code in _MOTIONS]
        self.motion = own[-1] if own else self.motion
        for code in codes:
            group = _GROUPS.get(code)
            self.distance = code if group == "distance" else self.distance
            self.plane = code if group == "plane" else self.plane
            self.extruder = code if group == "extruder" else self.extruder
        return bool(own)


def _what_follows(state: _State, program: Program, first: int, rules: Rules) -> JsonObject:
    """The first motion; every axis has to be led to where the program wants it before something
    depends on it. Raises DriverError."""
    ahead = _Ahead(
        motion=state.motion,
        distance=state.group["distance"],
        plane=state.group.get("plane", "G17"),
        extruder=state.group.get("extruder", "M82"),
    )
    told: JsonObject | None = None
    for index in range(first, len(program)):
        same, text, number = program.same(index), program.text(index), program[index].number
        if not (rules.texts | TEXTS).isdisjoint(same.codes):
            continue
        words = _words(text)
        own = ahead.take(same.codes)
        if rules.one_code and words.get("E") and ahead.extruder != "M83":
            raise _refused(number, "it names the place of the extruder, which nobody knows (M83 "
                           "would make it relative)")  # fmt: skip
        named = [axis for axis in _AXES if axis in words]
        if "G92" in same.codes:
            if not set(named) <= ahead.known:
                raise _refused(number, "G92 sets coordinates where the robot stands, and no line "
                               "from there on has led it there")  # fmt: skip
            continue
        moves = not _ELSEWHERE.isdisjoint(same.codes)
        if not moves and (not named or not {"G4", "G10", "G43", "G43.1"}.isdisjoint(same.codes)):
            continue
        if not moves:
            _require_place(number, ahead, named, own=own)
        ahead.known |= set(named or _AXES)
        told = told or {
            "line": number,
            "text": text,
            "axes": named,
            "stays": [axis for axis in _AXES if axis not in ahead.known],
        }
        if ahead.known >= set(_AXES) and (not rules.one_code or index - first > _ENOUGH):
            break
    if told is None:
        raise _refused(program[first].number, "nothing moves from there on")
    return told


_ENOUGH = 5_000
"""Lines in which an extruder that is not relative would be named."""


def _require_place(number: int, ahead: _Ahead, named: list[str], *, own: bool) -> None:
    """Raises DriverError where a motion depends on a place that is not the program's."""
    motion, known = ahead.motion, ahead.known
    why = ""
    if motion in _CYCLES:
        if not own and not known:
            why = "it is in the middle of a canned cycle: begin at its first line, or behind it"
        elif "Z" not in known:
            why = f"{motion} goes back to the height before it, and nothing from there on has led "
            why += "Z anywhere"
    elif motion in _ARCS:
        lacks = ", ".join(sorted(set(_PLANES[ahead.plane]) - known))
        if lacks:
            why = f"{motion} begins where the robot stands, and nothing from there on has led "
            why += f"{lacks} to that point: begin at a straight motion before it"
    elif motion in ("", "G80") or (motion in _PROBES and not own):
        why = "coordinates, and no line before it says which motion they mean"
    elif ahead.distance == "G91" and not set(named) <= known:
        lacks = ", ".join(axis for axis in named if axis not in known)
        why = f"it is relative (G91), and nothing from there on has led {lacks} anywhere"
    if why:
        raise _refused(number, why)


def _preamble(state: _State, rules: Rules) -> list[str]:
    modes = [state.group[name] for name in _ORDER if name in state.group and name != "extruder"]
    if rules.one_code:
        # what is so there anyway
        modes = [code for code in modes if code not in ("G17", "G94")]
    made = [" ".join(modes)]
    if rules.one_code and state.group.get("extruder") == "M83":
        made.append("M83")
    made += state.written.values()
    if state.tool and not rules.one_code:
        made.append(f"T{state.tool}")
    spindle = state.group.get("spindle")
    if spindle in ("M3", "M4"):
        made.append(f"{spindle} S{state.speed}" if state.speed else spindle)
        made += [state.dwell] if state.dwell not in ("", "?") else []
    elif state.speed and not rules.one_code:
        made.append(f"S{state.speed}")
    made += [state.group[name] for name in ("mist", "flood") if name in state.group]
    motion = state.motion if state.motion in _STRAIGHT else ""
    fed = bool(state.feed) and state.group.get("feed mode") != "G93"
    if rules.one_code:
        # bare coordinates get the code of the line before them; alone, a code without axes is none
        return [*made, f"{motion or 'G1'} F{state.feed}"] if fed else made
    return [*made, *([f"G1 F{state.feed}"] if fed else []), *([motion] if motion else [])]


def _rewritten(lines: Iterator[str], preamble: list[str], number: int) -> Iterator[str]:
    """The program with the same numbers of lines: those before are the preamble, and empty."""
    yield from preamble
    for _ in range(len(preamble), number - 1):
        yield ""
    yield from islice(lines, number - 1, None)
