"""Which lines a controller is given for one line of a program, and what it knows after them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NoReturn

from robotq.drivers.gcode.reader.line import Line, RefusedLine
from robotq.drivers.gcode.reader.one_code import OneCode
from robotq.drivers.gcode.reader.rules import Rules
from robotq.drivers.gcode.reader.words import (
    Refused,
    Word,
    bare_line,
    codes_of,
    fitting,
    plain,
    text_of,
    words_of,
)

_END = re.compile(r"M0*2")
_AXES = frozenset("XYZABCUVWEIJKR")
_MOTIONS = frozenset({"G0", "G1", "G2", "G3", "G5", "G28", "G29", "G30", "G33", "G34"})
_BY_VALUE = frozenset({"G4", "G28"})
"""Codes about which the numbers of their words decide too."""


State = str | None
"""All that lines before leave to the verdict on the next one."""


class Judge:
    """Looks at the lines of one program, one after the other."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._one_code = OneCode() if rules.one_code else None
        self.ended = False
        """The program is over: what comes is no part of it."""

    @property
    def state(self) -> State:
        return None if self._one_code is None else self._one_code.motion

    @state.setter
    def state(self, state: State) -> None:
        if self._one_code is not None:
            self._one_code.motion = state

    def lines(self, raw: str, number: int) -> Sequence[Line]:
        """What is sent for a line. Raises RefusedLine."""
        try:
            return self._lines(raw, number)
        except Refused as refused:
            raise RefusedLine(number, raw, refused.why) from None

    def by_value(self, line: Line) -> bool:
        """Whether another line of the same letters and codes may be judged otherwise."""
        return self.ended or not _BY_VALUE.isdisjoint(line.codes)

    def _lines(self, raw: str, number: int) -> Sequence[Line]:
        rules = self._rules
        bare = bare_line(raw, rules)
        text = bare.written.upper()
        if not text or text == "%":
            return ()
        if rules.texts and (saying := text_of(bare.written, rules)) is not None:
            return (self._saying(saying, number),)
        words = words_of(text, rules)
        codes = codes_of(words)
        for code in codes:
            self._may(code)
        text = fitting(words, text, rules)
        self.ended = not rules.ends.isdisjoint(codes)
        if not rules.end_is_known and _END.fullmatch(text):
            return ()
        if self._one_code is None:
            return (self._line(text, words, number),)
        parts = self._one_code.lines(words, plain, _refuse)
        if len(parts) == 1 and list(parts[0][-len(words) :]) == words:
            # as it is written, behind the code that it means
            meant = "".join(letter + value + " " for letter, value in parts[0][: -len(words)])
            return (self._line(meant + text, parts[0], number),)
        return [self._line(" ".join(map("".join, part)), part, number) for part in parts]

    def _may(self, code: str) -> None:
        rules = self._rules
        whole, point, _ = code.partition(".")
        # M81.5 is taken for M81 by firmware that reads whole numbers
        reason = rules.denied.get(code) or rules.denied.get(whole)
        if reason is None and rules.fractions is not None and code not in rules.fractions:
            reason = f"it would be carried out as {whole}" if point else None
        if reason is not None:
            raise Refused(f"{code} is refused: {reason}")

    def _saying(self, saying: Word, number: int) -> Line:
        code, said = saying
        whole = f"{code} {said}".rstrip()
        if len(whole) > self._rules.longest:
            raise Refused(f"longer than {self._rules.longest} characters")
        return Line(text=whole, number=number, codes=(code,), motion=False)

    def _line(self, text: str, words: Sequence[Word], number: int) -> Line:
        rules, codes = self._rules, codes_of(words)
        return Line(
            text=text,
            number=number,
            codes=codes,
            motion=not _MOTIONS.isdisjoint(codes) or any(letter in _AXES for letter, _ in words),
            dwell_s=_dwell(words, rules) if "G4" in codes else 0.0,
            alone=not rules.alone.isdisjoint(codes),
        )


def _refuse(reason: str) -> NoReturn:
    raise Refused(reason)


def _dwell(words: Iterable[Word], rules: Rules) -> float:
    return sum(
        abs(float(value)) * rules.dwell_units_s[letter]
        for letter, value in words
        if value and letter in rules.dwell_units_s
    )
