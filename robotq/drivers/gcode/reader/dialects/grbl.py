"""Grbl 1.1 and its descendants.

Sources: Grbl 1.1 (gnea/grbl: gcode.c, nuts_bolts.c, protocol.c, config.h, doc/markdown), grblHAL
(grblHAL/core: gcode.c), FluidNC (bdring/FluidNC: GCode.cpp), and what Grbl 1.1h, grblHAL 1.1f and
FluidNC 4.0 were observed to take.
"""

from __future__ import annotations

from dataclasses import replace

from robotq.drivers.gcode.reader.codes import Codes, codes
from robotq.drivers.gcode.reader.dialect import Dialect
from robotq.drivers.gcode.reader.rules import Modes, Rules

_EEPROM = frozenset({"G10", "G28", "G28.1", "G30", "G30.1"}) | {f"G{n}" for n in range(54, 60)} | {
    "G59.1", "G59.2", "G59.3"
}  # fmt: skip
"""Codes for which the controller reads or writes its EEPROM, and may lose what comes in."""

_LONGEST = 79
"""Grbl's own limit (protocol.h, LINE_BUFFER_SIZE 80); descendants take more."""

_DIGITS = 8
"""Of a number, leading zeros among them, and those behind are dropped (nuts_bolts.c, read_float,
MAX_INT_DIGITS): `X0000000012` is X0."""

_GRBL = "grbl gcode.c, gc_execute_line"
_STORED = "it changes the stored coordinate systems"
_STORED_G28 = "it changes the stored position of G28"
_STORED_G30 = "it changes the stored position of G30"

_SHARED: Codes = {
    **codes("G0 G1", _GRBL, group="motion", axes="motion"),
    **codes("G2 G3", _GRBL, group="motion", axes="motion", takes="IJKR", needs=("XYZ", "IJKR")),
    **codes("G38.2 G38.3 G38.4 G38.5", _GRBL, group="motion", axes="motion", needs=("XYZ",)),
    **codes("G80", _GRBL, group="motion"),
    **codes("G4", _GRBL, group="other", takes="P", needs=("P",)),
    **codes("G10", _GRBL, group="other", axes="own", takes="LPR", needs=("L", "P", "XYZ"),
            lasting=_STORED),
    **codes("G28 G30", _GRBL, group="other", axes="own"),
    **codes("G28.1", _GRBL, group="other", lasting=_STORED_G28),
    **codes("G30.1", _GRBL, group="other", lasting=_STORED_G30),
    **codes("G92", _GRBL, group="other", axes="own", needs=("XYZ",)),
    **codes("G92.1 G53", _GRBL, group="other"),
    **codes("G17 G18 G19", _GRBL, group="plane"),
    **codes("G90 G91", _GRBL, group="distance"),
    **codes("G91.1", _GRBL, group="arc distance"),
    **codes("G93 G94", _GRBL, group="feed"),
    **codes("G20 G21", _GRBL, group="units"),
    **codes("G40", _GRBL, group="cutter"),
    **codes("G43.1", _GRBL, group="tool length", axes="own", needs=("Z",)),
    **codes("G49", _GRBL, group="tool length", axes="own"),
    **codes("G54-G59", _GRBL, group="system"),
    **codes("G61", _GRBL, group="path"),
    **codes("M0 M1 M2 M30", _GRBL, group="program"),
    **codes("M3 M4 M5", _GRBL, group="spindle"),
    **codes("M8 M9", _GRBL, group="coolant"),
}  # fmt: skip

_GRBL_CODES: Codes = {
    **_SHARED,
    **codes("M7", "grbl config.h, ENABLE_M7", group="mist", build="ENABLE_M7"),
    **codes("M56", "grbl config.h, ENABLE_PARKING_OVERRIDE_CONTROL", group="parking", takes="P",
            build="ENABLE_PARKING_OVERRIDE_CONTROL"),
}  # fmt: skip

