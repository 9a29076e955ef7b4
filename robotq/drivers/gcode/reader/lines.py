"""Lines of G-code: what is sent is known word by word before the first byte leaves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from robotq.drivers.base import DriverError
from robotq.drivers.gcode.reader.one_code import OneCode

_COMMENT = re.compile(r"\([^()]*\)|;.*$", re.DOTALL)
_WORD = re.compile(
    r"([A-Z])[ \t]*([+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(?![0-9.]))?[ \t]*"
)
_EXPONENT = re.compile(r"[A-Z][ \t]*[+-]?[0-9.]+E")
"""`X1E-5`: a number to some, X1 and a letter E to others."""
_END = re.compile(r"M0*2")
_LINE_NUMBER = re.compile(r"N[0-9]+[ \t]*")
_BLANKS = " \t"
_AXES = frozenset("XYZABCUVWEIJKR")
_MOTIONS = frozenset({"G0", "G1", "G2", "G3", "G5", "G28", "G29", "G30", "G33", "G34"})
_MOST_LINES = 1_000_000
_LONGEST = 1_000
"""Characters of any line without its comments: reading one must not take long either."""
_LOOK_EVERY = 500
"""Lines between two looks at whether somebody wants the reading to end: some milliseconds."""
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""All that may begin a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What one kind of controller may be given."""

    longest: int
    """Bytes of a line, without its end."""
    denied: Mapping[str, str] = field(default_factory=dict)
    """Code, such as M81 -> why it is refused."""
    alone: frozenset[str] = frozenset()
    """Codes during which the controller may lose what comes in: nothing else is sent before
    they are answered."""
    fractions: frozenset[str] | None = None
    """The codes with a fraction that the controller tells from those without one, as G92.1 from
    G92; None: it tells all of them."""
    letters: frozenset[str] = LETTERS
    """The letters that begin a word the controller knows."""
    ends: frozenset[str] = frozenset({"M2", "M30"})
    """Codes after which a program is over: nothing behind them is read or sent."""
    end_is_known: bool = True
    """The controller knows M2 itself; where not, it is the end of the program and is not sent."""
    one_code: bool = False
    """It carries out one code of a line only; see `gcode.reader.one_code`."""
    bare_words: bool = False
    """A letter may stand without a number behind a code, as in `G28 X`."""
    block_delete: str = "refuse"
    """What becomes of lines that begin with `/`: refuse, skip, or run."""
    texts: frozenset[str] = frozenset()
    """Codes whose rest is a text, such as M117: it is sent as it is written."""
    dwell_units_s: Mapping[str, float] = field(default_factory=lambda: {"P": 1.0})
    """Letter of a G4 -> seconds of its unit."""


