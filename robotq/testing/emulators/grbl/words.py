"""G-code as Grbl reads it: one line, word by word, with the errors in the order in which they come
(grbl 1.1h, gcode.c and nuts_bolts.c)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_MOST_DIGITS = 8
_MOST_TOOL = 255
_MOST_LINE = 9_999_999
_GROUPS: Mapping[str, str] = {
    **dict.fromkeys(("G4", "G10", "G28", "G28.1", "G30", "G30.1", "G53", "G92", "G92.1"), "other"),
    **dict.fromkeys(("G0", "G1", "G2", "G3", "G38.2", "G38.3", "G38.4", "G38.5", "G80"), "motion"),
    **dict.fromkeys(("G17", "G18", "G19"), "plane"),
    **dict.fromkeys(("G90", "G91"), "distance"),
    "G91.1": "arcs",
    **dict.fromkeys(("G93", "G94"), "feed"),
    **dict.fromkeys(("G20", "G21"), "units"),
    "G40": "cutter",
    **dict.fromkeys(("G43.1", "G49"), "length"),
    **dict.fromkeys(("G54", "G55", "G56", "G57", "G58", "G59"), "system"),
    "G61": "path",
    **dict.fromkeys(("M0", "M1", "M2", "M30"), "program"),
    **dict.fromkeys(("M3", "M4", "M5"), "spindle"),
    **dict.fromkeys(("M8", "M9"), "coolant"),
}
_MORE_GROUPS: Mapping[str, str] = {
    **dict.fromkeys(("G73", "G81", "G82", "G83", "G85", "G86", "G89"), "motion"),
    **dict.fromkeys(("G98", "G99"), "retract"),
    **dict.fromkeys(("G59.1", "G59.2", "G59.3"), "system"),
    "M6": "tool",
    "M7": "mist",
}
"""Of its descendants."""
_OWN_AXES = frozenset({"G10", "G28", "G30", "G92", "G43.1", "G49"})
_LETTERS = frozenset("FIJKLNPRSTXYZ")
_MORE_LETTERS = frozenset("DEHOQ")
_NOT_NEGATIVE = frozenset("FNPST")
_WITH_FRACTIONS = frozenset({28, 30, 38, 43, 61, 90, 91, 92})
"""Grbl looks at the fraction of these itself."""


class Refused(Exception):
    """The line is wrong; `number` is that of the error."""

    def __init__(self, number: int) -> None:
        super().__init__(f"error:{number}")
        self.number = number


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One line. Codes are without leading and trailing zeros, and without their letter."""

    g_codes: tuple[str, ...]
    m_codes: tuple[str, ...]
    values: Mapping[str, float]

    @property
    def motion(self) -> str | None:
        """The motion code that it sets; 80: none."""
        groups = (
            (code, _GROUPS.get(f"G{code}") or _MORE_GROUPS.get(f"G{code}")) for code in self.g_codes
        )
        return next((code for code, group in groups if group == "motion"), None)

    @property
    def axes(self) -> str:
        """The axis words."""
        return "".join(axis for axis in "XYZ" if axis in self.values)

    @property
    def own_axes(self) -> bool:
        """A code of the line that is no motion takes the axis words."""
        return any(f"G{code}" in _OWN_AXES for code in self.g_codes)

    @property
    def moves(self) -> bool:
        named = {"10", "92", "43.1", "49"}.isdisjoint(self.g_codes)
        return bool(self.axes) and named and self.motion != "80"


def stripped(line: str) -> str:
    """What Grbl keeps of a line (protocol.c): no comment, no blank, no control character, and no
    slash, wherever it stands: there is no block delete. A bracket that is not closed takes the
    rest of the line with it."""
    kept, until = "", ""
    for byte in line:
        if until:
            until = "" if byte == until else until
        elif byte in "(;":
            until = ")" if byte == "(" else "\n"
        elif byte > " " and byte != "/":
            kept += byte.upper() if "a" <= byte <= "z" else byte
    return kept


def read_words(line: str, *, plain_grbl: bool = False) -> Words:
    """`line` without comments and spaces, in capitals. Raises Refused."""
    letters = _LETTERS if plain_grbl else _LETTERS | _MORE_LETTERS
    values: dict[str, float] = {}
    codes: dict[str, list[str]] = {"G": [], "M": []}
    seen: set[str] = set()
    axes_for = ""
    at = 0
    while at < len(line):
        letter = line[at]
        if not "A" <= letter <= "Z":
            raise Refused(1)
        number, at = _number(line, at + 1)
        if letter in codes:
            code = _code(letter, number, conflict=bool(plain_grbl and axes_for))
            group = _group(code) if plain_grbl else _group(code) or _MORE_GROUPS.get(code, "")
            if not group:
                raise Refused(20)
            takes = code if code in _OWN_AXES else ""
            takes = "motion" if group == "motion" and code != "G80" else takes
            if takes and axes_for:
                raise Refused(24 if plain_grbl or takes != axes_for else 21)
            axes_for = takes or axes_for
            if group in seen:
                raise Refused(21)
            seen.add(group)
            codes[letter].append(code[1:])
            continue
        if letter not in letters:
            raise Refused(20)
        if letter == "T" and plain_grbl and number > _MOST_TOOL:
            raise Refused(38)
        if letter in values:
            raise Refused(25)
        if letter in _NOT_NEGATIVE and number < 0:
            raise Refused(4)
        values[letter] = number
    if values.get("N", 0.0) > _MOST_LINE:
        raise Refused(27)
    return Words(g_codes=tuple(codes["G"]), m_codes=tuple(codes["M"]), values=values)


def _number(line: str, at: int) -> tuple[float, int]:
    """Digits behind the eighth one count as places only. Raises Refused."""
    sign = -1.0 if line[at : at + 1] == "-" else 1.0
    at += line[at : at + 1] in ("-", "+")
    whole, exponent, digits, point = 0, 0, 0, False
    while at < len(line):
        byte = line[at]
        if byte in "0123456789":
            digits += 1
            if digits <= _MOST_DIGITS:
                whole = whole * 10 + int(byte)
                exponent -= point
            elif not point:
                exponent += 1
        elif byte == "." and not point:
            point = True
        else:
            break
        at += 1
    if not digits:
        raise Refused(2)
    return sign * whole * 10.0**exponent, at


def _wants_axes(number: float) -> bool:
    """Grbl looks at that before it looks at the fraction."""
    whole = int(number) & 0xFF
    code = f"G{whole}"
    if whole in (10, 28, 30, 92):
        return round(100 * (number - whole)) == 0
    return whole in (38, 43, 49) or (code != "G80" and _GROUPS.get(code) == "motion")


def _code(letter: str, number: float, *, conflict: bool) -> str:
    """Whole numbers above 255 turn over, and leave a fraction. `conflict`: a code before this one
    has the axes of the line."""
    if conflict and letter == "G" and _wants_axes(number):
        raise Refused(24)
    whole = int(number) & 0xFF
    fraction = round(100 * (number - whole))
    if letter == "M" and fraction:
        raise Refused(23)
    if fraction % 10 and _group(f"{letter}{whole}"):
        # G1.05: no such code
        raise Refused(20 if whole in _WITH_FRACTIONS else 23)
    code = f"{letter}{whole}" + (f".{fraction // 10}" if fraction else "")
    if fraction and not _group(code) and _group(f"{letter}{whole}"):
        raise Refused(20 if whole in _WITH_FRACTIONS else 23)
    return code


def _group(code: str) -> str:
    return _GROUPS.get(code, "")
