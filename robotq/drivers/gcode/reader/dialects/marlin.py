"""Marlin 2.

Sources: Marlin's documentation of its G-codes and its parser (marlinfw.org, parser.cpp, queue.cpp),
and what Marlin 2.1.2 was observed to do.
"""

from __future__ import annotations

from robotq.drivers.gcode.reader.dialect import Dialect
from robotq.drivers.gcode.reader.lines import Rules

_FRACTIONS = frozenset(
    {"G38.2", "G38.3", "G38.4", "G38.5", "G59.1", "G59.2", "G59.3"}
    | {f"G92.{number}" for number in range(1, 10)}
)
"""Marlin leaves out the fraction of all other codes: G28.1 is a G28."""

_LONGEST = 80
"""Marlin cuts lines at 96 characters (MAX_CMD_SIZE), number and checksum among them."""

_TEXTS = frozenset({"M117"})
"""M118 is none of them: what it has Marlin say could be taken for an answer."""

MARLIN = Dialect(
    name="Marlin",
    rules=Rules(
        longest=_LONGEST,
        fractions=_FRACTIONS,
        end_is_known=False,
        one_code=True,
        bare_words=True,
        texts=_TEXTS,
        dwell_units_s={"P": 0.001, "S": 1.0},
    ),
    own=dict.fromkeys(
        ("M108", "M110", "M112", "M410", "M575", "M997", "M999", "M876"),
        "it belongs to robotq's own conversation with the controller",
    ),
    lasting={
        "M80": "it switches the power supply",
        "M81": "it switches the power supply",
        **dict.fromkeys(
            ("M500", "M501", "M502", "M503", "M504"), "it changes what the controller has stored"
        ),
        "M154": "robotq asks for positions itself, and tells its own reports by it",
        **dict.fromkeys(
            ("M92", "M201", "M203", "M206", "M428", "M906"), "it changes how the motors are driven"
        ),
        **dict.fromkeys(
            ("M20", "M21", "M22", "M23", "M24", "M25", "M26", "M27", "M28", "M29", "M30", "M32"),
            "programs come from robotq and not from the card",
        ),
    },
    # millimetres and absolute coordinates: one code a line, since Marlin reads every later code
    # of a line as a parameter
    modes=("G21", "G90", "M82"),
    # spindle and laser, fan, nozzle, bed
    off=("M5", "M107", "M104 S0", "M140 S0"),
)
