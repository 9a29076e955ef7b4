"""The emulator reads bytes as Marlin 2.1 does: its emergency parser, numbers and checksums, and
what it keeps of a line (feature/e_parser.h, gcode/queue.cpp)."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.drivers.marlin.talk.protocol import framed
from robotq.testing.emulators import Fault, MarlinEmulator
from robotq.testing.emulators.marlin.emergency import EmergencyParser
from robotq.testing.emulators.marlin.intake import Intake
from tests.drivers.gcode.bench import until


@pytest.mark.parametrize(
    ("data", "heard"),
    [
        (b"M410\n", ["M410"]),
        (b"\nM108\r\nM410\r", ["M108", "M410"]),
        (b"N5 M410*33\n", ["M410"]),
        (b" N-5 M 112\n", ["M112"]),
        # whatever stands behind it is no part of it
        (b"M112 ; in a hurry\n", ["M112"]),
        (b"M1120\n", ["M112"]),
        # not before its line has ended
        (b"M410", []),
        # no comment, no text, nothing behind another code, no tab
        (b"; M112\n(M112)\nM117 M112\nG4 M410\n\tM112\nm112\n", []),
        # a line end in the middle of a number or of a code is taken for a part of it
        (b"N12\nM410\n", []),
        (b"N12 M4\nM410\n", []),
        (b"M1\nM108\n", []),
        (b"N12 M4\n\nM410\n", ["M410"]),
        (b"G1 X1\nM410\n", ["M410"]),
    ],
)
@pytest.mark.parametrize("pieces", [1, 1000])
def test_emergency_parser__hears(data: bytes, heard: list[str], pieces: int) -> None:
    parser = EmergencyParser()
    at = range(0, len(data), pieces)
    assert [code for n in at for code in parser.commands(data[n : n + pieces])] == heard


class Reader:
    def __init__(self) -> None:
        self.said: list[str] = []
        self._intake = Intake(self.said.append)

    def take(self, data: bytes) -> list[str]:
        """The commands that it makes of it."""
        self._intake.store(data, lambda: None)
        commands = []
        while (command := self._intake.next_command()) is not None:
            commands.append(command)
        return commands


def test_number__is_looked_at_before_the_checksum() -> None:
    reader = Reader()
    assert reader.take(framed(1, "G1 X1") + framed(2, "G1 X2")) == ["G1 X1", "G1 X2"]
    # one of the last two: on its way already when it was asked for
    assert reader.take(b"N2 G1 X2\n") == []
    assert reader.take(b"N1 G1 X1*0\n") == []
    assert reader.said == []
    for line in (b"N0 G1 X1*1\n", b"N9 G1 X1\n", b"N G1 X1\n"):
        # a number that lost its digits counts as 0
        assert reader.take(line) == []
        assert reader.said == [
            "Error:Line Number is not Last Line Number+1, Last Line: 2", "Resend: 3", "ok",
        ]  # fmt: skip
        reader.said.clear()
    assert reader.take(b"N3 G1 X3\n") == []
    assert reader.said[0] == "Error:No Checksum with line number, Last Line: 2"
    assert reader.take(b"N3 G1 X3*1\n") == []
    assert reader.said[3] == "Error:checksum mismatch, Last Line: 2"


def test_m110__is_taken_with_any_number_and_only_with_its_checksum() -> None:
    reader = Reader()
    assert reader.take(framed(7, "M110 N5")) == ["M110 N5"]
    assert reader.take(framed(6, "M114")) == ["M114"]
    assert reader.take(b"N0 M110 N0*1\n") == []
    assert reader.said[1] == "Resend: 7"


def test_line__is_kept_without_comment_and_backslash() -> None:
    reader = Reader()
    assert reader.take(b"M117 C:\\parts\\;a ; b\n") == ["M117 C:parts;a"]
    assert reader.take(b"G1 " + b" " * 100 + b"X1\n") == ["G1"]


def test_pause__cannot_be_ended_before_it_has_begun(tmp_path: Path) -> None:
    with MarlinEmulator(tmp_path / "tty", busy_s=0.05) as device:
        device.given("G1 X2 F600")
        device.given("M0")
        device.given("M108")
        until(lambda: not device.axes.blocks)
        assert "M0" not in device.taken
        device.given("M108")
        until(lambda: "M0" in device.taken)


def test_second_code_of_a_line__is_a_parameter(tmp_path: Path) -> None:
    with MarlinEmulator(tmp_path / "tty", speed=100) as device:
        for line in ("G90 G1 X77", "T0 G1 X60", "G21 G91", "M05 G1 X3", "G01 X5 F06000 M106"):
            device.given(line)
        until(lambda: len(device.taken) == 5 and not device.axes.blocks)
        # codes are numbers: G01 is G1, M05 is M5
        assert device.axes.position == (5.0, 0.0, 0.0)
        assert not device.on


def test_pause__is_told_when_what_is_planned_is_carried_out(tmp_path: Path) -> None:
    said: list[str] = []

    class Heard(MarlinEmulator):
        def say(self, text: str) -> None:
            said.append(text)
            super().say(text)

    with Heard(tmp_path / "tty", busy_s=0.05) as device:
        device.given("G1 X3 F600")
        device.given("M0")
        until(lambda: "echo:busy: processing" in said)
        assert "echo:busy: paused for user" not in said
        until(lambda: "echo:busy: paused for user" in said)
        assert not device.axes.blocks


def test_receive_buffer__loses_what_does_not_fit_without_a_word(tmp_path: Path) -> None:
    """Of 60 lines of 15 bytes 25 were answered."""
    said: list[str] = []

    class Heard(MarlinEmulator):
        def answer(self, text: str, fault: Fault | None = None) -> None:
            said.append(text)
            super().answer(text, fault)

    with Heard(tmp_path / "tty") as device:
        lines = b"".join(b"G1 X%d F060000\n" % (100 + 10 * (n % 9)) for n in range(60))
        device.order(lambda: device.take(lines))
        until(lambda: device.intake.overflowed > 0 and not device.axes.blocks)
        assert set(said) == {"ok"}
        assert 22 <= len(said) <= 32
