"""Codes of a site: what is sent in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from robotq.drivers.gcode.reader.codes import ALONE, LAST, LETTERS_OF
from robotq.drivers.gcode.reader.rules import Rules
from robotq.drivers.gcode.reader.words import Refused, Word, plain

_PLACE = re.compile(r"\{([A-Z])\}")
Translations = Mapping[str, tuple[str, ...]]


class Translated(NamedTuple):
    """A line that was put in other words."""

    lines: Sequence[tuple[str, bool]]
    """Lines to be read, and whether they are the operator's, and not the program's."""


def rules_for_replacements(rules: Rules) -> Rules:
    """For the lines that the operator puts in the place of a code."""
    return replace(rules, client=False, translated={}, denied=rules.own)


def translated(words: Sequence[Word], translations: Translations) -> Translated | None:
    """None where no word is to be replaced. Raises Refused."""
    for index, (letter, value) in enumerate(words):
        if letter not in "GMT" or not value:
            continue
        code = letter + plain(value)
        key = code if code in translations else "T" if letter == "T" else code
        if key in translations:
            return _replaced(words, index, code, translations[key])
    return None


def _replaced(words: Sequence[Word], index: int, code: str, by: Sequence[str]) -> Translated:
    others = [*words[:index], *words[index + 1 :]]
    own = _own_letters(code, others)
    values = {letter: value for letter, value in others if letter in own}
    rest = " ".join(letter + value for letter, value in others if letter not in own)
    replaced = [(_filled(line, code, values), True) for line in by]
    left = [(rest, False)] if rest else []
    # a tool is chosen before it is changed
    behind = code in LAST or (code == "M6" and "T" in rest)
    return Translated([*left, *replaced] if behind else [*replaced, *left])


def _own_letters(code: str, others: Sequence[Word]) -> frozenset[str]:
    """The letters that go with a code."""
    if code in ALONE or code.startswith("T"):
        return frozenset()
    if code in LETTERS_OF:
        return frozenset(LETTERS_OF[code])
    if any(letter in "GMT" for letter, _ in others):
        raise Refused(f"{code} stands beside other codes: which words belong to it is not known")
    return frozenset(letter for letter, _ in others)


def _filled(line: str, code: str, values: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        if not values.get(found[1]):
            raise Refused(f"{code} has no {found[1]}, which stands in its translation {line!r}")
        return values[found[1]]

    return _PLACE.sub(value, line)


def example(line: str) -> str:
    """A replacement with a number in each place, so that it can be looked at."""
    return _PLACE.sub("1", line)
