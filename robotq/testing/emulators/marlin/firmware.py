"""What Marlin 2.1.2 says of itself, and the codes that it knows."""

from __future__ import annotations

import re

_WORD = re.compile(r"([A-Z]) *(-?(?:\d+\.?\d*|\.\d+))?")
UUID = "cede2a2f-41a2-4748-9b12-c55c62f367ff"
"""Of every build that was given none."""
BOOT = (
    "start",
    "echo: Marlin 2.1.2",
    "echo: Last Updated: 2022-12-17",
    "echo:EEPROM version mismatch (EEPROM=?, Marlin=V86)",
    "echo:  G21    ; Units in mm (mm)",
    "echo:  M204 P3000 R3000 T3000",
)
SWITCHES = {
    "M3": ("spindle", 255.0),
    "M4": ("spindle", 255.0),
    "M5": ("spindle", 0.0),
    "M106": ("fan", 255.0),
    "M107": ("fan", 0.0),
    "M104": ("nozzle", 0.0),
    "M140": ("bed", 0.0),
}
"""Code -> what it switches, and the value without an S."""
SILENT_OK = frozenset(
    code
    for group, numbers in {
        "G": (20, 21),
        "M": (3, 4, 5, 17, 18, 42, 75, 76, 77, 82, 83, 84, 92, 104, 106, 107, 109, 117, 140, 155,
              190, 201, 203, 204, 205, 211, 220, 221, 280, 413, 500, 501, 502, 999),
    }.items()
    for code in (f"{group}{number}" for number in numbers)
)  # fmt: skip


def read(line: str) -> tuple[str, dict[str, float]]:
    """The code, and the words with a number behind it."""
    words = _WORD.findall(line)
    # what does not begin with a letter is no command, whatever comes after it
    code = _code(*words[0]) if words and _WORD.match(line) else line
    return code, {letter: float(number) for letter, number in words[1:] if number}


def identity(machine: str, uuid: str, *, emergency_parser: bool) -> tuple[str, ...]:
    """The answer to M115."""
    return (
        (
            "FIRMWARE_NAME:Marlin 2.1.2 (Dec 17 2022 00:00:00) "
            "SOURCE_CODE_URL:github.com/MarlinFirmware/Marlin PROTOCOL_VERSION:1.0 "
            f"MACHINE_TYPE:{machine} EXTRUDER_COUNT:1 UUID:{uuid}"
        ),
        "Cap:SERIAL_XON_XOFF:0",
        "Cap:AUTOREPORT_POS:1",
        f"Cap:EMERGENCY_PARSER:{int(emergency_parser)}",
    )


def _code(letter: str, number: str) -> str:
    """Codes are numbers: G00 is G0."""
    whole, point, fraction = number.partition(".")
    return f"{letter}{int(whole)}{point}{fraction}" if whole.isdigit() else letter + number
