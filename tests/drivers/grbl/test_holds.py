"""A gantry that pauses, by a person's wish or by itself: what is told, and what lets it go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import grbl
from robotq.drivers.base import DriverError, DriverStatus, Stopped
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.testing.emulators import Dialect, GrblEmulator
from tests.drivers.gcode.bench import Bench, Running, bench, square, until

Make = Callable[..., tuple[GrblEmulator, Bench]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(
            options: dict[str, Any] | None = None, **device: Any
        ) -> tuple[GrblEmulator, Bench]:
            emulator = stack.enter_context(GrblEmulator(tmp_path / "ttyUSB0", **device))
            options = {"port": f"{tmp_path}/ttyUSB*", **(options or {})}
            return emulator, stack.enter_context(bench(grbl.create, tmp_path, **options))

        yield made


def _motion(robot: Bench) -> JsonObject:
    return robot.driver.immediate(Command(cmd_type="GET_ROBOT_MOTION_STATE", params={}))


def _held(robot: Bench) -> DriverStatus:
    """The status, once it says that the robot holds and stands."""
    until(lambda: robot.driver.status().held and not robot.driver.status().still_moving)
    return robot.driver.status()


@pytest.mark.parametrize("dialect", Dialect)
def test_pause_in_the_program__is_told_and_one_resume_ends_one_pause(
    make: Make, dialect: Dialect
) -> None:
    device, robot = make(dialect=dialect, speed=10)
    running = robot.start_program(["G1 X1 F6000", "M0", "G1 X2 F6000", "M0", "G1 X3 F6000"])
    for place in (1.0, 2.0):
        until(lambda: device.axes.position[0] == place)  # noqa: B023 - waited for at once
        assert _held(robot).held_because == "reason.program_pause"
        assert not running.over
        robot.driver.resume()
    running.result()
    assert device.axes.position[0] == 3.0


def test_two_pauses_in_a_row__need_two_resumes(make: Make) -> None:
    device, robot = make(speed=10)
    running = robot.start_program(["M0", "M0", "G1 X1 F6000"])
    _held(robot)
    robot.driver.resume()
    until(lambda: device.taken.count("M0") == 1)
    _held(robot)
    assert not running.over
    assert device.axes.position[0] == 0.0
    robot.driver.resume()
    running.result()


def test_hold_at_the_machine__is_told_and_ends_at_the_machine_too(make: Make) -> None:
    device, robot = make(speed=10)
    running = robot.start_program(square(200, feed=600))
    until(lambda: len(device.axes.moved) > 3)
    device.press_hold()
    assert _held(robot).held_because == "reason.held_at_robot"
    assert _motion(robot)["motion"] == "held"
    device.press_start()
    until(lambda: not robot.driver.status().held)
    robot.driver.stop()
    with pytest.raises(Stopped):
        running.result()


def test_open_door__cannot_be_resumed_before_it_is_closed(make: Make) -> None:
    device, robot = make(speed=10, restore_s=0.3)
    running = robot.start_program(square(30, feed=3000))
    until(lambda: len(device.axes.moved) > 3)
    device.open_door()
    assert _held(robot).held_because == "reason.door"
    moved = len(device.axes.moved)
    with pytest.raises(DriverError, match="door is open"):
        robot.driver.resume()
    device.close_door()
    until(lambda: robot.driver.status().held_because == "reason.door_closed")
    assert len(device.axes.moved) == moved
    robot.driver.resume()
    assert not robot.driver.status().held
    running.result()


def test_hold__says_that_it_moves_until_it_stands(make: Make) -> None:
    device, robot = make(speed=1, ramp_s=0.8)
    running = robot.start_program(["G1 X100 F600"])
    until(lambda: bool(device.axes.moved))
    robot.driver.hold()
    status = robot.driver.status()
    assert (status.held, status.still_moving, status.held_because) == (True, True, "")
    stands = [device.axes.standing]
    assert _motion(robot)["moving"] is True
    _held(robot)
    assert [*stands, device.axes.standing] == [False, True]
    assert _motion(robot)["moving"] is False
    robot.driver.stop()
    with pytest.raises(Stopped):
        running.result()


def _held_until_over(running: Running, robot: Bench) -> bool:
    held = False
    while not running.over:
        held = held or robot.driver.status().held
    return held


@pytest.mark.slow
def test_stop__slows_down_and_is_no_hold(make: Make) -> None:
    device, robot = make(speed=1, ramp_s=0.5)
    running = robot.start_program(["G1 X100 F600"])
    until(lambda: bool(device.axes.moved))
    robot.driver.stop()
    assert not _held_until_over(running, robot)
    assert not robot.driver.status().held


@pytest.mark.slow
def test_limit_of_a_step__slows_down_and_is_no_hold(make: Make) -> None:
    _, robot = make(speed=1, ramp_s=0.5)
    running = robot.start([{"gcode": "G1 X100 F60", "timeout_s": 0.3}])
    assert not _held_until_over(running, robot)


def test_controller__that_was_restarted_while_held_is_held_no_more(make: Make) -> None:
    device, robot = make(speed=10)
    robot.driver.hold()
    assert robot.driver.status().held
    device.reboot()
    until(lambda: not robot.driver.status().held)


def test_hold_between_two_steps__homes_and_jogs_only_after_the_resume(make: Make) -> None:
    device, robot = make(speed=10, homing=True)
    running = robot.start(
        [{"home": True}, {"gcode": "G1 X1 F6000"}, {"wait_s": 0.3}, {"jog": "X2 F6000"}]
    )
    until(lambda: device.axes.position[0] == 1.0)
    robot.driver.hold()
    for _ in range(10):
        assert robot.driver.status().held
        assert device.axes.position[0] == 1.0
        time.sleep(0.05)
    robot.driver.resume()
    running.result()
    assert device.axes.position[0] == 3.0
