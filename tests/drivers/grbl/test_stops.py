"""After a stop was told nothing moves, and the position is true or declared lost. What moved is
counted at the emulator, which stops dead at a reset and loses its position by that, slows down at
a feed hold, and answers no line while it is held."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from robotq.drivers import grbl
from robotq.drivers.base import Stopped, UncertainOutcome
from robotq.testing.emulators import GrblEmulator
from robotq.testing.emulators.grbl import Dialect
from tests.drivers.gcode.bench import Bench, Running, bench, until
from tests.drivers.gcode.stopping import (
    Device,
    full,
    long_arcs,
    moves,
    not_full,
    of_many,
    tiny,
)


def press(device: Device, byte: bytes) -> None:
    """Somebody presses a button at the machine."""

    def pressed() -> None:
        device.urgent(byte)

    device.order(pressed)


def held(robot: Bench, device: Device) -> Running:
    running = not_full(robot, device)
    robot.driver.hold()
    return running


def slowing_down(robot: Bench, device: Device) -> Running:
    """Somebody has pressed the button for a hold a moment ago."""
    running = full(robot, device)
    press(device, b"!")
    return running


def dwell(robot: Bench, device: Device) -> Running:
    running = robot.start_program(["G1 X20 Y20 F6000", "G4 P3", "G1 X10 Y10 F3000"])
    until(lambda: bool(device.axes.moved), 60)
    return running


def jog(robot: Bench, device: Device) -> Running:
    running = robot.start([{"step": "JOG", "jog": "X40 F600"}])
    until(lambda: bool(device.axes.blocks), 60)
    return running


def home(robot: Bench, device: Device) -> Running:
    taken = len(device.axes.moved)
    running = robot.start([{"step": "HOME", "home": True}, {"gcode": "G1 X30 F600"}])
    until(lambda: len(device.axes.moved) > taken, 60)
    return running


SCENES = (full, not_full, tiny, held, dwell, jog, long_arcs, slowing_down, home)
DIALECTS = tuple(Dialect)


@contextmanager
def robot(folder: Path, number: int) -> Iterator[tuple[Bench, Device]]:
    device = GrblEmulator(
        folder / "ttyUSB0",
        dialect=DIALECTS[number % len(DIALECTS)],
        ramp_s=(0.05, 0.4)[number % 2],
        homing=True,
    )
    with device, bench(grbl.create, folder, device.port) as made:
        made.do([{"step": "HOME", "home": True}])
        yield made, device


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_stops__at_random_moments_of_motions_of_each_kind(tmp_path: Path) -> None:
    assert of_many(tmp_path, robot, SCENES, robots=9, each=3, seed=1, survives=True) == []


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_stops__two_hundred_of_them(tmp_path: Path) -> None:
    assert of_many(tmp_path, robot, SCENES, robots=9, each=23, seed=2, survives=True) == []


def test_emulator__stops_dead_at_a_reset_and_slowly_at_a_hold(tmp_path: Path) -> None:
    device = GrblEmulator(tmp_path / "ttyUSB0", ramp_s=0.3)
    with device, bench(grbl.create, tmp_path, device.port) as made:
        running = made.start_program(moves(6, 1500))
        until(lambda: bool(device.axes.blocks))
        press(device, b"!")
        gone = device.axes.travelled_mm
        until(lambda: device.axes.standing)
        # half of what 25 mm/s make in 0.3 s
        assert device.axes.travelled_mm - gone == pytest.approx(3.75, abs=0.5)
        assert not bool(device.axes.slipped)
        press(device, b"~")
        until(lambda: device.axes.moving)
        press(device, b"\x18")
        gone = device.axes.travelled_mm
        assert bool(device.axes.slipped)
        time.sleep(0.05)
        assert device.axes.travelled_mm == gone
        with pytest.raises(UncertainOutcome) as broken_off:
            running.result()
        assert broken_off.value.cause == "device_reset"


def test_emulator__takes_no_second_reset_before_its_greeting(tmp_path: Path) -> None:
    """As genuine Grbl, which is silent for half a second after an alarm."""
    device = GrblEmulator(tmp_path / "ttyUSB0")
    with device, bench(grbl.create, tmp_path, device.port) as made:
        running = made.start_program(moves(6, 1500))
        until(lambda: bool(device.axes.blocks))
        resets = device.resets
        began = time.monotonic()
        for _ in range(3):
            made.driver.emergency_stop()
        with pytest.raises(Stopped):
            running.result()
        assert time.monotonic() - began > 0.45
        assert device.resets == resets + 1
