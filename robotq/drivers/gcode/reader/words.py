"""The words of one line, looked at one by one: for lines that are not of the common kind."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from robotq.drivers.gcode.reader.rules import Rules

Word = tuple[str, str]
"""Letter and number; the number is empty where none stands."""

BLANKS = " \t"
_SIGNS = re.compile("[();]")
_CHECKSUM = re.compile(r"\*([0-9]{1,3})\Z")
_WORD = re.compile(
    r"([A-Z])[ \t]*([+-]?(?:[0-9]{1,60}(?:\.[0-9]{0,60})?|\.[0-9]{1,60})(?![0-9.]))?[ \t]*"
)
_EXPONENT = re.compile(r"[A-Z][ \t]*[+-]?[0-9.]+E")
"""`X1E-5`: a number to some, X1 and a letter E to others."""
_FILLING = "\0\x1a" + BLANKS
"""With which some programs end."""
_LINE_NUMBER = re.compile(r"[Nn][0-9]+[ \t]*")
_LONGEST = 1_000
"""Characters of any line without its comments: reading one must not take long either."""


class Refused(Exception):
    """Why a line is none that may be sent."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def bare_line(raw: str, rules: Rules) -> str:
    """As it is written, without comments, line number, checksum, and the sign of block delete;
    empty where block delete leaves it out. Raises Refused."""
    text = _without_comments(raw).rstrip(_FILLING).strip(BLANKS)
    if not text.isascii():
        # before anything is made of it: other scripts have digits, and letters whose capitals
        # are ASCII
        foreign = next(character for character in text if not character.isascii())
        at = raw.index(foreign) + 1
        raise Refused(f"character {at}, {foreign!a}, is not ASCII")
    if len(text) > _LONGEST:
        raise Refused(f"longer than {rules.longest} characters")
    if found := _CHECKSUM.search(text):
        _require_sum(text[: found.start()], int(found[1]))
        text = text[: found.start()].rstrip(BLANKS)
    text = text[found.end() :] if (found := _LINE_NUMBER.match(text)) else text
    if not text.startswith("/") or rules.block_delete == "run":
        return text.lstrip("/" + BLANKS)
    if rules.block_delete == "refuse":
        raise Refused("it begins with `/` (block delete): set block_delete to skip or to run")
    return ""


def _without_comments(raw: str) -> str:
    """A comment in brackets may have others in it."""
    if "(" not in raw and ";" not in raw:
        return raw
    kept: list[str] = []
    depth = at = 0
    for found in _SIGNS.finditer(raw):
        sign = found[0]
        if not depth:
            kept.append(raw[at : found.start()])
        if sign == ";" and not depth:
            return "".join(kept)
        if sign == "(":
            depth += 1
        elif sign == ")":
            if not depth:
                raise Refused("`)` without `(`")
            depth -= 1
        elif depth == 0:
            kept.append(sign)
        at = found.end()
    if depth:
        raise Refused("`(` without `)`")
    return "".join([*kept, raw[at:]])


def _require_sum(text: str, told: int) -> None:
    total = 0
    for byte in text.encode("ascii"):
        total ^= byte
    if total != told:
        raise Refused(f"the checksum behind * is {told}, and that of the line is {total}")


def words_of(text: str, rules: Rules) -> list[Word]:
    """The words of a line in capitals. Raises Refused."""
    words: list[Word] = []
    exponents = "E" in text
    at = 0
    while at < len(text):
        if exponents and _EXPONENT.match(text, at):
            reason = "an exponent is not G-code: write 0.00001, or a blank before a letter E"
            raise Refused(f"{text[at : at + 20]!r}: {reason}")
        found = _WORD.match(text, at)
        # a bare letter is a parameter, so none begins a line
        if found is None or (found[2] is None and (at == 0 or not rules.bare_words)):
            raise Refused(f"{text[at : at + 10]!r} is not a word of G-code")
        letter = found[1]
        if letter not in rules.letters:
            raise Refused(f"{rules.firmware} does not know the letter {letter}")
        words.append((letter, found[2] or ""))
        at = found.end()
    letters = [letter for letter, _ in words if letter not in "GM"]
    if len(letters) > len(set(letters)):
        twice = next(letter for letter in letters if letters.count(letter) > 1)
        raise Refused(f"the letter {twice} stands twice")
    return words


def text_of(text: str, codes: Collection[str]) -> Word | None:
    """One of these codes, which are followed by a text, and this text as it is written; None for
    any other line."""
    found = _WORD.match(text.upper())
    if found is None or not found[2]:
        return None
    code = found[1] + plain(found[2])
    if code not in codes:
        return None
    return code, text[found.end() :].strip(BLANKS)


def fitting(words: Sequence[Word], text: str, rules: Rules) -> str:
    """`text`, which are these words, so that the controller reads all of it: numbers that are
    longer than it reads are rounded, and blanks go where the line is too long. Raises Refused."""
    if any(len(value) > rules.digits for _, value in words):
        text = " ".join(letter + _rounded(letter, value, rules) for letter, value in words)
    if len(text) > rules.longest:
        text = "".join(text.split())
    if len(text) > rules.longest:
        raise Refused(f"longer than {rules.longest} characters")
    return text


def _rounded(letter: str, value: str, rules: Rules) -> str:
    """A number of no more digits than the controller reads, leading zeros among them."""
    sign = "-" if value.startswith("-") else ""
    whole, point, fraction = value.lstrip("+-").partition(".")
    if len(whole) + len(fraction) <= rules.digits or (len(whole) <= 3 and len(fraction) <= 6):
        # the ninth digit, which is a millionth, may as well be dropped
        return value
    whole = whole.lstrip("0") or "0"
    if len(whole) > rules.digits:
        most = rules.digits
        raise Refused(
            f"{letter}{value[:20]}: a number with more than {most} digits before the point"
        )
    room = rules.digits - len(whole)
    # by whole numbers: nothing is lost before the rounding
    scaled = int(whole + fraction[:room].ljust(room, "0"))
    rest = fraction[room:]
    scaled += bool(rest) and rest[0] >= "5"
    digits = str(scaled).rjust(room + 1, "0")
    whole, fraction = digits[: len(digits) - room], digits[len(digits) - room :].rstrip("0")
    return sign + whole + (f".{fraction}" if point and fraction else "")


def plain(value: str) -> str:
    """01.0 and 1 are the same number."""
    whole, _, fraction = value.lstrip("+").partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def codes_of(words: Iterable[Word]) -> tuple[str, ...]:
    """The G and M codes among these words."""
    return tuple(letter + plain(value) for letter, value in words if letter in "GM" and value)