class RefusedLine(DriverError):
    """A line that the controller must not be given."""

    def __init__(self, number: int, text: str, why: str) -> None:
        super().__init__(
            f"line {number}: {text[:200].strip()[:60]!r}: {why}",
            code="bad_parameter",
            field="program",
        )
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that may be sent."""

    text: str
    """Upper case, without comment and line number."""
    number: int
    """Which line of the program it was, from 1."""
    codes: tuple[str, ...]
    """Its G and M codes, without leading zeros: `G1`, `G28.1`."""
    motion: bool
    """It can move the robot."""
    dwell_s: float = 0.0
    """How long it lets the robot stand, at least."""
    alone: bool = False


def prepare(
    raw: Iterable[str], rules: Rules, *, look: Callable[[int], None] = lambda _: None
) -> list[Line]:
    """The lines of a program as they are sent; those that do nothing are left out. What comes
    after the end of the program (M2, M30) is no part of it.

    `look` is called every few milliseconds with the number of lines that were read, and may raise.
    Raises DriverError bad_parameter for the first line that cannot be sent as it is: nothing
    has moved then.
    """
    lines: list[Line] = []
    one_code = OneCode() if rules.one_code else None
    for number, text in enumerate(raw, 1):
        if number > _MOST_LINES:
            raise RefusedLine(number, "", f"more than {_MOST_LINES} lines")
        if number % _LOOK_EVERY == 0:
            look(number)
        line = _line(text, number, rules)
        if line is None:
            continue
        ended = not rules.ends.isdisjoint(line.codes)
        if not rules.texts.isdisjoint(line.codes):
            lines.append(line)
        elif rules.end_is_known or not _END.fullmatch(line.text):
            lines += [line] if one_code is None else _divided(line, text, rules, one_code)
        if ended:
            break
    return lines


def _divided(line: Line, raw: str, rules: Rules, one_code: OneCode) -> list[Line]:
    def refuse(reason: str) -> NoReturn:
        raise RefusedLine(line.number, raw, reason)

    words = _words(line.text, line.number, raw, rules)
    parts = one_code.lines(words, _plain, refuse)
    if len(parts) == 1 and list(parts[0]) == words:
        return [line]
    return [_of_words(part, line.number, rules) for part in parts]


def _of_words(words: Sequence[tuple[str, str]], number: int, rules: Rules) -> Line:
    codes = tuple(letter + _plain(value) for letter, value in words if letter in "GM" and value)
    return Line(
        text=" ".join(letter + value for letter, value in words),
        number=number,
        codes=codes,
        motion=not _MOTIONS.isdisjoint(codes) or any(letter in _AXES for letter, _ in words),
        dwell_s=_dwell(words, rules) if "G4" in codes else 0.0,
        alone=not rules.alone.isdisjoint(codes),
    )


def _line(raw: str, number: int, rules: Rules) -> Line | None:
    text = _COMMENT.sub("", raw).strip(_BLANKS)
    if not text.isascii():
        # before anything is made of it: other scripts have digits, and letters whose capitals
        # are ASCII
        foreign = next(character for character in text if not character.isascii())
        at = raw.index(foreign) + 1
        raise RefusedLine(number, raw, f"character {at}, {foreign!a}, is not ASCII")
    if len(text) > _LONGEST:
        raise RefusedLine(number, raw, f"longer than {rules.longest} characters")
    as_written = _counted_off(text, number, raw, rules)
    text = as_written.upper()
    if not text or text == "%":
        return None
    if rules.texts and (saying := _text(text, as_written, number, raw, rules)) is not None:
        return saying
    words = _words(text, number, raw, rules)
    codes = tuple(letter + _plain(value) for letter, value in words if letter in "GM" and value)
    for code in codes:
        # M81.5 is taken for M81 by firmware that reads whole numbers
        reason = rules.denied.get(code) or rules.denied.get(code.partition(".")[0])
        if reason is None and rules.fractions is not None and code not in rules.fractions:
            whole, point, _ = code.partition(".")
            reason = f"it would be carried out as {whole}" if point else None
        if reason is not None:
            raise RefusedLine(number, raw, f"{code} is refused: {reason}")
    if len(text) > rules.longest:
        raise RefusedLine(number, raw, f"longer than {rules.longest} characters")
    return replace(_of_words(words, number, rules), text=text)


def _counted_off(text: str, number: int, raw: str, rules: Rules) -> str:
    """A line without the number and the sign of block delete in front of it."""
    text = text[found.end() :] if (found := _LINE_NUMBER.match(text.upper())) else text
    if not text.startswith("/") or rules.block_delete == "run":
        return text.lstrip("/" + _BLANKS)
    if rules.block_delete == "refuse":
        why = "it begins with `/` (block delete): set block_delete to skip or to run"
        raise RefusedLine(number, raw, why)
    return ""


def _text(text: str, as_written: str, number: int, raw: str, rules: Rules) -> Line | None:
    """A line whose code is followed by a text, which keeps its letters; None for any other."""
    found = _WORD.match(text)
    code = "" if found is None else found[1] + _plain(found[2] or "")
    if found is None or code not in rules.texts or code in rules.denied:
        return None
    said = as_written[found.end() :].strip(_BLANKS)
    if "*" in said or not said.isprintable():
        raise RefusedLine(number, raw, f"a text of {code} holds no * and no control character")
    whole = f"{code} {said}".rstrip()
    if len(whole) > rules.longest:
        raise RefusedLine(number, raw, f"longer than {rules.longest} characters")
    return Line(text=whole, number=number, codes=(code,), motion=False)


def _words(text: str, number: int, raw: str, rules: Rules) -> list[tuple[str, str]]:
    words: list[tuple[str, str]] = []
    exponents = "E" in text
    at = 0
    while at < len(text):
        if exponents and _EXPONENT.match(text, at):
            reason = "an exponent is not G-code: write 0.00001, or a blank before a letter E"
            raise RefusedLine(number, raw, f"{text[at : at + 20]!r}: {reason}")
        found = _WORD.match(text, at)
        # a bare letter is a parameter, so none begins a line
        if found is None or (found[2] is None and (at == 0 or not rules.bare_words)):
            raise RefusedLine(number, raw, f"{text[at : at + 10]!r} is not a word of G-code")
        letter = found[1]
        if letter not in rules.letters:
            raise RefusedLine(number, raw, f"this controller does not know the letter {letter}")
        words.append((letter, found[2] or ""))
        at = found.end()
    letters = [letter for letter, _ in words if letter not in "GM"]
    if len(letters) > len(set(letters)):
        twice = next(letter for letter in letters if letters.count(letter) > 1)
        raise RefusedLine(number, raw, f"the letter {twice} stands twice")
    return words


def _plain(value: str) -> str:
    whole, _, fraction = value.lstrip("+").partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def _dwell(words: Iterable[tuple[str, str]], rules: Rules) -> float:
    return sum(
        abs(float(value)) * rules.dwell_units_s[letter]
        for letter, value in words
        if value and letter in rules.dwell_units_s
    )
