"""Grbl 1.1 and its descendants.

Sources: Grbl 1.1 (gnea/grbl: gcode.c, config.h, doc/markdown), and what Grbl 1.1h, grblHAL 1.1f and
FluidNC 4.0 were observed to take.
"""

from __future__ import annotations

from dataclasses import replace

from robotq.drivers.gcode.reader.dialect import Dialect
from robotq.drivers.gcode.reader.lines import Rules

_EEPROM = frozenset({"G10", "G28", "G28.1", "G30", "G30.1"}) | {f"G{n}" for n in range(54, 60)}
"""Codes for which the controller reads or writes its EEPROM, and may lose what comes in."""

_LONGEST = 79
"""Grbl's own limit (LINE_BUFFER_SIZE 80); descendants take more."""

_DIGITS = 8
"""Of a number, leading zeros among them, and those behind are dropped (nuts_bolts.c, read_float,
MAX_INT_DIGITS): `X0000000012` is X0."""

_LASTING = {
    "G10": "it changes the stored coordinate systems",
    "G28.1": "it changes the stored position of G28",
    "G30.1": "it changes the stored position of G30",
}
_LETTERS = frozenset("FGIJKLMNPRSTXYZ")
_MORE_LETTERS = frozenset("ABCDHOQUVW")
"""Of its descendants. None takes E in what moves."""

GRBL = Dialect(
    name="Grbl",
    rules=Rules(longest=_LONGEST, digits=_DIGITS, alone=_EEPROM, letters=_LETTERS),
    lasting=_LASTING,
    # on its way alone: G54 may be read from the EEPROM
    modes=("G21 G90 G17 G94 G54 G49 G80 G92.1",),
    off=("M5", "M9"),
)
GRBL_HAL = replace(
    GRBL, name="grblHAL", rules=replace(GRBL.rules, letters=_LETTERS | _MORE_LETTERS)
)
FLUIDNC = replace(GRBL_HAL, name="FluidNC")

FAMILY = GRBL_HAL
"""By which a program is read before it is known which one it is: none takes more."""


def dialect_of(greeting: str) -> Dialect:
    """The one of a controller that greets like this."""
    text = greeting.lower()
    if "fluidnc" in text:
        return FLUIDNC
    return GRBL_HAL if "hal" in text else GRBL
