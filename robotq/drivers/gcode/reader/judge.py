"""Which lines a controller is given for one line of a program, and what is in effect after them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from robotq.drivers.gcode.reader.codes import TEXTS
from robotq.drivers.gcode.reader.line import Line, RefusedLine
from robotq.drivers.gcode.reader.one_code import lines_of
from robotq.drivers.gcode.reader.permits import require_allowed, require_values
from robotq.drivers.gcode.reader.rules import Rules
from robotq.drivers.gcode.reader.strict import AXES, state_after
from robotq.drivers.gcode.reader.translate import Translated, rules_for_replacements, translated
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

_END = re.compile(r"(?:M0*2|M0*30)[ \t]*")
_FRAME = re.compile(r"%[^%]*|O[0-9]+")
"""Signs of the beginning and the end of a program, and its number."""
_QUESTION = re.compile(r"\$[$#GIN]|\?")
"""At the head of a program; nobody would read the answer."""
_MACHINE = re.compile(r"M *([0-9]{1,5}(?:\.[0-9])?)")
_A_WORD = re.compile(r"[GMXYZ][ \t]*[-+.0-9]", re.IGNORECASE)
_AXES = frozenset("XYZABCUVWEIJKR")
_MOTIONS = frozenset({"G0", "G1", "G2", "G3", "G5", "G28", "G29", "G30", "G33", "G34"})
_BY_VALUE = frozenset({"G4", "G28", "M220", "M221"})
"""Codes about which the numbers of their words decide too."""


class Judge:
    """Looks at the lines of one program, one after the other."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.state = rules.start
        """All that lines before leave to the verdict on the next one."""
        self._begun = False
        self.ended = False
        """The program is over: what comes is no part of it."""

    def lines(self, raw: str, number: int) -> Sequence[Line]:
        """What is sent for a line. Raises RefusedLine."""
        try:
            return self._lines(raw, number, self._rules)
        except Refused as refused:
            raise RefusedLine(number, raw, refused.why) from None

    def by_value(self, line: Line) -> bool:
        """Whether another line of the same letters and codes may be judged otherwise."""
        return self.ended or not _BY_VALUE.isdisjoint(line.codes)

    def _lines(self, raw: str, number: int, rules: Rules) -> Sequence[Line]:
        # to Marlin a tab is no blank: it would leave the number behind it unread
        written = bare_line(raw, rules).replace("\t", " ")
        text = written.upper()
        if not text or (_FRAME.fullmatch(text) and not _A_WORD.search(text)):
            return ()
        if rules.client and not self._begun and _QUESTION.fullmatch(text):
            return ()
        self._begun = True
        if rules.client and text.startswith("$"):
            raise Refused(
                "a $ command is no line of a program: homing and unlocking are commands of their "
                "own, and settings belong to the operator"
            )
        saying = text_of(written, rules.texts | TEXTS)
        if saying is not None:
            return self._saying(saying, number, rules)
        try:
            words = words_of(text, rules)
        except Refused as refused:
            saying = text_of(written, {*rules.remarks, *rules.translated})
            if saying is None:
                raise Refused(refused.why + _way_out(text, rules)) from None
            return self._saying(saying, number, rules)
        if rules.translated and (found := translated(words, rules.translated)) is not None:
            return self._translated(found, number, rules)
        return self._of_words(words, text, number, rules)

    def _of_words(self, words: list[Word], text: str, number: int, rules: Rules) -> Sequence[Line]:
        codes = codes_of(words)
        for code in codes:
            if not rules.end_is_known and code in rules.ends and _END.fullmatch(text):
                self.ended = True
                return ()
            require_allowed(code, rules)
        require_values(words, codes, rules)
        text = fitting(words, text, rules)
        self.ended = self.ended or not rules.ends.isdisjoint(codes)
        if not rules.one_code:
            line = self._line(text, words, number)
            if rules.strict:
                self.state = state_after(words, codes, self.state, rules)
                if self.state.motion == "G80" and not AXES.isdisjoint(line.text):
                    return _with_a_motion_code(line)
            return (line,)
        parts, motion = lines_of(words, self.state.motion, rules)
        self.state = self.state._replace(motion=motion)
        if len(parts) == 1 and list(parts[0][-len(words) :]) == words:
            # as it is written, behind the code that it means
            meant = "".join(letter + value + " " for letter, value in parts[0][: -len(words)])
            return (self._line(meant + text, parts[0], number),)
        return [self._line(" ".join(map("".join, part)), part, number) for part in parts]

    def _translated(self, found: Translated, number: int, rules: Rules) -> Sequence[Line]:
        theirs = rules_for_replacements(rules)
        sent: list[Line] = []
        for written, replaced in found.lines:
            sent += self._lines(written, number, theirs if replaced else rules)
        return sent

    def _saying(self, saying: Word, number: int, rules: Rules) -> Sequence[Line]:
        code, said = saying
        if rules.translated and code in rules.translated:
            theirs = rules_for_replacements(rules)
            lines = [self._lines(each, number, theirs) for each in rules.translated[code]]
            return [line for each in lines for line in each]
        require_allowed(code, rules)
        if "*" in said or not said.isprintable():
            raise Refused(f"a text of {code} holds no * and no control character")
        if rules.one_code:
            # Marlin leaves it out before it looks at the checksum, which would never fit
            said = said.replace("\\", "")
        whole = f"{code} {said}".rstrip()
        if len(whole) > rules.longest:
            raise Refused(f"longer than {rules.longest} characters")
        return (Line(text=whole, number=number, codes=(code,), motion=False),)

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


def _with_a_motion_code(line: Line) -> Sequence[Line]:
    """With G80 in effect, Grbl refuses the axes of G28, G92 and their like too (error:31)."""
    before = Line(text="G0", number=line.number, codes=("G0",), motion=False)
    return before, line, before._replace(text="G80", codes=("G80",))


def _way_out(text: str, rules: Rules) -> str:
    """What would let a line pass that begins with a code whose words nobody can read."""
    found = _MACHINE.match(text)
    if found is None or not rules.client or rules.codes is None:
        return ""
    return f"; `translate: {{M{plain(found[1])}: null}}` leaves it out"


def _dwell(words: Iterable[Word], rules: Rules) -> float:
    return sum(
        abs(float(value)) * rules.dwell_units_s[letter]
        for letter, value in words
        if value and letter in rules.dwell_units_s
    )