_HAL = "grblHAL core gcode.c, gc_execute_block"
_HAL_CODES: Codes = {
    **_SHARED,
    **codes("G2 G3", _HAL, group="motion", axes="motion", takes="IJKRP", needs=("XYZ", "IJKR")),
    **codes("M7", _HAL, group="mist"),
    **codes("M6", _HAL, group="tool change"),
    **codes("M48 M49 M50 M51 M53", _HAL, group="overrides", takes="P"),
    **codes("M56", _HAL, group="parking", takes="P", build="PARKING_ENABLE"),
    **codes("M60", _HAL, group="program"),
    **codes("M61", _HAL, group="tool", takes="Q", needs=("Q",)),
    **codes("M62-M65", _HAL, group="output", takes="P", needs=("P",), build="an I/O plugin"),
    **codes("M66", _HAL, group="output", takes="EPLQ", build="an I/O plugin"),
    **codes("M67 M68", _HAL, group="output", takes="EQ", needs=("E", "Q"), build="an I/O plugin"),
    **codes("G5", _HAL, group="motion", axes="motion", takes="IJPQ", needs=("XYZ",)),
    **codes("G5.1", _HAL, group="motion", axes="motion", takes="IJ", needs=("XYZ", "IJ")),
    **codes("G73 G81 G82 G83 G85 G86 G89", _HAL, group="motion", axes="motion", takes="RPQL",
            needs=("XYZ",)),
    **codes("G43", _HAL, group="tool length", takes="H", build="a tool table"),
    **codes("G43.2", _HAL, group="tool length", takes="H", build="a tool table"),
    **codes("G59.1 G59.2 G59.3", _HAL, group="system"),
    **codes("G92.2 G92.3", _HAL, group="other"),
    **codes("G95", _HAL, group="feed", build="a spindle with an encoder"),
    **codes("G98", _HAL, group="retract"),
    **codes("G99", _HAL, group="retract", lasting="drill cycles of later commands would retract "
            "less far"),
    **codes("G50 G51", _HAL, group="scaling", axes="own", build="ENABLE_SCALING",
            lasting="it scales later commands too"),
}  # fmt: skip

_FLUID = "FluidNC GCode.cpp, gc_execute_line"
_FLUID_CODES: Codes = {
    **_SHARED,
    **codes("M7", _FLUID, group="mist"),
    **codes("M6", _FLUID, group="tool change", build="a tool changer in its configuration"),
    **codes("M56", _FLUID, group="parking", takes="P", build="parking in its configuration"),
    **codes("M61", _FLUID, group="tool", takes="Q", needs=("Q",),
            build="a tool changer in its configuration"),
    **codes("M62-M65", _FLUID, group="output", takes="P", needs=("P",), build="user outputs"),
    **codes("M66", _FLUID, group="output", takes="EPLQ", build="user inputs"),
    **codes("M67 M68", _FLUID, group="output", takes="EQ", needs=("E", "Q"), build="user outputs"),
}  # fmt: skip

_LETTERS = frozenset("FGIJKLMNPRSTXYZ")
_MORE_LETTERS = frozenset("ABCDHOQUVW")
"""Of its descendants. E only with a code that takes it, where that is allowed; those of axes that
the machine does not have are taken away when it has told how many it has."""

GRBL = Dialect(
    name="Grbl 1.1",
    rules=Rules(
        firmware="Grbl 1.1",
        longest=_LONGEST,
        digits=_DIGITS,
        alone=_EEPROM,
        letters=_LETTERS,
        codes=_GRBL_CODES,
        strict=True,
        most_tool=255,  # config.h, MAX_TOOL_NUMBER
    ),
    # on its way alone: G54 may be read from the EEPROM
    modes=("G21 G90 G17 G94 G54 G49 G80 G92.1",),
    known=Modes(motion="G80", plane="G17", feed="G94", distance="G90", units="G21"),
    off=("M5", "M9"),
)
GRBL_HAL = replace(
    GRBL,
    name="grblHAL",
    rules=replace(
        GRBL.rules,
        firmware="grblHAL",
        letters=_LETTERS | _MORE_LETTERS,
        codes=_HAL_CODES,
        most_tool=None,
    ),
)
FLUIDNC = replace(
    GRBL_HAL,
    name="FluidNC",
    rules=replace(GRBL_HAL.rules, firmware="FluidNC", codes=_FLUID_CODES),
)

FAMILY = replace(
    GRBL_HAL,
    name="GRBL family",
    rules=replace(
        GRBL_HAL.rules,
        firmware="the GRBL family",
        codes={**_GRBL_CODES, **_FLUID_CODES, **_HAL_CODES},
    ),
)
"""By which a program is read before it is known which one it is: none takes more."""

DIALECTS = {"grbl": GRBL, "grblhal": GRBL_HAL, "fluidnc": FLUIDNC}


def dialect_of(greeting: str) -> Dialect:
    """The one of a controller that greets like this."""
    text = greeting.lower()
    if "fluidnc" in text:
        return FLUIDNC
    return GRBL_HAL if "hal" in text else GRBL
