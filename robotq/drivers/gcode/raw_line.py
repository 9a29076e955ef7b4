"""Lines that a person writes for a controller, past the rules of programs: which of them would
break the conversation itself, or let a later command do something else than it says. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 79
"""Characters: Grbl's own limit, and Marlin's without the number and the checksum."""

_CODE = re.compile(r"([GMT])\s*0*(\d{1,6}(?:\.\d)?)(?![\d.])", re.ASCII)
_OTHER_PROGRAMS = "programs come from robotq, which knows when they end"
_PAUSE = "it pauses for a person; stop the robot, or hold its motion, in place of it"

GRBL_CHARACTERS = {
    "!": "the controller acts upon ! at once: hold the motion in place of it",
    "~": "the controller acts upon ~ at once: resume the motion in place of it",
    "?": "robotq asks for reports itself",
}
GRBL_CODES = dict.fromkeys(("M0", "M1", "M6", "M60"), _PAUSE)
_GRBL_SETTINGS = (
    (re.compile(r"\$13\s*=\s*0*[1-9]", re.ASCII), "robotq reads reports in millimetres"),
    (re.compile(r"\$N\d?\s*=", re.ASCII), "it would be carried out after each reset"),
    (
        re.compile(r"\$(?:SD|LOCALFS|FLASH|FILE|FILES|MACROS?)\s*/|\$F\s*=|\$RM", re.ASCII),
        _OTHER_PROGRAMS,
    ),
    (re.compile(r"\[ESP"), _OTHER_PROGRAMS),
)

MARLIN_CODES = {
    **dict.fromkeys(
        ("M108", "M110", "M112", "M410", "M575", "M876", "M997", "M999"),
        "it belongs to robotq's own conversation with the controller; "
        "the stops of robotq reach it more surely",
    ),
    **dict.fromkeys(("M0", "M1", "M226", "M600"), _PAUSE),
    **dict.fromkeys(("M23", "M24", "M25", "M26", "M32", "M98", "M524", "M808"), _OTHER_PROGRAMS),
    **dict.fromkeys((f"M{number}" for number in range(810, 820)), _OTHER_PROGRAMS),
    **dict.fromkeys(("M28", "M29", "M928"), "all that follows would go into a file"),
    "M111": "it may have the controller move nothing from now on",
    "M113": "by its reports robotq sees that the controller is at work",
    "M118": "what it has the controller say could be taken for an answer",
    "M154": "robotq asks for positions itself, and tells its own reports by it",
}


def why_never(line: str) -> str | None:
    """What is so for every firmware."""
    if not line.strip():
        return "expected a line"
    if not (line.isascii() and line.isprintable()):
        return "expected one line of printable ASCII"
    if len(line.strip()) > LONGEST:
        return f"expected at most {LONGEST} characters, which is all that the controller keeps"
    return None


def why_not_grbl(line: str) -> str | None:
    for character, why in GRBL_CHARACTERS.items():
        if character in line:
            return why
    upper = line.upper().replace(" ", "")
    for pattern, why in _GRBL_SETTINGS:
        if pattern.search(upper):
            return why
    # a setting has no codes: $N, $I=M1
    return (
        None if upper.startswith("$") and not upper.startswith("$J") else _code(upper, GRBL_CODES)
    )


def why_not_marlin(line: str) -> str | None:
    upper = line.strip().upper()
    if upper[0] == "N" or "*" in upper:
        return "robotq numbers the lines itself, and adds the checksum"
    return _code(upper, MARLIN_CODES)


def _code(upper: str, refused: dict[str, str]) -> str | None:
    found: Iterable[tuple[str, str]] = _CODE.findall(upper)
    return next(
        (f"{name}: {refused[name]}" for name in map("".join, found) if name in refused), None
    )
