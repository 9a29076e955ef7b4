"""Lines for firmware that refuses what it cannot use: Grbl and its descendants.

The checks are those of gc_execute_line (grbl, gcode.c); the numbers in brackets are those of the
errors with which it would answer, with the lines before carried out.
"""

from __future__ import annotations

from collections.abc import Sequence

from robotq.drivers.gcode.reader.codes import Code
from robotq.drivers.gcode.reader.line import Line
from robotq.drivers.gcode.reader.rules import Modes, Rules
from robotq.drivers.gcode.reader.words import Refused, Word

AXES = frozenset("XYZABCUVW")
_ALWAYS = frozenset("FNST")
_NOT_NEGATIVE = frozenset("FNPST")
_ARCS = frozenset({"G2", "G3"})
_RAPIDS = frozenset({"G0", "G80"})
_PLANES = {"G17": ("XY", "IJ"), "G18": ("XZ", "IK"), "G19": ("YZ", "JK")}
_ANYTHING = Code(source="the configuration allows it", takes="ABCDEHIJKLOPQRUVWXYZ")
_MOST_LINE_NUMBER = 9_999_999


def state_after(words: Sequence[Word], codes: Sequence[str], state: Modes, rules: Rules) -> Modes:
    """What is in effect behind a line of these words. Raises Refused where it would be refused."""
    return _Line(words, codes, rules).after(state)


def why_no_jog(lines: Sequence[Line], rules: Rules) -> str | None:
    """Why the axes of a jog cannot be sent; None where they can."""
    if len(lines) != 1 or lines[0].codes:
        return "a jog takes axes and F"
    if rules.strict and "F" not in lines[0].text:
        return "a jog needs F: whatever feed is in effect is not that of a jog (error:22)"
    return None


class _Line:
    def __init__(self, words: Sequence[Word], codes: Sequence[str], rules: Rules) -> None:
        table = rules.codes or {}
        self._values = {letter: value for letter, value in words if letter not in "GM"}
        self._rows = [(code, table.get(code, _ANYTHING)) for code in codes]
        self._known = all(row is not _ANYTHING for _, row in self._rows)
        self._table = table
        self._rules = rules

    def after(self, state: Modes) -> Modes:
        self._one_of_each_group()
        self._numbers()
        chosen = {row.group: code for code, row in self._rows}
        fed = "no" if state.feed != chosen.get("feed", state.feed) else state.fed
        then = Modes(
            motion=chosen.get("motion", state.motion),
            plane=chosen.get("plane", state.plane),
            feed=chosen.get("feed", state.feed),
            distance=chosen.get("distance", state.distance),
            units=chosen.get("units", state.units),
            fed="yes" if "F" in self._values else fed,
        )
        moving = self._moving(then.motion)
        self._all_used(moving)
        self._all_there(then)
        if "G53" in chosen.values() and then.motion not in ("", "G0", "G1"):
            raise Refused("G53 is possible with G0 and G1 only (error:30)")
        feeding = moving and then.motion not in _RAPIDS and bool(then.motion)
        if then.feed == "G93" and feeding and "F" not in self._values:
            raise Refused("with G93 each motion needs an F of its own (error:22)")
        if feeding and then.fed == "no":
            raise Refused(f"no feed was set since {then.feed} (error:22)")
        return then

    def _one_of_each_group(self) -> None:
        seen: dict[str, str] = {}
        for code, row in self._rows:
            if row.group and row.group in seen:
                both = f"{seen[row.group]} and {code}"
                raise Refused(f"{both} exclude each other on one line (error:21)")
            seen[row.group] = code
        taking = [code for code, row in self._rows if row.axes]
        if len(taking) > 1:
            both = " and ".join(taking[:2])
            raise Refused(f"{both} both want the axes of the line (error:24): write two lines")

        if "G80" in seen.values() and taking and not AXES.isdisjoint(self._values):
            raise Refused(f"G80 beside the axes of {taking[0]} (error:31): write two lines")
        if taking == ["G49"] and not AXES.isdisjoint(self._values):
            # an axis command without a use for its words: they would be dropped without an error
            raise Refused("G49 would leave the axes of its line unread: write two lines")

    def _numbers(self) -> None:
        for letter, value in self._values.items():
            if value.startswith("-") and letter in _NOT_NEGATIVE and float(value):
                raise Refused(f"{letter} cannot be negative (error:4)")
        if "F" in self._values and not float(self._values["F"]):
            raise Refused("F0 is no feed: the next motion would be refused (error:22)")
        most = self._rules.most_tool
        if most is not None and float(self._values.get("T", 0)) > most:
            raise Refused(f"T goes up to {most} (error:38)")
        if float(self._values.get("N", 0)) > _MOST_LINE_NUMBER:
            raise Refused(f"N goes up to {_MOST_LINE_NUMBER} (error:27)")

    def _moving(self, motion: str) -> bool:
        """Whether the line is one of the motion that is in effect; its row is one of them then."""
        taking = [row for _, row in self._rows if row.axes]
        if taking:
            return taking[0].axes == "motion"
        if not self._known or AXES.isdisjoint(self._values):
            return False
        if motion == "G80":
            raise Refused(
                "coordinates without a code (error:31): no line before has said which motion "
                "they mean"
            )
        if not motion:
            # not known here: whatever was in effect
            self._known = False
        elif motion in self._table:
            self._rows.append((motion, self._table[motion]))
        return True

    def _all_used(self, moving: bool) -> None:
        if not self._known:
            return
        used = set(_ALWAYS)
        for code, row in self._rows:
            used |= set(row.takes)
            if row.axes:
                used |= {"Z"} if code == "G43.1" else AXES
            if code in _ARCS and "R" in self._values:
                used -= set("IJK")
        idle = [letter for letter in self._values if letter not in used]
        if idle:
            none = "no motion code of this" if moving else "no code of this"
            raise Refused(f"{none} line uses {', '.join(idle)} (error:36)")

    def _all_there(self, state: Modes) -> None:
        for code, row in self._rows:
            for letters in row.needs:
                if not set(letters) & set(self._values):
                    told = letters if len(letters) == 1 else f"one of {', '.join(letters)}"
                    raise Refused(f"{code} needs {told} (error:28)")
            if code in _ARCS and state.plane in _PLANES:
                ends, centres = _PLANES[state.plane]
                if not set(ends) & set(self._values):
                    raise Refused(f"an arc in the plane {state.plane} needs {ends[0]} or {ends[1]} "
                                  "(error:32)")  # fmt: skip
                if "R" not in self._values and not set(centres) & set(self._values):
                    raise Refused(f"an arc in the plane {state.plane} needs R, {centres[0]} or "
                                  f"{centres[1]} (error:35)")  # fmt: skip
