"""Lines of G-code: what is sent is known word by word before the first byte leaves.

Most lines of a program are of a few kinds: the same codes and letters with other numbers. What
such a kind means is found out once, word by word (`judge`), and kept; each line is then compared
with one regular expression, which knows the numbers that every controller reads in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from robotq.drivers.gcode.reader.arcs import why_no_arc
from robotq.drivers.gcode.reader.judge import Judge
from robotq.drivers.gcode.reader.line import Line, RefusedLine
from robotq.drivers.gcode.reader.program import Program, Same
from robotq.drivers.gcode.reader.rules import LETTERS, Modes, Rules

__all__ = ["LETTERS", "Line", "Program", "RefusedLine", "Rules", "prepare"]

_MOST_LINES = 3_000_000
_ARCS = frozenset({"G2", "G3"})
_CENTRES = frozenset("IJKR")
_LOOK_EVERY = 500
"""Lines between two looks at whether somebody wants the reading to end: some milliseconds."""
_MOST_KINDS = 4_096
"""Kinds of lines that are remembered."""

_NUMBER = rb"(?:[0-9]{1,3}\.[0-9]{0,6}|[0-9]{1,4}\.[0-9]{0,4}|[0-9]{1,8}|\.[0-9]{1,8})"
"""No more digits than are read everywhere; of nine, the last one is a millionth."""
_COMMON = re.compile(
    rb"[ \t]*(?:[Nn][0-9]{1,9}[ \t]*)?"
    # the codes, with their numbers
    rb"((?:[GMTgmt][0-9]{1,3}(?:\.[0-9])? *)*)"
    # the other words: those that cannot be negative, and the rest
    rb"((?:(?:[Ff] *(?=[0.]*[1-9])|[PSps] *|[A-EH-LOQRU-Za-eh-loqru-z] *[-+]?)"
    + _NUMBER
    + rb" *)*)"
    rb"[ \t]*(?:;[^\n]*|\([^()]*\)[ \t]*)?"
)
_BRACKETS = re.compile(rb"\([^()]*\)").sub
_ZERO = re.compile(rb"[IJKR] *[-+]?(?:0+\.?0*|\.0+)(?![0-9.])").search
_NUMBERS = b" \t+-.0123456789"
_BLANKS = b" \t"


class Kind(NamedTuple):
    """Lines with the same codes and letters."""

    before: bytes
    """What is put in front of it."""
    number: int
    """Of the kind in its program."""
    arc: bool
    """The zeros in it decide too."""
    then: Kinds | None
    """What is known of the lines behind it; None: the same as before it."""


class Kinds(dict[bytes, Kind]):
    """The kinds of lines that are known where `state` is in effect."""

    def __init__(self, state: Modes) -> None:
        super().__init__()
        self.state = state


def prepare(
    raw: Iterable[str], rules: Rules, *, look: Callable[[int], None] = lambda _: None
) -> Program:
    """The lines of a program as they are sent; those that do nothing are left out. What comes
    after the end of the program (M2, M30) is no part of it.

    `look` is called every few milliseconds with the number of lines that were read, and may raise.
    Raises DriverError bad_parameter for the first line that cannot be sent as it is: nothing
    has moved then.
    """
    return _Reader(rules).read(raw, look)


class _Reader:
    """Reads one program."""

    def __init__(self, rules: Rules) -> None:
        self._longest = rules.longest
        self._strict = rules.strict
        self._judge = Judge(rules)
        self._kinds: dict[Modes, Kinds] = {}
        self._known = 0

    def read(self, raw: Iterable[str], look: Callable[[int], None]) -> Program:
        lines = Program()
        add, common, longest = lines.add, _COMMON.fullmatch, self._longest
        strict = self._strict
        kinds = self._kinds_in(self._judge.state)
        for number, written in enumerate(raw, 1):
            if number % _LOOK_EVERY == 0:
                _look(number, look)
            line = written.encode("utf-8", "surrogatepass")
            found = common(line)
            if found is None and (b"(" in line or b"\t" in line):
                found = common(_BRACKETS(b"", line).replace(b"\t", b" "))
            if found is None:
                kinds = self._read_slowly(written, number, lines, kinds)
            else:
                codes, rest = found.groups()
                if not codes and not rest:
                    continue
                key = codes.upper() + rest.translate(None, _NUMBERS).upper()
                text = (codes + rest).rstrip(_BLANKS).upper()
                kind = kinds.get(key)
                if (
                    kind is not None
                    and len(kind.before) + len(text) <= longest
                    and not (kind.arc and _ZERO(text))
                ):
                    add(kind.before + text, number, kind.number)
                    kinds = kind.then or kinds
                    if kind.arc and strict:
                        _require_arc(lines, kinds.state, written)
                    continue
                kinds = self._read_slowly(written, number, lines, kinds, (key, text))
            if self._judge.ended:
                break
        lines.leaves = kinds.state
        return lines

    def _read_slowly(
        self,
        written: str,
        number: int,
        lines: Program,
        kinds: Kinds,
        common: tuple[bytes, bytes] = (b"", b""),
    ) -> Kinds:
        """Word by word; what is found out about a common line is kept."""
        key, text = common
        judge = self._judge
        judge.state = kinds.state
        parts = judge.lines(written, number)
        for line in parts:
            lines.append(line)
        then = self._kinds_in(judge.state)
        arc = bool(parts) and then.state.motion in _ARCS and _is_arc(parts[-1])
        if arc and self._strict:
            _require_arc(lines, then.state, written)
        if key and len(parts) == 1 and self._known < _MOST_KINDS and not judge.by_value(parts[0]):
            (line,) = parts
            if line.text.endswith(text.decode()):
                before = line.text[: -len(text)].encode()
                kinds[key] = Kind(
                    before=before,
                    number=lines.kind(Same(line.codes, line.motion, 0.0, line.alone)),
                    arc=arc,
                    then=None if then is kinds else then,
                )
                self._known += 1
        return then

    def _kinds_in(self, state: Modes) -> Kinds:
        return self._kinds.setdefault(state, Kinds(state))


def _is_arc(line: Line) -> bool:
    """Whether a line is one of the arcs that are in effect."""
    return "G10" not in line.codes and not _CENTRES.isdisjoint(line.text)


def _require_arc(lines: Program, modes: Modes, written: str) -> None:
    why = why_no_arc(lines, modes)
    if why is not None:
        raise RefusedLine(lines[-1].number, written, why)


def _look(number: int, look: Callable[[int], None]) -> None:
    if number > _MOST_LINES:
        raise RefusedLine(number, "", f"more than {_MOST_LINES} lines")
    look(number)
