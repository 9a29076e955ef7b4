"""What a program will come to, as far as its lines say it: how long, how far, with which tools,
and where it waits for a person."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from robotq.drivers.gcode.arc_way import arc_way
from robotq.drivers.gcode.reader.codes import TEXTS
from robotq.drivers.gcode.reader.lines import Program
from robotq.drivers.gcode.reader.rules import Rules
from robotq.model.json import JsonObject

RAPID_MM_PER_MIN = 5_000.0
"""What a rapid counts with where no F says how fast it is: the controller knows, and does not
tell."""
_LOOK_EVERY = 500
_MOST_TOLD = 100
"""Tools and questions that are listed."""
_MOST_TOOL = 2**31
_WORD = re.compile(r"([A-Z]) *([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))")
_SCALES = {"G20": 25.4, "G21": 1.0}
_MOTIONS = frozenset({"G0", "G1", "G2", "G3"})
_ARCS = frozenset({"G2", "G3"})
_CYCLES = frozenset({"G73", "G81", "G82", "G83", "G84", "G85", "G86", "G89"})
_PROBES = frozenset({"G38.2", "G38.3", "G38.4", "G38.5", "G5", "G5.1"})
"""Motions that stay in effect, and end nobody knows where."""
_ELSEWHERE = frozenset({"G28", "G29", "G30", "G33", "G34", "G5", "G5.1", "G38.2", "G38.3", "G38.4",
                        "G38.5"})  # fmt: skip
"""Motions whose end, or way, is not that of the words of their line."""
_SHIFTS = frozenset({"G10", "G92.1", "G92.2", "G92.3", "G43", "G43.1", "G43.2", "G49", "G50", "G51",
                     "G59.1", "G59.2", "G59.3"}
                    | {f"G{number}" for number in range(54, 60)})  # fmt: skip
"""Behind these the same point has other coordinates."""
_ASKS = frozenset({"M0", "M6", "M60", "M600"})
_AXES = "XYZ"


class Outlook:
    """Sums up programs that run one after the other in one command."""

    def __init__(self, rules: Rules, *, known: bool) -> None:
        """`known`: it begins in millimetres, with absolute coordinates."""
        self._rules = rules
        # M1 waits where no switch decides about it
        self._asks = _ASKS | {"M1"} if rules.one_code else _ASKS
        self._texts = rules.texts | TEXTS | rules.remarks
        self._motion = ""
        self._plane = "G17"
        self._scale: float | None = 1.0 if known else None
        self._absolute: bool | None = True if known else None
        self._inverse = False
        self._feed = 0.0
        """mm/min; with G93, how often a minute a motion like this one could be made."""
        self._at: dict[str, float | None] = {}
        self._box: dict[str, list[float]] = {}
        self._seconds = 0.0
        self._lines = 0
        self._tools: dict[int, None] = {}
        self._questions: list[JsonObject] = []
        self._asked = 0

    def add(self, program: Program, look: Callable[[int], None]) -> None:
        """`look` is called every few milliseconds, and may raise."""
        self._lines += len(program)
        for index in range(len(program)):
            if index % _LOOK_EVERY == 0:
                look(index)
            same = program.same(index)
            if not self._texts.isdisjoint(same.codes):
                self._question(program, index, same.codes)
                continue
            words = {letter: float(value) for letter, value in _WORD.findall(program.text(index))}
            self._line(same.codes, words)
            self._seconds += same.dwell_s
            if 0 <= words.get("T", -1.0) < _MOST_TOOL and len(self._tools) < _MOST_TOLD:
                self._tools[int(words["T"])] = None
            self._question(program, index, same.codes)

    def told(self) -> JsonObject:
        return {
            "lines": self._lines,
            "estimate_s": round(self._seconds, 1),
            "box_mm": {
                axis.lower(): [round(low, 3), round(high, 3)]
                for axis, (low, high) in sorted(self._box.items())
            },
            "tools": list(self._tools),
            "questions": self._questions,
            "questions_in_all": self._asked,
        }

    def _question(self, program: Program, index: int, codes: tuple[str, ...]) -> None:
        for code in codes:
            if code in self._asks:
                self._asked += 1
                if len(self._questions) < _MOST_TOLD:
                    self._questions.append({"line": program[index].number, "code": code})

    def _line(self, codes: tuple[str, ...], words: Mapping[str, float]) -> None:
        for code in codes:
            self._mode(code)
        if "F" in words:
            self._feed = words["F"] if self._inverse else words["F"] * (self._scale or 1.0)
        named = [axis for axis in _AXES if axis in words]
        if "G92" in codes:
            for axis in named:
                self._at[axis] = None if self._scale is None else words[axis] * self._scale
        elif not _ELSEWHERE.isdisjoint(codes) or not _SHIFTS.isdisjoint(codes):
            self._at = {}
            if not _MOTIONS.isdisjoint(codes):
                # `G54 G0 X10`: the motion is in the new coordinates
                self._move(named, words)
        elif "G53" in codes:
            # in coordinates of the machine
            self._at.update(dict.fromkeys(named))
        elif named and "G4" not in codes:
            self._move(named, words)

    def _mode(self, code: str) -> None:
        if code in _SCALES:
            self._scale = _SCALES[code]
        elif code in ("G90", "G91"):
            self._absolute = code == "G90"
        elif code in ("G17", "G18", "G19"):
            self._plane = code
        elif code in ("G93", "G94"):
            self._inverse, self._feed = code == "G93", 0.0 if code == "G93" else self._feed
        elif code in _MOTIONS or code in _CYCLES or code == "G80" or code in _PROBES:
            self._motion = code

    def _move(self, named: list[str], words: Mapping[str, float]) -> None:
        scale = self._scale
        if scale is None or self._absolute is None or not self._motion:
            self._at = {}
            return
        if self._motion in _CYCLES:
            self._cycle(named, words, scale)
            return
        if self._motion not in _MOTIONS:
            self._at = {}
            return
        start = dict(self._at)
        for axis in named:
            before = start.get(axis)
            way = words[axis] * scale
            if not self._absolute:
                self._at[axis] = None if before is None else before + way
            else:
                self._at[axis] = way
            self._reaches(axis, self._at[axis])
        length = self._straight(named, start, words, scale)
        if self._motion in _ARCS:
            arc = arc_way(self._motion, self._plane, start, self._at, words=words, scale=scale)
            if arc is not None:
                length = arc.length
                for axis, points in arc.reaches.items():
                    for point in points:
                        self._reaches(axis, point)
        self._count(length)

    def _cycle(self, named: list[str], words: Mapping[str, float], scale: float) -> None:
        """Down to the depth and up again, at each place."""
        if not self._absolute:
            self._at = {}
            return
        for axis in named:
            self._reaches(axis, words[axis] * scale)
        if "R" in words:
            self._reaches("Z", words["R"] * scale)
        if "R" in words and "Z" in words:
            self._count(abs(words["R"] - words["Z"]) * scale)
        self._at.update({axis: words[axis] * scale for axis in named if axis != "Z"})

    def _straight(
        self,
        named: list[str],
        start: Mapping[str, float | None],
        words: Mapping[str, float],
        scale: float,
    ) -> float:
        """As far as it is known where it begins: a way that is not known counts as none."""
        square = 0.0
        for axis in named:
            before, then = start.get(axis), self._at.get(axis)
            if not self._absolute:
                square += (words[axis] * scale) ** 2
            elif before is not None and then is not None:
                square += (then - before) ** 2
        return math.sqrt(square)

    def _count(self, length: float) -> None:
        rapid = self._motion == "G0" and not self._rules.one_code
        if self._inverse and not rapid:
            self._seconds += 60 / self._feed if self._feed > 0 else 0.0
            return
        speed = RAPID_MM_PER_MIN if rapid or self._feed <= 0 else self._feed
        self._seconds += length * 60 / speed

    def _reaches(self, axis: str, point: float | None) -> None:
        if point is None:
            return
        known = self._box.get(axis)
        if known is None:
            self._box[axis] = [point, point]
        elif point < known[0]:
            known[0] = point
        elif point > known[1]:
            known[1] = point
