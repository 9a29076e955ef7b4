"""After a stop was told nothing moves, whatever the planner holds. What moved is counted."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from robotq.drivers import marlin
from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode.bench import Bench, bench, until

REST_S = 1.3
"""Longer than Marlin's second, after which a waiting line would be carried out."""


def moves(number: int, feed: int) -> list[str]:
    return [f"G1 X{90 if n % 2 == 0 else 10} Y{10 + n % 80} F{feed}" for n in range(number)]


def stop_in_motion(
    robot: Bench, device: MarlinEmulator | GrblEmulator, how: str, *, full: bool, random: Random
) -> str:
    """What happened with a stop at a random moment; empty where nothing is wrong."""
    lines = moves(40, 6000) if full else moves(6, 1500)
    running = robot.start_program(lines)
    until(lambda: device.axes.full if full else bool(device.axes.blocks))
    time.sleep(random.uniform(0, 0.3))
    if how == "estop":
        robot.driver.emergency_stop()
    else:
        robot.driver.stop()
    try:
        running.result(60)
    except Stopped:
        pass
    except (DriverError, LinkLost, UncertainOutcome) as error:
        return f"{how}: ended as {error!r}"
    else:
        return f"{how}: completed"
    # from here on it was told that it has stopped
    position, begun = device.axes.position, len(device.axes.moved)
    known = robot.driver.status().position_known
    time.sleep(REST_S)
    if device.axes.position != position or len(device.axes.moved) != begun or device.axes.blocks:
        return f"{how}: moved from {position} to {device.axes.position} after it was told"
    return f"{how}: a position that is not certain was told as known" if known else ""


def hundred(folder: Path, stops: int, seed: int) -> list[str]:
    random = Random(seed)
    wrong = []
    device = MarlinEmulator(folder / "ttyUSB0", speed=1.0)
    with device, bench(marlin.create, folder, device.port) as robot:
        for number in range(stops):
            how = ("stop", "estop")[number % 2]
            wrong.append(stop_in_motion(robot, device, how, full=number % 4 < 2, random=random))
            if how == "estop":
                robot.driver.reset()
            robot.do([{"step": "UNLOCK", "unlock": True}])
    return [one for one in wrong if one]


@pytest.mark.timeout(300)
def test_stops__at_random_moments_with_the_planner_full_and_not(tmp_path: Path) -> None:
    assert hundred(tmp_path, 4, seed=1) == []


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_stops__two_hundred_of_them(tmp_path: Path) -> None:
    assert hundred(tmp_path, 200, seed=2) == []


def test_emulator__carries_out_the_waiting_line_after_a_single_stop(tmp_path: Path) -> None:
    """As genuine firmware does: one M410 is not enough."""
    device = MarlinEmulator(tmp_path / "ttyUSB0")
    with device, bench(marlin.create, tmp_path, device.port) as robot:
        running = robot.start_program(moves(40, 6000))
        until(lambda: device.axes.full)
        device.take(b"\nM410\n")
        begun = len(device.axes.moved)
        until(lambda: len(device.axes.moved) > begun)
        robot.driver.emergency_stop()
        with pytest.raises(Stopped):
            running.result(60)


def test_m112__ends_when_it_is_at_rest_and_not_when_it_says_that_it_has_halted(
    tmp_path: Path,
) -> None:
    device = MarlinEmulator(tmp_path / "ttyUSB0")
    options = {"emergency": "M112"}
    with device, bench(marlin.create, tmp_path, device.port, **options) as robot:
        wrong = stop_in_motion(robot, device, "estop", full=True, random=Random(3))
        assert wrong == ""
        assert device.halted
