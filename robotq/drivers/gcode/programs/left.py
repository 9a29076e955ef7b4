"""What the lines of a program have left in effect, and the lines that say the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from robotq.drivers.gcode.programs.groups import (
    AXES,
    CYCLES,
    ELSEWHERE,
    GROUPS,
    MOTIONS,
    STRAIGHT,
    WORD,
    refused,
    words_of,
)
from robotq.drivers.gcode.reader.codes import TEXTS
from robotq.drivers.gcode.reader.program import Same
from robotq.drivers.gcode.reader.rules import Rules

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
    | ELSEWHERE | TEXTS
)  # fmt: skip
_ORDER = ("units", "plane", "distance", "feed mode", "system", "extruder")


@dataclass(slots=True)
class Left:
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

    def take(self, same: Same, text: str, number: int, rules: Rules) -> None:
        """A line of the program is behind it."""
        if not (rules.texts | TEXTS).isdisjoint(same.codes):
            return
        words = words_of(text)
        for code in same.codes:
            self._mode(code, text, number, words)
        if "F" in words:
            self.feed = words["F"]
        if "S" in words and not {"G4", "M104", "M109", "M140", "M190", "M106"} & {*same.codes}:
            self.speed = words["S"]
        if "T" in words and "M104" not in same.codes:
            self.tool, self.tool_line = words["T"], number
        self._moves(same.codes, words)
        if "G4" in same.codes and self.dwell == "?":
            self.dwell = text
        elif same.codes and self.dwell == "?" and not {"M3", "M4"} & {*same.codes}:
            self.dwell = ""

    def _mode(self, code: str, text: str, number: int, words: Mapping[str, str]) -> None:
        if code in GROUPS:
            group = GROUPS[code]
            self.group[group] = code
            if code in ("G90", "G91"):
                # Marlin takes it for the extruder too
                self.group["extruder"] = "M82" if code == "G90" else "M83"
            if group == "spindle":
                self.dwell = "?" if code != "M5" else ""
        elif code == "M9":
            self.group.pop("mist", None)
            self.group.pop("flood", None)
        elif code in MOTIONS:
            self.motion = code
        elif code == "G49":
            self.written.pop("G43", None)
        elif code in ("G92", "G92.1"):
            why = "G92 has set coordinates where the robot stood then, and nobody knows where"
            self.shifted = (number, why) if code == "G92" and set(words) - {"E"} else None
        elif code in _AS_WRITTEN:
            self.written[_SAME.get(code, code)] = _only(code, text)
        elif code not in _LEAVES_NOTHING and self.unknown is None:
            self.unknown = number, f"{code}: what it leaves to the lines behind it is not known"

    def _moves(self, codes: tuple[str, ...], words: Mapping[str, str]) -> None:
        """Where the program has been, in its own coordinates."""
        named = [axis for axis in AXES if words.get(axis)]
        if "system" in {GROUPS.get(code) for code in codes} or "G92" in codes:
            self.at = {}
        if not ELSEWHERE.isdisjoint(codes):
            self.at = {} if not named else {**self.at, **dict.fromkeys(named)}
            return
        if not named or {"G4", "G92", "G43.1", "G43"} & {*codes}:
            return
        scale = {"G20": 25.4, "G21": 1.0}.get(self.group.get("units", ""))
        absolute = self.group.get("distance") == "G90"
        for axis in named:
            at = float(words[axis]) * scale if scale is not None and absolute else None
            plain = self.motion in STRAIGHT | {"G2", "G3"}
            self.at[axis] = round(at, 4) if at is not None and plain else None
        if self.motion in CYCLES:
            self.at["Z"] = None

    def require_known(self, line: int, rules: Rules) -> None:
        """Raises DriverError where it is not known for sure what is in effect at this line."""
        for why in (self.unknown, self.shifted):
            if why is not None:
                raise refused(*why)
        for group in ("units", "distance"):
            if group not in self.group:
                raise refused(line, f"no line before it says which {group} is in effect")
        if self.group["distance"] == "G91":
            relative = "coordinates are relative there (G91): where they lead to depends on where"
            raise refused(line, f"{relative} the robot stands")
        if rules.one_code and self.tool not in ("", "0"):
            raise refused(self.tool_line, f"T{self.tool}: to choose a tool moves this machine")

    def as_lines(self, rules: Rules) -> list[str]:
        """The same, as lines that come before the first one."""
        modes = [self.group[name] for name in _ORDER if name in self.group and name != "extruder"]
        if rules.one_code:
            # what is so there anyway
            modes = [code for code in modes if code not in ("G17", "G94")]
        made = [" ".join(modes)]
        if rules.one_code and self.group.get("extruder") == "M83":
            made.append("M83")
        made += self.written.values()
        if self.tool and not rules.one_code:
            made.append(f"T{self.tool}")
        spindle = self.group.get("spindle")
        if spindle in ("M3", "M4"):
            made.append(f"{spindle} S{self.speed}" if self.speed else spindle)
            made += [self.dwell] if self.dwell not in ("", "?") else []
        elif self.speed and not rules.one_code:
            made.append(f"S{self.speed}")
        made += [self.group[name] for name in ("mist", "flood") if name in self.group]
        motion = self.motion if self.motion in STRAIGHT else ""
        fed = bool(self.feed) and self.group.get("feed mode") != "G93"
        if rules.one_code:
            # bare coordinates get the code of the line before them; alone, a code without axes is
            # none
            return [*made, f"{motion or 'G1'} F{self.feed}"] if fed else made
        return [*made, *([f"G1 F{self.feed}"] if fed else []), *([motion] if motion else [])]


def _only(code: str, text: str) -> str:
    """A code with its own words, without others of its line."""
    letters = {"G43.1": "Z", "G43": "H", "M106": "SP", "M204": "PRST"}.get(code, "SPRXYZEBT")
    own = "" if code.startswith("G") and code not in ("G43.1", "G43", "G64") else letters
    words = [f"{letter}{value}" for letter, value in WORD.findall(text) if letter in own and value]
    return " ".join([code, *words])
