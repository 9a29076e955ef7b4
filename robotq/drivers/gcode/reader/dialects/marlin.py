"""Marlin 2, and what speaks like it.

Sources: Marlin 2.1.2 (MarlinFirmware/Marlin: gcode/gcode.cpp, gcode/parser.h, gcode/parser.cpp,
gcode/queue.cpp, Configuration.h), its documentation of codes (marlinfw.org/meta/gcode), the page on
G-code of the RepRap project (reprap.org/wiki/G-code), and what Marlin 2.1.2 was observed to do.
"""

from __future__ import annotations

from dataclasses import replace

from robotq.drivers.gcode.reader.codes import Codes, codes
from robotq.drivers.gcode.reader.dialect import Dialect
from robotq.drivers.gcode.reader.line import Line
from robotq.drivers.gcode.reader.rules import Modes, Rules

_FRACTIONS = frozenset(
    {"G38.2", "G38.3", "G38.4", "G38.5", "G59.1", "G59.2", "G59.3"}
    | {f"G92.{number}" for number in range(1, 10)}
)
"""Marlin leaves out the fraction of all other codes: G28.1 is a G28."""

_LONGEST = 80
"""Marlin cuts lines at 96 characters (MAX_CMD_SIZE), number and checksum among them."""

_TEXTS = frozenset({"M117"})
"""M118 is none of them: what it has Marlin say could be taken for an answer."""

_MOTORS = "it changes how the motors are driven"
_STORED = "it changes what the controller has stored"
_CARD = "programs come from robotq and not from the card"
_POWER = "it switches the power supply"
_SHAPE = "it changes where every later command moves to"
_GUARD = "it changes what protects the machine"

_ALWAYS = "gcode.cpp, process_parsed_command: in every build"
_PARTS = "gcode.cpp, process_parsed_command: where the machine has such a part"
_OPTION = "gcode.cpp, process_parsed_command: behind an option"

_CORE: Codes = {
    **codes("G0 G1", _ALWAYS, group="motion", axes="motion", takes="ESP"),
    **codes("G4 G28 G90 G91", _ALWAYS),
    **codes("G92.1", "G92.cpp: does nothing without CNC_COORDINATE_SYSTEMS"),
    **codes("G92", _ALWAYS, axes="own", needs=("XYZABCUVWE",)),
    **codes("G21", "gcode.cpp: no error without INCH_MODE_SUPPORT either"),
    **codes("M17 M18 M84 M82 M83 M105 M114 M115 M119 M400 M31 M75 M76 M77 M78", _ALWAYS),
    **codes("M106 M107 M140 M190 M220 M155", _PARTS),
    **codes("M104 M109 M221", _PARTS, takes="T"),
    **codes("M117", "gcode.cpp, HAS_STATUS_MESSAGE; lcd/M117.cpp takes the rest of the line"),
    **codes("M120 M121 M211", _ALWAYS, lasting=_GUARD),
    **codes("M80 M81", "gcode.cpp, PSU_CONTROL", lasting=_POWER),
    **codes("M92 M201 M203 M206 M428", _ALWAYS, lasting=_MOTORS),
    **codes("M500-M504", _ALWAYS, lasting=_STORED),
    **codes("M154", "gcode.cpp, AUTO_REPORT_POSITION",
            lasting="robotq asks for positions itself, and tells its own reports by it"),
    **codes("M20-M29 M30 M32", "gcode.cpp, SDSUPPORT", lasting=_CARD),
    # what is so anyway, and what Marlin would call an unknown command
    **codes("G80", "gcode.cpp: only with GCODE_MOTION_MODES", empty="no motion code is kept"),
    **codes("G94", "gcode.cpp: none; feeds are per minute", empty="feeds are per minute"),
    **codes("G40", "gcode.cpp: none", empty="there is no compensation"),
    **codes("G49", "gcode.cpp: none", empty="there is no tool length"),
    **codes("G91.1", "gcode.cpp: none; G2_G3.cpp: I and J are relative",
            empty="centres of arcs are relative"),
    **codes("G17", "gcode.cpp: only with CNC_WORKSPACE_PLANES", empty="it works in this plane"),
}  # fmt: skip

