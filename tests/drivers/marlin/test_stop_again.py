"""A stop is repeated for as long as Marlin may have lines, and no longer: whatever became of them
on the wire, and whoever has sent them."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.drivers import marlin
from robotq.drivers.base import LinkLost, Stopped
from robotq.drivers.patience import Turns
from robotq.testing.emulators import MarlinEmulator
from tests.drivers.gcode.bench import Bench, Running, bench, until
from tests.drivers.gcode.stopping import moves
from tests.slices import some

SOON_S = 20.0
"""Of the time that the process got; a stop that is repeated in vain takes two minutes."""


def stopped(running: Running) -> None:
    turns = Turns(0.01)
    began = turns.now()
    until(lambda: running.over or turns.now() > began + SOON_S, timeout_s=100)
    assert running.over, "it is repeated in vain"
    with pytest.raises(Stopped):
        running.result()


class Forgetful(MarlinEmulator):
    """One line does not reach it: the next one with `loses` behind an M400."""

    loses: bytes | None = None
    at_rest = False
    lost = 0

    def take(self, data: bytes) -> None:
        for line in data.splitlines(keepends=True):
            if self.loses is not None and self.at_rest and self.loses in line:
                self.loses = None
                self.lost += 1
                continue
            self.at_rest = self.loses is not None and (self.at_rest or b"M400" in line)
            super().take(line)


@pytest.mark.parametrize("line", some([b"M5", b"M114", b"M110", b"M107"], 1))
@pytest.mark.parametrize("emergency", [False, True])
def test_second_stop__while_a_line_that_switches_off_got_lost(
    tmp_path: Path, line: bytes, emergency: bool
) -> None:
    """A stop throws away what has not left the computer: then nothing will ever answer it."""
    with (
        Forgetful(tmp_path / "ttyUSB0") as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        running = robot.start_program(moves(40, 6000))
        until(lambda: device.axes.full)
        device.loses = line
        robot.driver.stop()
        until(lambda: device.lost > 0)
        begun = len(device.axes.moved)
        (robot.driver.emergency_stop if emergency else robot.driver.stop)()
        stopped(running)
        assert len(device.axes.moved) == begun


def test_stop__while_the_last_motion_before_a_pause_is_carried_out(tmp_path: Path) -> None:
    """M108 ends no pause that has not begun: the pause comes after the stop."""
    with (
        MarlinEmulator(tmp_path / "ttyUSB0") as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        running = robot.start_program(["G1 X90 F1200", "M0", "G1 X0"])
        until(lambda: b" M0*" in device.heard)
        robot.driver.stop()
        stopped(running)
        assert not device.axes.blocks


@pytest.mark.parametrize("emergency", ["M410", "M112"])
@pytest.mark.parametrize("half", [b"N12", b"N12 M4", b"N12 M10", b"N12 G1 X"])
def test_emergency_stop__in_the_middle_of_a_line_is_heard_at_once(
    tmp_path: Path, emergency: str, half: bytes
) -> None:
    with (
        MarlinEmulator(tmp_path / "ttyUSB0") as device,
        bench(marlin.create, tmp_path, device.port, emergency=emergency) as robot,
    ):
        before = len(device.heard)
        device.order(lambda: device.take(half))
        robot.driver.emergency_stop()
        until(lambda: any(code == emergency for _, code in device.stops))
        heard = device.heard[before:]
        assert heard[: heard.index(b"M1", len(half))] == half + b"\n\n"
        until(lambda: device.stops[0][1] in ("M108", "M112"))


def test_latched_stop__reaches_every_line_that_somebody_else_has_sent(tmp_path: Path) -> None:
    """The daemon was killed in a program, and an emergency stop came before it had a link again."""
    with MarlinEmulator(tmp_path / "ttyUSB0") as device:
        for line in moves(21, 3000):
            device.given(line)
        until(lambda: device.axes.full)
        robot = Bench(marlin.create, tmp_path, device.port, {"window": 4})
        try:
            with pytest.raises(LinkLost):
                robot.driver.emergency_stop()
            begun = len(device.axes.moved)
            robot.driver.connect()
            until(lambda: not device.axes.blocks)
            assert len(device.axes.moved) == begun
            assert robot.driver.status().details["emergency_stop"]
        finally:
            robot.driver.close()


@pytest.mark.slow
@pytest.mark.parametrize("window", [1, 4, 8])
def test_stop_in_a_long_arc__leaves_no_half_commands_behind(tmp_path: Path, window: int) -> None:
    """It is repeated for half a minute, and Marlin reads nothing meanwhile: what overflows must
    not be an M1 or an M4 that nobody has sent."""
    with (
        MarlinEmulator(tmp_path / "ttyUSB0") as device,
        bench(marlin.create, tmp_path, device.port, window=window) as robot,
    ):
        arc = ["G1 X1 F6000", "G2 X400 Y0 I200 J0", "G1 X1", "G1 Y9", "G1 X5", "G1 Y1", "G1 X7"]
        running = robot.start_program(arc)
        until(lambda: b"G2 X400" in device.heard and device.axes.full)
        before, heard = len(device.taken), len(device.heard)
        robot.driver.stop()
        turns = Turns(0.01)
        began = turns.now()
        until(lambda: running.over or turns.now() > began + 90, timeout_s=300)
        with pytest.raises(Stopped):
            running.result()
        own = {"M108", "M410", "M110 N0", "M114", "M400", "M5", "M107", "M104 S0", "M140 S0"}
        assert set(device.taken[before:]) - {*arc, "G0", "G90"} <= own
        lines = device.heard[heard:].split(b"\n")
        assert len(lines) > 100
        # what has no number has room in the buffer, whatever it holds
        plain = [line for line in lines if line in (b"M108", b"M410")]
        assert sum(len(line) + 3 for line in plain) <= 127 - 80
