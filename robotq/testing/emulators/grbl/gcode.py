"""G-code as the firmware reads it: the words of a line, and the modes that outlive it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from robotq.testing.emulators.motion import Point

_WORD = re.compile(r"([A-Z])([+-]?(?:\d+\.?\d*|\.\d+))")
_KNOWN_G = frozenset(
    [
        *("0", "1", "2", "3", "4", "10", "17", "18", "19", "20", "21", "28", "28.1", "30", "30.1"),
        *("38.2", "38.3", "40", "49", "53", "54", "55", "56", "57", "58", "59", "61", "80", "90"),
        *("91", "91.1", "92", "92.1", "93", "94"),
    ]
)
_KNOWN_M = frozenset(["0", "1", "2", "3", "4", "5", "7", "8", "9", "30"])
_MOTIONS = ("0", "1", "2", "3")
_NO_AXES_MOVE = frozenset(["4", "10", "92"])
_RAPID_MM_S = 100.0
_JOG_MM_MIN = 600.0
_INCH_MM = 25.4


class Refused(Exception):
    """The line is wrong; `number` is that of the error."""

    def __init__(self, number: int) -> None:
        super().__init__(f"error:{number}")
        self.number = number


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One line. Codes are without leading and trailing zeros."""

    g_codes: tuple[str, ...]
    m_codes: tuple[str, ...]
    values: Mapping[str, float]

    @property
    def motion(self) -> str | None:
        """The motion code that it sets."""
        return next((code for code in reversed(self.g_codes) if code in _MOTIONS), None)

    @property
    def moves(self) -> bool:
        return _NO_AXES_MOVE.isdisjoint(self.g_codes) and not self.values.keys().isdisjoint("XYZ")


def read_words(line: str) -> Words:
    """`line` without comments and spaces, in capitals. Raises Refused."""
    found = _WORD.findall(line)
    if "".join(letter + number for letter, number in found) != line:
        raise Refused(2 if line[:1].isalpha() else 1)
    words = Words(
        g_codes=tuple(_plain(number) for letter, number in found if letter == "G"),
        m_codes=tuple(_plain(number) for letter, number in found if letter == "M"),
        values={letter: float(number) for letter, number in found if letter not in "GM"},
    )
    if not _KNOWN_G.issuperset(words.g_codes) or not _KNOWN_M.issuperset(words.m_codes):
        raise Refused(20)
    return words


class Modes:
    """What one line leaves to the next ones."""

    def __init__(self) -> None:
        self.feed_mm_s = 0.0
        self._motion = "0"
        self._relative = False
        self._inches = False

    @property
    def speed_mm_s(self) -> float:
        return _RAPID_MM_S if self._motion == "0" else self.feed_mm_s

    def take(self, words: Words) -> None:
        """Raises Refused where there is no feed for the motion; then nothing is in effect."""
        motion = words.motion or self._motion
        if motion != "0" and words.moves and not (words.values.get("F") or self.feed_mm_s):
            raise Refused(22)
        self._motion = motion
        for code in words.g_codes:
            if code in ("90", "91"):
                self._relative = code == "91"
            if code in ("20", "21"):
                self._inches = code == "20"
        if "F" in words.values:
            self.feed_mm_s = words.values["F"] * self._unit_mm / 60

    def end(self, start: Point, words: Words) -> Point:
        """Where a motion from `start` leads."""
        return _end(start, words.values, relative=self._relative, unit_mm=self._unit_mm)

    def jog(self, start: Point, line: str) -> tuple[Point, float]:
        """Where a jog leads, and its speed. It leaves no mode behind."""
        values = {letter: float(number) for letter, number in _WORD.findall(line)}
        end = _end(start, values, relative="G91" in line, unit_mm=1.0)
        return end, values.get("F", _JOG_MM_MIN) / 60 or self.speed_mm_s

    @property
    def _unit_mm(self) -> float:
        return _INCH_MM if self._inches else 1.0


def _plain(number: str) -> str:
    return f"{float(number):g}"


def _end(start: Point, values: Mapping[str, float], *, relative: bool, unit_mm: float) -> Point:
    base = start if relative else (0.0, 0.0, 0.0)
    return (
        base[0] + values["X"] * unit_mm if "X" in values else start[0],
        base[1] + values["Y"] * unit_mm if "Y" in values else start[1],
        base[2] + values["Z"] * unit_mm if "Z" in values else start[2],
    )
