"""What genuine firmware said to these bytes, the emulators say too, and the readers understand.

Heard from Grbl 1.1h on an ATmega328P and Marlin 2.1.2 on an ATmega2560. Dates of builds are left
out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.drivers.grbl import protocol as grbl
from robotq.drivers.marlin.talk import protocol as marlin
from robotq.drivers.transport import PortOptions, Transport
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from robotq.testing.emulators.device import Device
from tests.drivers.gcode.bench import until

GRBL_GREETS = b"\r\nGrbl 1.1h ['$' for help]\r\n"
LOCKED = b"[MSG:'$H'|'$X' to unlock]\r\n"
GRBL = [
    # asleep until it is unlocked
    (b"\x18", GRBL_GREETS + LOCKED),
    (b"$I\n", b"[VER:1.1h.DATE:]\r\n[OPT:V,15,128]\r\nok\r\n"),
    (b"G1 X1 F600\n", b"error:9\r\n"),
    (b"$X\n", b"[MSG:Caution: Unlocked]\r\nok\r\n"),
    (b"$G\n", b"[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]\r\nok\r\n"),
    (b"G4 P0.01\n", b"ok\r\n"),
    (b"G1 X5\n", b"error:22\r\n"),
    (b"G999\n", b"error:20\r\n"),
    (b"G0 X1 X2\n", b"error:25\r\n"),
    (b"$J=G91 G21 X-5 F1000\n", b"ok\r\n"),
]
ODD = [
    # lines of programs, in the order in which it got them
    (b"\x18", GRBL_GREETS + LOCKED),
    (b"$X\n", b"[MSG:Caution: Unlocked]\r\nok\r\n"),
    (b"G90 G21 G94 G54 G17\n", b"ok\r\n"),
    (b"G1 X5 F3000\n", b"ok\r\n"),
    (b"M99\n", b"error:20\r\n"),
    (b"G1 X1 G0 X2 Y2 F3000\n", b"error:24\r\n"),
    (b"G1\tX6\tF3000\n", b"ok\r\n"),
    (b"G1 X5E2\n", b"error:20\r\n"),
    (b"G1X5Y2F3000\n", b"ok\r\n"),
    (b"G3 X10 Y2 R5\n", b"ok\r\n"),
    (b"$G\n", b"[GC:G3 G54 G17 G21 G90 G94 M5 M9 T0 F3000 S0]\r\nok\r\n"),
    (b"G18 G2 X0 Z0 R8\n", b"ok\r\n"),
    (b"G4 P0.01\n", b"ok\r\n"),
    (b"$G\n", b"[GC:G2 G54 G18 G21 G90 G94 M5 M9 T0 F3000 S0]\r\nok\r\n"),
    (b"G20 G17 G1 X1 F100\n", b"ok\r\n"),
    (b"$G\n", b"[GC:G1 G54 G17 G20 G90 G94 M5 M9 T0 F2540 S0]\r\nok\r\n"),
    (b"G21 S500\n", b"ok\r\n"),
    (b"$G\n", b"[GC:G1 G54 G17 G21 G90 G94 M5 M9 T0 F2540 S500]\r\nok\r\n"),
    (b"G1 X20 F3000\nM30\n", b"ok\r\n[MSG:Pgm End]\r\nok\r\n"),
]
MARLIN = [
    (marlin.framed(0, "M110 N0"), b"ok\n"),
    (
        marlin.framed(1, "M114"),
        b"X:0.00 Y:0.00 Z:0.00 E:0.00 Count X:0 Y:0 Z:0\nok\n",
    ),
    (marlin.framed(2, "G999"), b'echo:Unknown command: "G999"\nok\n'),
    (marlin.framed(3, "G2 X5"), b"Error:G2/G3 bad parameters\nok\n"),
    (marlin.framed(4, "T1"), b"echo:T1 Invalid extruder\nok\n"),
    (marlin.framed(5, "M117 HELLO WORLD"), b"ok\n"),
    (marlin.framed(6, "M400"), b"ok\n"),
    (
        b"N7 G1 X5 F6010*99\n",
        b"Error:checksum mismatch, Last Line: 6\nResend: 7\nok\n",
    ),
    # a letter without a number is none
    (marlin.framed(7, "G1 X F3000"), b"ok\n"),
    (
        marlin.framed(9, "M400"),
        b"Error:Line Number is not Last Line Number+1, Last Line: 7\nResend: 8\nok\n",
    ),
]


class Wire:
    def __init__(self, port: str) -> None:
        self.heard = b""
        self._transport = Transport(
            "wire", PortOptions(port=port), on_data=self._take, on_lost=print
        )
        self._transport.open()

    def _take(self, data: bytes) -> None:
        self.heard += data

    def answer(self, said: bytes, length: int) -> bytes:
        before = len(self.heard)
        self._transport.write(said)
        until(lambda: len(self.heard) >= before + length)
        return self.heard[before:]

    def close(self) -> None:
        self._transport.shut()


def exchanged(
    device: Device, exchanges: list[tuple[bytes, bytes]]
) -> Iterator[tuple[bytes, bytes]]:
    """What the emulator said, and what the firmware did."""
    wire = Wire(device.port)
    try:
        for said, heard in exchanges:
            told = wire.answer(said, len(heard.replace(b"DATE", b"20190830")))
            yield re.sub(rb"1\.1h\.[0-9]{8}", b"1.1h.DATE", told), heard
    finally:
        wire.close()


def test_grbl(tmp_path: Path) -> None:
    with GrblEmulator(tmp_path / "port", homing=True) as device:
        for told, heard in exchanged(device, GRBL):
            assert told == heard


def test_grbl__lines_of_odd_programs(tmp_path: Path) -> None:
    with GrblEmulator(tmp_path / "port", homing=True) as device:
        for told, heard in exchanged(device, ODD):
            assert told == heard


def test_marlin(tmp_path: Path) -> None:
    with MarlinEmulator(tmp_path / "port") as device:
        for told, heard in exchanged(device, MARLIN):
            assert told == heard


def test_grbl__answers_the_line_that_waits_before_it_greets_after_a_reset_in_motion(
    tmp_path: Path,
) -> None:
    """In 12 of 12 resets: the line that it was at is answered with ok, and not carried out."""
    with GrblEmulator(tmp_path / "port", homing=True) as device:
        wire = Wire(device.port)
        wire.answer(b"$X\n", 5)
        wire.answer(b"G1 X50 F600\n", 4)
        wire.answer(b"G4 P0.01\n", 0)
        until(lambda: device.at_a_line)
        told = wire.answer(b"\x18", len(b"ALARM:3\r\nok\r\n" + GRBL_GREETS + LOCKED))
        wire.close()
    assert told.endswith(b"ALARM:3\r\nok\r\n" + GRBL_GREETS + LOCKED)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        (b"Grbl 1.1h ['$' for help]", grbl.Greeting),
        (b"[MSG:'$H'|'$X' to unlock]", grbl.Told),
        (b"ALARM:3", grbl.Alarm),
        (b"error:15", grbl.Error),
        (
            b"<Run|MPos:-22.980,-18.500,-1.000|FS:6000,0|WCO:-200.000,-200.000,-200.000>",
            grbl.Status,
        ),
        (b"<Idle|MPos:-1.000,-1.000,-1.000|FS:0,0>", grbl.Status),
    ],
)
def test_reader__of_grbl(line: bytes, meant: type) -> None:
    assert isinstance(grbl.parse(line), meant)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        (b"X:90.00 Y:26.00 Z:0.00 E:0.00 Count X:7200 Y:2080 Z:0", marlin.Position),
        (b'echo:Unknown command: "M9999"', marlin.Unknown),
        (b"Error:G2/G3 bad parameters", marlin.Complaint),
        (b"echo:T1 Invalid extruder", marlin.Complaint),
        (b"echo:busy: paused for user", marlin.Paused),
        (b"echo:busy: processing", marlin.Busy),
        (b"Error:Printer halted. kill() called!", marlin.Halted),
        (b"echo:M112 Shutdown", marlin.Halted),
    ],
)
def test_reader__of_marlin(line: bytes, meant: type) -> None:
    assert isinstance(marlin.parse(line), meant)
