"""The emulator refuses what the firmware refuses: the errors are those of Grbl 1.1h."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.testing.emulators import Dialect, GrblEmulator
from robotq.testing.emulators.grbl.gcode import Modes
from robotq.testing.emulators.grbl.words import Refused, read_words, stripped
from tests.drivers.gcode.bench import until
from tests.drivers.gcode.links.test_wire import GRBL_GREETS, LOCKED, Wire

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
        ("G43.1X1", 37), ("G91.2", 20), ("G28.05", 20), ("G61.1", 20), ("G7.05", 20),
        # all right
        ("G01X1", 0), ("M05", 0), ("g1x1".upper(), 0), ("G2X20I5", 0), ("G2X20R5", 0),
        ("G2X20Y20R5", 0),
        ("S100", 0), ("T1", 0), ("G38.2Z-5", 0), ("G28", 0), ("M3S100M8", 0), ("G4P0.5", 0),
    ],
)  # fmt: skip
def test_line__is_answered_as_by_grbl(line: str, number: int) -> None:
    assert error(line) == number


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("g1 x1 (to ; the (left) y2 ; z3", "G1X1Y2"),
        ("/G1 X1/2", "G1X12"),
        ("G1 X1 (never closed Y2", "G1X1"),
        ("G1\x01X1\t", "G1X1"),
        ("(only a comment)", ""),
    ],
)
def test_line__is_kept_without_comments_blanks_and_slashes(line: str, kept: str) -> None:
    assert stripped(line) == kept


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("G91G21X5F100", 0), ("X5F100", 0), ("N7X5F100", 0), ("G53X5F100", 0),
        ("X5", 22), ("X5F0", 22), ("F100", 26), ("G1X5F100", 16), ("M3X5F100", 16),
        ("G4P1X5F100", 16), ("G28X5F100", 16), ("X5F100S1", 36), ("X5Q1F100", 20),
    ],
)  # fmt: skip
def test_jog__is_answered_as_by_grbl(line: str, number: int) -> None:
    try:
        Modes({}).jog(AT, read_words(line, plain_grbl=True))
    except Refused as refused:
        assert refused.number == number
    else:
        assert number == 0


def test_jog__is_in_the_units_and_distances_that_are_in_effect() -> None:
    modes = Modes({})
    modes.take(read_words("G20G91"), AT)
    assert modes.jog(AT, read_words("X1F1"))[0] == pytest.approx((35.4, 20.0, 0.0))
    assert modes.jog(AT, read_words("G21X1F1"))[0] == pytest.approx((11.0, 20.0, 0.0))
    assert modes.jog(AT, read_words("G21G90X1F60")) == ((1.0, 20.0, 0.0), 1.0)
    assert modes.inches
    assert modes.relative


def test_answer__comes_when_what_is_planned_is_carried_out(tmp_path: Path) -> None:
    """To what switches something or shifts the coordinates, and to the end of a program."""
    with GrblEmulator(tmp_path / "port") as device:
        wire = Wire(device.port)
        assert wire.answer(b"\x18", len(GRBL_GREETS)) == GRBL_GREETS
        for line, told in (
            (b"M3 S100", b"ok"), (b"M8", b"ok"), (b"G55", b"ok"), (b"G92 X0", b"ok"),
            (b"M30", b"[MSG:Pgm End]\r\nok"),
        ):  # fmt: skip
            wire.answer(b"G91 G1 X1 F600\n", 4)
            assert device.axes.blocks
            assert wire.answer(line + b"\n", len(told) + 2) == told + b"\r\n"
            assert not device.axes.blocks, line
        wire.close()


def test_question__in_motion_is_refused(tmp_path: Path) -> None:
    with GrblEmulator(tmp_path / "port") as device:
        wire = Wire(device.port)
        assert wire.answer(b"\x18", len(GRBL_GREETS)) == GRBL_GREETS
        wire.answer(b"G1 X5 F60\n", 4)
        for line in (b"$$", b"$#", b"$I", b"$H"):
            assert wire.answer(line + b"\n", 9) == b"error:8\r\n"
        told = b"[GC:G1 G54 G17 G21 G90 G94 M5 M9 T0 F60 S0]\r\nok\r\n"
        assert wire.answer(b"$G\n", len(told)) == told
        wire.close()


def test_soft_limit__is_an_alarm_that_hears_no_reset_for_half_a_second(tmp_path: Path) -> None:
    with GrblEmulator(tmp_path / "port", reach_mm=100) as device:
        wire = Wire(device.port)
        assert wire.answer(b"\x18", len(GRBL_GREETS)) == GRBL_GREETS
        resets = device.resets
        assert wire.answer(b"$J=X101 F100\n", 10) == b"error:15\r\n"
        wire.answer(b"G1 X5 F600\n", 4)
        assert wire.answer(b"G1 X101\n", 9) == b"ALARM:2\r\n"
        assert wire.answer(b"\x18", 25) == b"[MSG:Reset to continue]\r\n"
        assert device.resets == resets
        told = wire.answer(b"\x18", len(b"ok\r\n" + GRBL_GREETS + LOCKED))
        assert told == b"ok\r\n" + GRBL_GREETS + LOCKED
        assert not device.axes.slipped
        wire.close()


def test_coordinates__behind_g80_are_refused() -> None:
    assert error("X1", before="G80") == 31
    assert error("G1X1", before="G80") == 22
    # whatever they are meant for
    for line in ("G28X0", "G92X0", "G43.1Z1", "G10L2P1X0", "G28.1X0", "G80X1"):
        assert error(line, before="G80") == 31
    for line in ("G28", "G49", "G92.1", "G54"):
        assert error(line, before="G80") == 0
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


def test_receive_buffer__loses_what_does_not_fit_without_a_word(tmp_path: Path) -> None:
    """127 bytes are usable; of 60 lines of 13 bytes 23 were answered, and no error was said."""
    with GrblEmulator(tmp_path / "port") as device:
        wire = Wire(device.port)
        assert wire.answer(b"\x18", len(GRBL_GREETS)) == GRBL_GREETS
        lines = b"".join(b"G1 X%d F60000\n" % (100 + 10 * (n % 9)) for n in range(60))
        wire.answer(lines, 4)
        until(lambda: not device.axes.blocks and not device.at_a_line)
        told = wire.heard.removeprefix(GRBL_GREETS)
        wire.close()
    answered = 15 + 1 + 127 // len(b"G1 X100 F60000\n")
    assert told == b"ok\r\n" * told.count(b"ok")
    assert answered - 2 <= told.count(b"ok") <= answered + 2
    assert device.overflowed > 0


def test_grblhal__repeats_an_error_until_an_empty_line(tmp_path: Path) -> None:
    with GrblEmulator(tmp_path / "port", dialect=Dialect.GRBLHAL) as device:
        wire = Wire(device.port)
        wire.answer(b"\x18", 40)
        for ends in (b"\n", b"$G\n"):
            assert wire.answer(b"G999\n", 10) == b"error:20\r\n"
            for line in (b"G0 X1\n", b"(note)\n", b"M5\n"):
                assert wire.answer(line, 10) == b"error:20\r\n"
            wire.answer(ends, 4)
            until(lambda: wire.heard.endswith(b"ok\r\n"))
            assert wire.answer(b"G0 X1\n", 4) == b"ok\r\n"
        wire.close()


def test_fluidnc__says_a_word_more_behind_its_error(tmp_path: Path) -> None:
    with GrblEmulator(tmp_path / "port", dialect=Dialect.FLUIDNC) as device:
        wire = Wire(device.port)
        greets = b"\nGrbl 4.0 [FluidNC v4.0.5-pre2 (linux-capture) '$' for help]\n"
        wire.answer(b"\x18", len(greets))
        told = b"error:20\n[MSG:ERR: Bad GCode: G999]\nok\n"
        assert wire.answer(b"G999\nG0 X1\n", len(told)) == told
        wire.close()


def _greeted(device: GrblEmulator) -> Wire:
    wire = Wire(device.port)
    until(lambda: wire.heard.endswith(GRBL_GREETS))
    return wire


def _moving(device: GrblEmulator, wire: Wire) -> None:
    assert wire.answer(b"$J=G91 G21 X50 F600\n", 4) == b"ok\r\n"
    until(lambda: device.axes.moving)


def _stands(device: GrblEmulator) -> float:
    def rests() -> bool:
        device.order(lambda: device.axes.advance(device.now()))
        return not device.axes.blocks

    until(rests)
    return device.axes.position[0]


def test_jog__a_line_that_has_come_before_the_cancel_is_over_moves_after_it(
    tmp_path: Path,
) -> None:
    """Grbl reads no line while it cancels, and forgets none: what lies in its receive buffer is
    carried out then (protocol_execute_realtime comes before each line)."""
    with GrblEmulator(tmp_path / "port", ramp_s=0.2) as device:
        wire = _greeted(device)
        _moving(device, wire)
        assert wire.answer(b"\x85$J=G91 G21 X1 F600\n", 4) == b"ok\r\n"
        before = device.axes.position[0]
        assert _stands(device) == pytest.approx(before + 1, abs=0.2)
        wire.close()


def test_jog__a_cancel_that_comes_before_its_line_was_read_cancels_nothing(tmp_path: Path) -> None:
    with GrblEmulator(tmp_path / "port") as device:
        wire = _greeted(device)
        assert wire.answer(b"$J=G91 G21 X1 F600\n\x85", 4) == b"ok\r\n"
        assert _stands(device) == pytest.approx(1)
        wire.close()


def test_jog__is_not_held_but_cancelled_by_a_hold(tmp_path: Path) -> None:
    with GrblEmulator(tmp_path / "port") as device:
        wire = _greeted(device)
        _moving(device, wire)
        device.press_hold()
        assert _stands(device) < 40
        assert wire.answer(b"?", 5).startswith(b"<Idle")
        wire.close()


def test_jog__with_a_full_planner_is_answered_when_there_is_room(tmp_path: Path) -> None:
    with GrblEmulator(tmp_path / "port") as device:
        wire = _greeted(device)
        for _ in range(device.axes.blocks_most):
            assert wire.answer(b"$J=G91 X5 F600\n", 4) == b"ok\r\n"
        began = device.now()
        assert wire.answer(b"$J=G91 X5 F600\n", 4) == b"ok\r\n"
        assert device.now() - began > 0.3
        wire.close()


def test_axes__tell_when_they_have_moved_last(tmp_path: Path) -> None:
    with GrblEmulator(tmp_path / "port", ramp_s=0.2) as device:
        wire = _greeted(device)
        began = device.now()
        wire.answer(b"$J=G91 X5 F600\n", 4)
        _stands(device)
        assert device.axes.last_step == pytest.approx(began + 0.5, abs=0.02)
        _moving(device, wire)
        wire.answer(b"\x85?", 5)
        cancelled = device.now()
        _stands(device)
        assert device.axes.last_step == pytest.approx(cancelled + 0.2, abs=0.02)
        wire.close()
