"""Lines for firmware that carries out one code of each line.

Marlin reads the first G, M or T of a line as its command and every later letter, G and M included,
as a parameter of it (its parser.cpp): `G21 G90` sets millimetres and nothing else, and
`G90 G1 X77` moves nothing. So what can be put on lines of its own without another meaning is, and
everything else is refused before the first line is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from robotq.drivers.gcode.reader.words import Word

FIRST = frozenset(
    {"G17", "G18", "G19", "G20", "G21", "G90", "G91", "G94", "M5", "M9", "M82", "M83"}
)
"""Codes without parameters, which count before the motion of their line wherever they stand in it
(RS274/NGC, order of execution)."""

_MODAL = frozenset({"G0", "G1", "G2", "G3"})
_AXES = frozenset("XYZABCUVWIJKRE")


class OneCode:
    """Makes lines of one code each out of the lines of one program."""

    def __init__(self) -> None:
        self.motion: str | None = None
        """The motion that bare coordinates mean: the last one of this program."""

    def lines(
        self, words: Sequence[Word], plain: Callable[[str], str], refuse: Callable[[str], NoReturn]
    ) -> Sequence[Sequence[Word]]:
        """The words of each line to send. `plain` makes 01.0 and 1 the same; `refuse` raises."""
        first: list[Sequence[Word]] = []
        codes: list[Word] = []
        rest: list[Word] = []
        for letter, value in words:
            if letter not in "GMT":
                rest.append((letter, value))
            elif not value:
                refuse(f"a letter {letter} without a number")
            elif letter + plain(value) in FIRST:
                first.append([(letter, value)])
            else:
                codes.append((letter, value))
        if len(codes) > 1:
            both = " and ".join(letter + value for letter, value in codes)
            refuse(f"this controller carries out one code of a line: write {both} on two lines")
        if not codes and not rest:
            return first
        if not codes:
            codes = [self._meant(rest, refuse)]
        code = codes[0][0] + plain(codes[0][1])
        self._check(code, rest, refuse)
        if code in _MODAL:
            self.motion = code
        return [*first, [*codes, *rest]]

    def _meant(self, rest: Sequence[Word], refuse: Callable[[str], NoReturn]) -> Word:
        letters = {letter for letter, _ in rest}
        if letters == {"F"}:
            # a G1 without coordinates sets the feed and moves nothing
            return ("G", "1")
        if not letters & _AXES:
            refuse("no code stands here, and this controller needs one on every line")
        if self.motion is None:
            refuse("coordinates without a code: no line before has said which motion they mean")
        return (self.motion[0], self.motion[1:])

    def _check(self, code: str, rest: Sequence[Word], refuse: Callable[[str], NoReturn]) -> None:
        if code == "G28" and any(value and float(value) != 0 for _, value in rest):
            refuse("this controller homes the axes that G28 names, whatever number stands there")
        if code == "G4" and any(letter == "P" and "." in value for letter, value in rest):
            refuse("P is in whole milliseconds on this controller: write S for seconds")
