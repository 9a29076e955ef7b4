"""What is sent, as the firmware reads it, moves as the program does by the standard, or the program
is refused before its first line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.drivers.base import DriverError
from robotq.drivers.gcode.reader.dialect import Dialect, Site
from robotq.drivers.gcode.reader.dialects.grbl import FLUIDNC, GRBL, GRBL_HAL
from robotq.drivers.gcode.reader.dialects.marlin import MARLIN, REPRAP
from robotq.drivers.gcode.reader.lines import prepare
from robotq.drivers.gcode.reader.rules import Rules
from robotq.drivers.grbl.feed import require_feed
from tests.drivers.gcode.firmwares import Grbl, Marlin
from tests.drivers.gcode.standard import Event, Invalid, events

SITE = Site(allowed=frozenset({"G92", "G2", "G3", "G20", "M3", "M4", "M5", "M0",
                               "M8", "M9"}))  # fmt: skip
FIRMWARES: Mapping[str, tuple[Dialect, type[Grbl | Marlin]]] = {
    "grbl": (GRBL, Grbl),
    "grblhal": (GRBL_HAL, Grbl),
    "fluidnc": (FLUIDNC, Grbl),
    "marlin": (MARLIN, Marlin),
    "reprap": (REPRAP, Marlin),
}

_SWITCHES = ("M3", "M4", "M5", "M8", "M9")
NUMBERS = st.sampled_from(["0", "1", "-2", "3.5", "+4", ".25", "5.", "006", "0000000012",
                           "7.123456789", "-0.0000000001", "10"])  # fmt: skip
MODES = st.sampled_from(["G20", "G21", "G90", "G91", "G17", "G18", "G94", "G93", "G54", "G40",
                         "G49", "G80", "M3", "M5", "M8", "M9"])  # fmt: skip
MOTIONS = st.sampled_from(["G0", "G1", "G01", "g1", "G2", "G3", "G53 G0", "", ""])
WORDS = st.lists(
    st.tuples(st.sampled_from(["X", "Y", "Z", "X ", "Y", "Z\t", "F"]), NUMBERS).map("".join),
    max_size=3,
)
CENTRES = st.sampled_from(["", "", "I1", "J-2", "R5", "I1 J1", "K1", "I1 R2", "R0", "I0 J0", "P1"])
MOVES = st.tuples(MOTIONS, WORDS.map(" ".join), CENTRES).map(" ".join)
OTHERS = st.sampled_from(
    ["G28", "G28 X0", "G91 G28 Z0", "G28 X5", "G92 X1", "G92", "G4 P1", "G4 P0.5", "G4 P1 X2", "M0",
     "M2", "(note) ", "; note", "N10 G1 X1", "M3 S100", "F100", "G1 F200", "G0 G1 X1", "X1 X2",
     "G1 X1E-5", "T0 G1 X1", "G49 G0 X1", "M3 M5", "G1 X1 M3", "G1", "G2 X1", "%"]
)  # fmt: skip
LINES = st.one_of(MOVES, MOVES, st.lists(MODES, min_size=1, max_size=2).map(" ".join),
                  st.tuples(MODES, MOVES).map(" ".join), OTHERS)  # fmt: skip


def sent(lines: Sequence[str], rules: Rules) -> list[str] | None:
    try:
        program = prepare(lines, rules)
        if rules.strict:
            # as the driver does where the controller has no feed
            require_feed(program)
        return [line.text for line in program]
    except DriverError as error:
        assert error.code == "bad_parameter"
        return None


def in_order(all_of: Sequence[Event]) -> list[Event]:
    """Spindle and coolant are switched in any order, but not on another side of a motion."""
    ordered: list[Event] = []
    switched: list[Event] = []
    for event in all_of:
        if event[0] in _SWITCHES:
            switched.append(event)
            continue
        ordered += [*sorted(switched), event]
        switched = []
    return [*ordered, *sorted(switched)]


def same(mine: Event, other: Event) -> bool:
    return len(mine) == len(other) and all(
        a == b if isinstance(a, str) or a is None else b == pytest.approx(a, abs=1e-3)
        for a, b in zip(mine, other, strict=True)
    )


@pytest.mark.parametrize("firmware", FIRMWARES)
@given(lines=st.lists(LINES, max_size=10), start=st.booleans())
def test_what_is_sent__moves_as_the_program_does(
    firmware: str, lines: list[str], start: bool
) -> None:
    dialect, model = FIRMWARES[firmware]
    lines = ["G1 F1000", *lines] if start else lines
    rules = dialect.for_programs(SITE)
    rules = replace(rules, start=dialect.known)
    text = sent(lines, rules)
    if text is None:
        return
    machine = model()
    for mode in dialect.modes:
        machine.take(mode)
    for line in text:
        machine.take(line)
    try:
        expected = events([line for line in lines if line.strip() != "%"])
    except Invalid as invalid:
        # what Marlin takes although the standard does not: a feed that is missing is an old one,
        # and an arc without an end is a whole circle
        taken = ("no feed", "G28", "arc") if model is Marlin else ("G28",)
        assert str(invalid) in taken, f"{lines} was sent as {text}"
        return
    if model is Marlin:
        # P is in milliseconds there, and whoever writes for it knows that
        expected = [("dwell", e[1] / 1000) if e[0] == "dwell" else e for e in expected]
    done = in_order(machine.events)
    expected = in_order(expected)
    assert len(done) == len(expected), f"{lines} was sent as {text}"
    assert all(map(same, expected, done)), f"{lines} was sent as {text}"