_CODES: Codes = {
    **_CORE,
    **codes("G2 G3", "gcode.cpp, ARC_SUPPORT; G2_G3.cpp: a radius, or a centre", group="motion",
            axes="motion", takes="IJKRPES", needs=("IJKR",)),
    **codes("G20", "gcode.cpp, INCH_MODE_SUPPORT"),
    **codes("M0 M1", "gcode.cpp, HAS_RESUME_CONTINUE"),
    **codes("M3 M4 M5", "gcode.cpp, HAS_CUTTER"),
    **codes("M7", "gcode.cpp, COOLANT_MIST"),
    **codes("M8 M9", "gcode.cpp, COOLANT_FLOOD, AIR_ASSIST"),
    **codes("M42", "gcode.cpp, DIRECT_PIN_CONTROL", build="DIRECT_PIN_CONTROL"),
    **codes("M73", "gcode.cpp, LCD_SET_PROGRESS_MANUALLY"),
    **codes("M300", "gcode.cpp, HAS_BEEPER"),
    **codes("M486", "gcode.cpp, CANCEL_OBJECTS", build="CANCEL_OBJECTS"),
    **codes("M207 M208 M209 M302", _ALWAYS),
    **codes("M200 M204 M205", _ALWAYS, takes="T"),
    **codes("M280", "gcode.cpp, HAS_SERVOS", build="HAS_SERVOS"),
    **codes("G5", _OPTION, axes="motion", takes="IJPQES", build="BEZIER_CURVE_SUPPORT"),
    **codes("G10 G11", _OPTION, build="FWRETRACT"),
    **codes("G12", _OPTION, build="NOZZLE_CLEAN_FEATURE"),
    **codes("G18 G19", _OPTION, build="CNC_WORKSPACE_PLANES",
            lasting="later commands would make their arcs in another plane"),
    **codes("G27", _OPTION, build="NOZZLE_PARK_FEATURE"),
    **codes("G29", _OPTION, build="HAS_LEVELING"),
    **codes("G30", _OPTION, build="HAS_BED_PROBE"),
    **codes("G33", _OPTION, build="DELTA_AUTO_CALIBRATION"),
    **codes("G34", _OPTION, build="Z_STEPPER_AUTO_ALIGN"),
    **codes("G35", _OPTION, build="ASSISTED_TRAMMING"),
    **codes("G38.2 G38.3 G38.4 G38.5", _OPTION, build="G38_PROBE_TARGET"),
    **codes("G53 G54-G59 G59.1 G59.2 G59.3", _OPTION, build="CNC_COORDINATE_SYSTEMS"),
    **codes("G60 G61", _OPTION, build="SAVED_POSITIONS"),
    **codes("M10 M11", _OPTION, build="AIR_EVACUATION"),
    **codes("M85", _ALWAYS, lasting=_GUARD),
    **codes("M111", "gcode.cpp; Marlin.h, DEBUG_DRYRUN: M111 S8 moves nothing",
            lasting="it may have the controller move nothing from now on"),
    **codes("M118", "gcode.cpp",
            lasting="what it has the controller say could be taken for an answer"),
    **codes("M113", "gcode.cpp, HOST_KEEPALIVE_FEATURE",
            lasting="by its reports robotq sees that the controller is at work"),
    **codes("M126-M129 M150 M240 M250 M255 M256 M260 M261 M290 M355 M401 M402", _OPTION,
            build="such a part"),
    **codes("M43 M86 M87 M100 M122 M163-M168 M281 M282 M305 M309 M360-M364 M380 M381 M404-M407 "
            "M493 M540 M672", _OPTION, build="such a part"),
    **codes("M141 M191 M143 M193", _OPTION, build="a chamber or a cooler"),
    **codes("M202 M217 M218 M301 M304 M350 M351 M569 M593 M605 M665 M666 M851 M852 M900 M906-M919",
            _OPTION, build="such a part", lasting=_MOTORS),
    **codes("M226 M403 M412 M413 M425 M430 M600 M603 M701 M702 M710 M48 M125 M145 M192", _OPTION,
            build="such a part"),
    **codes("M303 M306", _OPTION, lasting="it tunes a heater, and changes what is in effect"),
    **codes("M420 M421 M422", _OPTION, build="HAS_LEVELING", lasting=_SHAPE),
    **codes("M808 M810-M819", _OPTION, lasting="lines come from robotq and not from a macro"),
    **codes("M907 M908", _OPTION, build="digital trimpots", lasting=_MOTORS),
}  # fmt: skip

