"""The emulator refuses what the firmware refuses: the errors are those of Grbl 1.1h."""

from __future__ import annotations

import pytest

from robotq.testing.emulators.grbl.gcode import Modes
from robotq.testing.emulators.grbl.words import Refused, read_words

AT = (10.0, 20.0, 0.0)


def error(line: str, *, before: str = "G1X0F600", plain: bool = True) -> int:
    """The number of the error for the last one of two lines; 0: ok."""
    modes = Modes({})
    modes.take(read_words(before, plain_grbl=plain), AT)
    try:
        modes.take(read_words(line, plain_grbl=plain), AT)
    except Refused as refused:
        return refused.number
    return 0


@pytest.mark.parametrize(
    ("line", "number"),
    [
        # told by the firmware itself
        ("FOO", 2), ("X", 2), ("G0X", 2), ("G0G1X1", 24), ("G999", 20), ("M115", 20),
        ("M114", 20), ("M400", 23), ("M99999", 23), ("T300", 38), ("G0X1X2", 25), ("G53G2X1", 30),
        ("N10G0X0*97", 1), ("%", 1), ("G38X1", 20), ("E1", 20), ("M7", 20), ("G43H1", 20),
        # by its source
        ("G1X1P5", 36), ("G2X20I5R5", 36), ("G2X20", 35), ("G2I5", 26), ("G18G2Y1I5", 32),
        ("G2X10Y20R5", 33), ("G2X90R5", 34), ("G2X20I9", 33), ("G4", 28), ("G92", 26),
        ("G10X1", 28),
        ("F-1", 4), ("G21G20", 21), ("G92X1G1", 24), ("G49X1G0", 24), ("G1.05X1", 23), ("M3.5", 23),
        ("G43.1X1", 37), ("G91.2", 20),
        # all right
        ("G01X1", 0), ("M05", 0), ("g1x1".upper(), 0), ("G2X20I5", 0), ("G2X20R5", 0),
        ("G2X20Y20R5", 0),
        ("S100", 0), ("T1", 0), ("G38.2Z-5", 0), ("G28", 0), ("M3S100M8", 0), ("G4P0.5", 0),
    ],
)  # fmt: skip
def test_line__is_answered_as_by_grbl(line: str, number: int) -> None:
    assert error(line) == number


def test_coordinates__behind_g80_are_refused() -> None:
    assert error("X1", before="G80") == 31
    assert error("G1X1", before="G80") == 22
    assert error("G93G1X1", before="F600") == 22
    assert error("G93G1X1F5", before="F600") == 0


@pytest.mark.parametrize(
    ("number", "read"),
    [("0000000012", 0.0), ("12345678.9", 12345678.0), ("1.23456789", 1.2345678), ("-.5", -0.5)],
)
def test_numbers__are_read_up_to_their_eighth_digit(number: str, read: float) -> None:
    assert read_words(f"X{number}").values["X"] == pytest.approx(read)


def test_descendants__know_more() -> None:
    for line in ("M7", "T300", "G98", "G81X1R1Z-1", "M6"):
        assert error(line, plain=False) == 0
        assert error(line) != 0
