"""Arcs that Grbl would refuse in the workpiece are refused before the first line, and no others."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from robotq.drivers.base import DriverError
from robotq.drivers.gcode.reader.dialects.grbl import GRBL
from robotq.drivers.gcode.reader.dialects.marlin import MARLIN
from robotq.drivers.gcode.reader.lines import prepare
from robotq.testing.emulators.grbl.gcode import Modes
from robotq.testing.emulators.grbl.words import Refused, read_words

RULES = replace(GRBL.for_programs(), start=GRBL.known)
MM = st.integers(-40_000, 40_000).map(lambda n: n / 1000)


def error_of_firmware(lines: list[str]) -> int:
    """0 where it takes all of them."""
    modes, at = Modes({}), (0.0, 0.0, 0.0)
    for line in ["G21 G90 G17 G94 G54 G49 G80 G92.1", *lines]:
        words = read_words(line.replace(" ", ""), plain_grbl=True)
        try:
            modes.take(words, at)
        except Refused as refused:
            return refused.number
        at = modes.end(at, words) if words.moves else at
    return 0


def refused(lines: list[str]) -> str:
    try:
        prepare(lines, RULES)
    except DriverError as error:
        return str(error)
    return ""


@given(
    start=st.tuples(MM, MM),
    centre=st.tuples(MM, MM),
    turn=st.floats(0.01, 6.2),
    off=st.sampled_from([0.0, 0.0, 0.002, 0.02, 0.3, 0.7]),
    mode=st.sampled_from(["G90", "G91", "G20", "G18"]),
)
@example(start=(0.0, 0.0), centre=(10.0, 0.0), turn=1.0, off=0.7, mode="G90")
@example(start=(0.0, 0.0), centre=(40.0, 0.0), turn=1.0, off=0.02, mode="G20")
@example(start=(5.0, 5.0), centre=(10.0, 0.0), turn=1.0, off=0.02, mode="G91")
@example(start=(0.0, 0.0), centre=(30.0, 10.0), turn=3.0, off=0.0, mode="G18")
def test_arc__is_taken_where_the_firmware_takes_it(
    start: tuple[float, float],
    centre: tuple[float, float],
    turn: float,
    off: float,
    mode: str,
) -> None:
    i, j = centre
    radius = math.hypot(i, j) + off
    angle = math.atan2(-j, -i) + turn
    end = (i + radius * math.cos(angle), j + radius * math.sin(angle))
    if mode != "G91":
        end = (start[0] + end[0], start[1] + end[1])
    first, second, centres = ("X", "Y", "IJ") if mode != "G18" else ("Z", "X", "KI")
    lines = [
        mode,
        f"G1 {first}{start[0]:.3f} {second}{start[1]:.3f} F600",
        f"G2 {first}{end[0]:.3f} {second}{end[1]:.3f} {centres[0]}{i:.3f} {centres[1]}{j:.3f}",
    ]
    assert bool(refused(lines)) == bool(error_of_firmware(lines))


@given(
    way=st.tuples(MM, MM),
    share=st.sampled_from([0.5, 0.99, 0.9999, 1.0001, 1.01, 2.0, -1.01]),
    mode=st.sampled_from(["G90", "G91"]),
)
def test_radius__is_long_enough_or_refused(
    way: tuple[float, float], share: float, mode: str
) -> None:
    radius = math.hypot(*way) / 2 * share
    lines = [mode, "G1 X0 Y0 F600", f"G3 X{way[0]:.3f} Y{way[1]:.3f} R{radius:.4f}"]
    error = error_of_firmware(lines)
    if radius and abs(abs(share) - 1) > 0.001:
        assert bool(refused(lines)) == bool(error)


@pytest.mark.parametrize("between", ["G28", "G92.1", "G38.2 Z-1 F10", "G10 L20 P1 X0", "G53 G0 X1"])
def test_arc__whose_start_is_not_known_is_left_to_the_firmware(between: str) -> None:
    rules = replace(RULES, allowed=frozenset({"G10"}))
    lines = ["G1 X0 Y0 F600", between, "G2 X9 Y9 I1 J0"]
    assert prepare(lines, rules)[-1].text == "G2 X9 Y9 I1 J0"


def test_arc__is_refused_with_its_line_wherever_its_kind_is_known() -> None:
    good = [f"G2 X{10 * n} Y0 I5 J0" for n in range(1, 50)]
    lines = ["G1 X0 Y0 F600", *good, "X500 Y0 I1 J0", "X501"]
    assert refused(lines).startswith("line 51: 'X500 Y0 I1 J0': an arc whose ends")
    # Marlin goes to the end all the same
    assert prepare(["G1 X0 Y0", "G2 X9 Y9 I1 J0"], MARLIN.for_programs())


def test_coordinates__that_are_named_anew_are_no_arc() -> None:
    assert not refused(["G1 X0 Y0 F600", "G2 X10 Y0 I5 J0", "G92 X0 Y0", "G2 X10 Y0 I5 J0"])
