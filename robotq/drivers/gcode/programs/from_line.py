"""A program from one of its lines on: what the lines before have left in effect, written as lines,
and what the first motion will do. Refused where that is not known for sure.

It is about coordinates and modes only. Where the robot has to stand before, and how it gets there,
is decided by the person who asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from robotq.drivers.base import Resumption
from robotq.drivers.gcode.programs.ahead import what_follows
from robotq.drivers.gcode.programs.groups import AXES, refused
from robotq.drivers.gcode.programs.left import Left
from robotq.drivers.gcode.reader.lines import Program, RefusedLine, prepare
from robotq.drivers.gcode.reader.rules import Rules
from robotq.model.json import JsonObject

_LOOK_EVERY = 500


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
    except RefusedLine as error:
        raise refused(error.number, error.why) from None
    first = _first(program, number)
    left = Left()
    if known:
        left.group = {"units": "G21", "distance": "G90", "plane": "G17", "feed mode": "G94"}
    for index in range(first):
        if index % _LOOK_EVERY == 0:
            look(index)
        left.take(program.same(index), program.text(index), program[index].number, rules)
    begins = program[first].number
    left.require_known(begins, rules)
    motion = what_follows(left, program, first, rules)
    preamble = left.as_lines(rules)
    if len(preamble) >= number:
        raise refused(number, "it is among the first lines: run the program from its beginning")
    told: JsonObject = {
        "begins_at": begins,
        "first_motion": motion,
        "stood_at": {axis.lower(): left.at.get(axis) for axis in AXES},
        "tool": int(left.tool) if left.tool.isdecimal() else None,
    }
    return Resumption(preamble=preamble, told=told, lines=_rewritten(lines(), preamble, number))


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
        raise refused(number, "no line from there on is carried out")
    return low


def _rewritten(lines: Iterator[str], preamble: list[str], number: int) -> Iterator[str]:
    """The program with the same numbers of lines: those before are the preamble, and empty."""
    yield from preamble
    for _ in range(len(preamble), number - 1):
        yield ""
    yield from islice(lines, number - 1, None)