_OWN = dict.fromkeys(
    ("M108", "M110", "M112", "M410", "M575", "M997", "M999", "M876", "M524"),
    "it belongs to robotq's own conversation with the controller",
)

_UNCHANGED = {
    "M220": ("S100", "it changes the speed of every later command"),
    "M221": ("S100", "it changes the flow of every later command"),
}
"""Code -> what it may say, and why it may say nothing else: no later command puts it back."""

_WITH_AXES = {"G92": "it shifts the coordinates of every later command"}

MARLIN = Dialect(
    name="Marlin 2",
    rules=Rules(
        firmware="Marlin 2",
        longest=_LONGEST,
        fractions=_FRACTIONS,
        end_is_known=False,
        one_code=True,
        bare_words=True,
        texts=_TEXTS,
        remarks=frozenset({"M0", "M1"}),
        dwell_units_s={"P": 0.001, "S": 1.0},
        codes=_CODES,
        tools=frozenset({"T0"}),
    ),
    own=_OWN,
    unchanged=_UNCHANGED,
    with_axes=_WITH_AXES,
    # millimetres and absolute coordinates: one code a line, since Marlin reads every later code
    # of a line as a parameter
    modes=("G21", "G90", "M82"),
    known=Modes(),
    # spindle and laser, fan, nozzle, bed
    off=("M5", "M107", "M104 S0", "M140 S0"),
)

REPRAP = replace(
    MARLIN,
    name="RepRap-like",
    rules=replace(
        MARLIN.rules,
        firmware="firmware like that of RepRap",
        codes={
            **_CORE,
            **codes("G2 G3", "reprap.org/wiki/G-code: some", group="motion", axes="motion",
                    takes="IJRE", needs=("IJR",), build="arcs"),
            **codes("G20", "reprap.org/wiki/G-code: most", build="inches"),
            **codes("M0 M1", "reprap.org/wiki/G-code: others end the print", build="a pause"),
            **codes("M3 M4 M5 M7 M8 M9", "reprap.org/wiki/G-code: some", build="such a part"),
            **codes("M73 M300", "reprap.org/wiki/G-code: most"),
            **codes("M200 M204 M205", "reprap.org/wiki/G-code: most", takes="T"),
            **codes("M42 M280", "reprap.org/wiki/G-code: most", build="such a part"),
            **codes("G10 G11 G29 G30 G31 G32", "reprap.org/wiki/G-code: means other things",
                    build="such a code"),
            **codes("M98 M99", "reprap.org/wiki/G-code: macros",
                    lasting="lines come from robotq and not from a macro"),
        },
    ),
)  # fmt: skip
"""Only what the firmwares on that page (RepRapFirmware, Repetier, Smoothieware, Klipper, Prusa) all
take is given to them without a word of the operator."""

DIALECTS = {"marlin": MARLIN, "reprap": REPRAP}


def dialect_of(firmware: str) -> Dialect:
    """The one of a controller that calls itself so (M115)."""
    return MARLIN if not firmware or "marlin" in firmware.lower() else REPRAP


_UNKNOWN_IS_NOTHING = frozenset(
    {"M5", "M9", "M107", "M31", "M73", "M75", "M76", "M77", "M78", "M117", "M155", "M300"}
)
"""Codes that move nothing, and that a build without such a part answers with `Unknown command` and
`ok`: what they switch off is not there, or nobody reads what they say."""
_OFF = frozenset({"M104 S0", "M140 S0", "M106 S0"})


def may_be_unknown(line: Line) -> bool:
    """Whether nothing is lost where a build does not know the code of a line."""
    return line.text in _OFF or not _UNKNOWN_IS_NOTHING.isdisjoint(line.codes)
