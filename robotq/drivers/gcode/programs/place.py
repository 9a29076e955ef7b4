"""Where a program was when its command ended. Pure.

A controller answers a line when it has read and planned it, so what was answered is not yet done.
But it plans no more than so many motions: where that many have followed a line, it is over.
"""

from __future__ import annotations

import re

from robotq.drivers.gcode.reader.lines import Program
from robotq.model.carried.stopped_at import ProgramLine, StoppedAt

UNKNOWN_PLANNER = 1_000
"""Motions that may be planned, where the controller does not say how many: more than any plans."""
MARGIN = 8
"""Motions that have left the planner and are not over: Grbl cuts them into six segments first."""

_WINDOW = 20_000
"""Lines before the last one answered that are looked at."""
_SURE_MM = 0.5
"""A way of so many units makes a motion on every machine; a shorter one may be less than a step,
or less than a controller takes for a motion."""
_AXIS = re.compile(r"([XYZABCUVW]) *([-+]?[0-9.]+)", re.ASCII)
_PLAIN = frozenset({"G0", "G1", "G2", "G3"})


def place_of(
    lines: Program,
    *,
    sent: int,
    answered: int,
    planned_most: int,
    one_by_one: bool,
    refused: int | None,
) -> StoppedAt:
    """`sent` and `answered` of these lines, from the first one. `planned_most` motions may be
    planned behind the one that is carried out; `one_by_one`: a line is sent only when all before
    it are over. `refused` is the number of a line that the controller has refused."""
    sent = min(sent, len(lines))
    answered = min(answered, sent)
    done = _over(lines, answered, planned_most)
    if one_by_one:
        done = max(done, sent - 1)
    while done and refused is not None and lines[done - 1].number >= refused:
        done -= 1
    # of a line that was divided, all parts
    while 0 < done < len(lines) and lines[done].number == lines[done - 1].number:
        done -= 1
    return StoppedAt(
        lines=lines[-1].number if lines else 0,
        answered=_line(lines, answered),
        done=_line(lines, done),
        begun=_line(lines, sent),
    )


def _line(lines: Program, count: int) -> ProgramLine | None:
    if count < 1:
        return None
    line = lines[count - 1]
    return ProgramLine(line=line.number, text=line.text)


def _over(lines: Program, answered: int, planned_most: int) -> int:
    """How many of the lines are certainly carried out."""
    first = max(0, answered - _WINDOW)
    over = 0
    way = _Way()
    moved: list[int] = []
    """How many lines there are up to each one by which one more motion was certainly made."""
    for count, line in enumerate(lines[first:answered], first + 1):
        waits = (line.dwell_s and "G4" in line.codes) or "M400" in line.codes
        # it is answered when all before it have come to their end, or when a reset breaks it off:
        # then as the last one
        if waits and count < answered:
            over = count
        if not all(code in _PLAIN or code.startswith("M") for code in line.codes):
            # coordinates may mean something else from here on
            way = _Way()
        elif line.motion and way.goes_on(line.text):
            moved.append(count)
    if len(moved) > planned_most:
        over = max(over, moved[-planned_most - 1])
    return over


class _Way:
    """Coordinates of which it is not known whether they are absolute or relative."""

    def __init__(self) -> None:
        self._from: dict[str, float] = {}
        """Where the last motion led to that was certain."""
        self._at: dict[str, float] = {}

    def goes_on(self, text: str) -> bool:
        """Whether there was certainly a motion since the last one that was certain."""
        try:
            values = {axis: float(value) for axis, value in _AXIS.findall(text)}
        except ValueError:
            self._from, self._at = {}, {}
            return False
        far = any(
            axis in self._from
            and abs(value - self._from[axis]) >= _SURE_MM
            and abs(value) >= _SURE_MM
            for axis, value in values.items()
        )
        self._at |= values
        self._from = dict(self._at) if far else {**values, **self._from}
        return far
