"""G-code as the firmware reads it: the words of a line, and the modes that outlive it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from robotq.testing.emulators.motion import Point

_WORD = re.compile(r"([A-Z])([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))")
_KNOWN_G = frozenset(
    [
        *("0", "1", "2", "3", "4", "10", "17", "18", "19", "20", "21", "28", "28.1", "30", "30.1"),
        *("38.2", "38.3", "40", "49", "53", "54", "55", "56", "57", "58", "59", "61", "80", "90"),
        *("43.1", "91", "91.1", "92", "92.1", "93", "94"),
    ]
)
_KNOWN_M = frozenset(["0", "1", "2", "3", "4", "5", "7", "8", "9", "30"])
_GRBL_LETTERS = frozenset("FGIJKLMNPRSTXYZ")
_MORE_LETTERS = frozenset("ABCDEHOQUVW")
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


def read_words(line: str, *, plain_grbl: bool = False) -> Words:
    """`line` without comments and spaces, in capitals. Raises Refused."""
    found = _WORD.findall(line)
    if "".join(letter + number for letter, number in found) != line:
        raise Refused(2 if line[:1].isalpha() else 1)
    letters = _GRBL_LETTERS if plain_grbl else _GRBL_LETTERS | _MORE_LETTERS
    given = [letter for letter, _ in found]
    if not letters.issuperset(given):
        raise Refused(20)
    if any(given.count(letter) > 1 for letter in letters - {"G", "M"}):
        raise Refused(25)
    words = Words(
        g_codes=tuple(_plain(number) for letter, number in found if letter == "G"),
        m_codes=tuple(_plain(number) for letter, number in found if letter == "M"),
        values={letter: float(number) for letter, number in found if letter not in "GM"},
    )
    if not _KNOWN_G.issuperset(words.g_codes) or not _KNOWN_M.issuperset(words.m_codes):
        raise Refused(20)
    return words


_NOWHERE: Point = (0.0, 0.0, 0.0)


class Modes:
    """What one line leaves to the next ones. A reset leaves none of it."""

    def __init__(self, systems: Mapping[str, Point] | None = None) -> None:
        """`systems`: where the stored coordinate systems 54 to 59 begin."""
        self.feed_mm_s = 0.0
        self.motion: str | None = "0"
        self.relative = False
        self.inches = False
        self.plane = "17"
        self.feed_mode = "94"
        self.system = "54"
        self.spindle = False
        self.coolant = False
        self.shifted = _NOWHERE
        """By G92."""
        self._systems = systems or {}

    @property
    def speed_mm_s(self) -> float:
        return _RAPID_MM_S if self.motion == "0" else self.feed_mm_s

    @property
    def offset(self) -> Point:
        """Machine coordinates of the point that programs call 0, 0, 0."""
        own, shifted = self._systems.get(self.system, _NOWHERE), self.shifted
        return (own[0] + shifted[0], own[1] + shifted[1], own[2] + shifted[2])

    def take(self, words: Words, at: Point) -> None:
        """`at`: where the planned motions lead. Raises Refused; then nothing is in effect."""
        motion = words.motion or (None if "80" in words.g_codes else self.motion)
        if words.moves and motion is None:
            raise Refused(31)
        if motion != "0" and words.moves and not words.values.get("F", self.feed_mm_s):
            raise Refused(22)
        self.motion = motion
        for code in words.g_codes:
            self._code(code)
        for code in words.m_codes:
            self.spindle = code in ("3", "4") or (self.spindle and code != "5")
            self.coolant = code in ("7", "8") or (self.coolant and code != "9")
        if "F" in words.values:
            self.feed_mm_s = words.values["F"] * self._unit_mm / 60
        if "92" in words.g_codes:
            own = self._systems.get(self.system, _NOWHERE)
            x, y, z = (
                at[i] - own[i] - words.values[axis] * self._unit_mm
                if axis in words.values
                else self.shifted[i]
                for i, axis in enumerate("XYZ")
            )
            self.shifted = (x, y, z)
        if not {"2", "30"}.isdisjoint(words.m_codes):
            # what the end of a program puts back; units, feed and G92 stay
            self.motion, self.plane, self.feed_mode, self.system = "1", "17", "94", "54"
            self.relative = self.spindle = self.coolant = False

    def _code(self, code: str) -> None:
        if code in ("90", "91"):
            self.relative = code == "91"
        if code in ("20", "21"):
            self.inches = code == "20"
        if code in ("17", "18", "19"):
            self.plane = code
        if code in ("93", "94"):
            self.feed_mode = code
        if code in ("54", "55", "56", "57", "58", "59"):
            self.system = code
        if code == "92.1":
            self.shifted = _NOWHERE

    def end(self, start: Point, words: Words) -> Point:
        """Where a motion from `start` leads, in machine coordinates."""
        offset = _NOWHERE if "53" in words.g_codes else self.offset
        return _end(
            start, words.values, relative=self.relative, unit_mm=self._unit_mm, offset=offset
        )

    def jog(self, start: Point, line: str) -> tuple[Point, float]:
        """Where a jog leads, and its speed. It leaves no mode behind."""
        values = {letter: float(number) for letter, number in _WORD.findall(line)}
        end = _end(start, values, relative="G91" in line, unit_mm=1.0, offset=self.offset)
        return end, values.get("F", _JOG_MM_MIN) / 60 or self.speed_mm_s

    @property
    def _unit_mm(self) -> float:
        return _INCH_MM if self.inches else 1.0


def _plain(number: str) -> str:
    return f"{float(number):g}"


def _end(
    start: Point, values: Mapping[str, float], *, relative: bool, unit_mm: float, offset: Point
) -> Point:
    base = start if relative else offset
    return (
        base[0] + values["X"] * unit_mm if "X" in values else start[0],
        base[1] + values["Y"] * unit_mm if "Y" in values else start[1],
        base[2] + values["Z"] * unit_mm if "Z" in values else start[2],
    )
