"""Lines for firmware that carries out one code of each line.

Marlin reads the first G, M or T of a line as its command and every later letter, G and M included,
as a parameter of it (its parser.cpp): `G21 G90` sets millimetres and nothing else, and
`G90 G1 X77` moves nothing. So what can be put on lines of its own without another meaning is, and
everything else is refused before the first line is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from robotq.drivers.gcode.reader.rules import Rules
from robotq.drivers.gcode.reader.words import Refused, Word, plain

FIRST = frozenset(
    {"G17", "G18", "G19", "G20", "G21", "G90", "G91", "G94", "M5", "M9", "M82", "M83"}
)
"""Codes without parameters, which count before the motion of their line wherever they stand in it
(RS274/NGC, order of execution)."""

_GROUPS = (
    ("G0", "G1", "G2", "G3", "G5", "G80", "G38.2", "G38.3", "G38.4", "G38.5"),
    ("G17", "G18", "G19"),
    ("G20", "G21"),
    ("G90", "G91"),
    ("G93", "G94"),
    ("M82", "M83"),
    ("M3", "M4", "M5"),
    ("M7", "M8", "M9"),
)
"""Two codes of one group on a line exclude each other (RS274/NGC, modal groups)."""
_GROUP_OF = {code: group for group in _GROUPS for code in group}

_MODAL = frozenset({"G0", "G1", "G2", "G3"})
_ARCS = frozenset({"G2", "G3"})
_WITHOUT_AXES = frozenset(
    {"G4", "M0", "M1", "M3", "M4", "M7", "M8", "M42", "M73", "M104", "M105", "M106", "M107", "M109",
     "M140", "M155", "M190", "M220", "M221", "M280", "M300", "M400"}
)  # fmt: skip
"""Codes that would leave the axis words of their line unread, and the motion that they mean."""
_MORE_AXES = frozenset("ABCUVW")
_WITH_NUMBERS = _MODAL | {"G92"}
_AXES = frozenset("XYZABCUVWE")


def lines_of(
    words: Sequence[Word], motion: str, rules: Rules
) -> tuple[Sequence[Sequence[Word]], str]:
    """The words of each line to send, and the motion that bare coordinates mean behind them;
    `motion`: the one before. Raises Refused."""
    table = rules.codes or {}
    first: list[Sequence[Word]] = []
    codes: list[Word] = []
    rest: list[Word] = []
    groups: dict[tuple[str, ...], str] = {}
    for letter, value in words:
        if letter not in "GMT":
            rest.append((letter, value))
            continue
        if not value:
            raise Refused(f"a letter {letter} without a number")
        code = letter + plain(value)
        if letter == "T" and codes and _takes_tool(codes[0], rules):
            rest.append((letter, value))
            continue
        motion = "" if code == "G80" else motion
        group = _GROUP_OF.get(code, (code,))
        if group in groups:
            raise Refused(f"{groups[group]} and {code} exclude each other on one line")
        groups[group] = code
        if code in table and table[code].empty:
            continue
        if code in FIRST:
            first.append([(letter, value)])
        else:
            codes.append((letter, value))
    if len(codes) > 1:
        both = " and ".join(letter + value for letter, value in codes)
        raise Refused(f"this controller carries out one code of a line: write {both} on two lines")
    if not codes and not rest:
        return first, motion
    if not codes:
        codes = [_meant(rest, motion)]
    code = codes[0][0] + plain(codes[0][1])
    _check(code, rest, rules)
    return [*first, [*codes, *rest]], code if code in _MODAL else motion


def _takes_tool(word: Word, rules: Rules) -> bool:
    """Whether a T behind this code is a parameter of it."""
    row = (rules.codes or {}).get(word[0] + plain(word[1]))
    return row is not None and "T" in row.takes


def _meant(rest: Sequence[Word], motion: str) -> Word:
    letters = {letter for letter, _ in rest}
    if letters == {"F"}:
        # a G1 without coordinates sets the feed and moves nothing
        return ("G", "1")
    if not letters & _AXES:
        raise Refused("no code stands here, and this controller needs one on every line")
    if not motion:
        raise Refused("coordinates without a code: no line before has said which motion they mean")
    return (motion[0], motion[1:])


def _check(code: str, rest: Sequence[Word], rules: Rules) -> None:
    values = dict(rest)
    if code in _WITHOUT_AXES or code.startswith("T"):
        lost = [letter for letter in "XYZ" if letter in values]
        if lost:
            raise Refused(f"{code} would leave {lost[0]} unread: write the motion on another line")
    if code == "G28" and any(value and float(value) != 0 for value in values.values()):
        raise Refused("this controller homes the axes that G28 names, whatever number stands there")
    if code == "G4" and "." in values.get("P", ""):
        raise Refused("P is in whole milliseconds on this controller: write S for seconds")
    row = (rules.codes or {}).get(code)
    if row is None:
        return
    if code in _WITH_NUMBERS:
        more = sorted(_MORE_AXES & set(values) - rules.allowed)
        if more:
            raise Refused(
                f"{more[0]}: a controller without this axis leaves it unread; "
                f"`allow: [{more[0]}]` says that it has one"
            )
    bare = [letter for letter, value in rest if not value]
    if bare and code in _WITH_NUMBERS:
        raise Refused(f"{bare[0]} has no number: this controller would leave it out")
    for letters in row.needs:
        if not set(letters) & set(values):
            raise Refused(f"{code} needs one of {', '.join(letters)}")
    if code in _ARCS:
        _check_arc(values)


def _check_arc(values: dict[str, str]) -> None:
    """Marlin answers an arc without a centre with an error, and goes on (G2_G3.cpp)."""
    if "R" in values:
        if not float(values["R"]):
            raise Refused("an arc of radius 0")
    elif not any(float(values.get(letter, 0)) for letter in "IJK"):
        raise Refused("an arc whose centre is where it begins")
