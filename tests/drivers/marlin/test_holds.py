"""An arm that pauses, by a person's wish or by itself: what is told, and what lets it go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import marlin
from robotq.drivers.base import DriverError, DriverStatus, LinkState, Stopped
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.testing.emulators import MarlinEmulator
from tests.drivers.gcode.bench import Bench, bench, square, until

Make = Callable[..., tuple[MarlinEmulator, Bench]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(
            options: dict[str, Any] | None = None, **device: Any
        ) -> tuple[MarlinEmulator, Bench]:
            device.setdefault("busy_s", 0.2)
            emulator = stack.enter_context(MarlinEmulator(tmp_path / "ttyUSB0", **device))
            options = {"port": f"{tmp_path}/ttyUSB*", **(options or {})}
            return emulator, stack.enter_context(bench(marlin.create, tmp_path, **options))

        yield made


def _motion(robot: Bench) -> JsonObject:
    return robot.driver.immediate(Command(cmd_type="GET_ROBOT_MOTION_STATE", params={}))


def _paused(robot: Bench) -> DriverStatus:
    until(lambda: robot.driver.status().held)
    return robot.driver.status()


@pytest.mark.parametrize("code", ["M0", "M1"])
def test_pause_in_the_program__is_told_and_one_resume_ends_one_pause(make: Make, code: str) -> None:
    device, robot = make(speed=10)
    running = robot.start_program(["G1 X1 F6000", code, "G1 X2 F6000", code, "G1 X3 F6000"])
    for place in (1.0, 2.0):
        until(lambda: device.axes.position[0] == place)  # noqa: B023 - waited for at once
        status = _paused(robot)
        assert (status.held_because, status.still_moving) == ("reason.program_pause", False)
        assert _motion(robot)["motion"] == "held"
        assert not running.over
        robot.driver.resume()
        assert not robot.driver.status().held
    running.result()
    assert device.axes.position[0] == 3.0
    # what lets it go on is a line like any other, so that every answer is accounted for
    assert device.taken.count("M108") == 2


def test_pause_in_the_program__without_emergency_parser_is_ended_at_the_machine(
    make: Make,
) -> None:
    device, robot = make(speed=10, emergency_parser=False)
    running = robot.start_program(["G1 X1 F6000", "M0", "G1 X2 F6000"])
    _paused(robot)
    with pytest.raises(DriverError, match="EMERGENCY_PARSER: press the button"):
        robot.driver.resume()
    assert robot.driver.status().held
    device.press_button()
    running.result()
    assert device.axes.position[0] == 2.0


def test_pause_in_the_program__of_many_minutes_sends_nothing_into_the_buffers(make: Make) -> None:
    device, robot = make({"answer_timeout_s": 0.8}, speed=10)
    running = robot.start_program(["M0", "G1 X2 F6000"])
    _paused(robot)
    for _ in range(20):
        time.sleep(0.1)
        assert robot.driver.status().held
    assert robot.driver.status().link is LinkState.CONNECTED
    assert device.overflowed == 0
    robot.driver.resume()
    running.result()


def test_pause_in_the_program__does_not_count_against_the_limit_of_its_step(make: Make) -> None:
    _, robot = make(speed=10)
    running = robot.start([{"gcode": ["M0", "G1 X1 F6000"], "timeout_s": 0.8}])
    _paused(robot)
    time.sleep(1.0)
    assert not running.over
    robot.driver.resume()
    running.result()


def test_pause_at_the_machine__between_two_commands_is_told_and_ended(make: Make) -> None:
    device, robot = make(speed=10)
    device.order(lambda: device.take(b"M0\n"))
    _paused(robot)
    robot.driver.resume()
    assert not robot.driver.status().held
    robot.run(["G1 X1 F6000"])


@pytest.mark.slow
@pytest.mark.parametrize("emergency_parser", [True, False])
def test_hold__says_that_it_moves_until_what_is_planned_is_over(
    make: Make, emergency_parser: bool
) -> None:
    device, robot = make(emergency_parser=emergency_parser, speed=20)
    running = robot.start_program(square(150, feed=3000))
    until(lambda: len(device.axes.moved) > 10)
    robot.driver.hold()
    held = robot.driver.status()
    assert (held.held, held.still_moving) == (True, True)
    before = len(device.axes.moved)
    assert held.planned_moves is not None
    motion = _motion(robot)
    assert (motion["moving"], motion["motion"], motion["state"]) == (True, "holding", "holding")
    until(lambda: not robot.driver.status().still_moving)
    # it says so only when it is so
    assert not device.axes.blocks
    assert 0 < held.planned_moves <= 18
    moved = len(device.axes.moved)
    assert moved - before <= held.planned_moves
    assert _motion(robot)["state"] == "held"
    time.sleep(0.05)
    assert len(device.axes.moved) == moved
    robot.driver.resume()
    running.result()


def test_hold__before_the_answer_to_the_last_line_stands_when_the_motion_is_over(
    make: Make,
) -> None:
    device, robot = make(speed=1)
    running = robot.start_program(["G1 X4 F600"])
    until(lambda: bool(device.axes.moved))
    robot.driver.hold()
    assert robot.driver.status().still_moving
    running.result()
    status = robot.driver.status()
    assert (status.held, status.still_moving, status.planned_moves) == (True, False, 0)


def test_hold__between_two_steps_homes_jogs_and_probes_only_after_the_resume(make: Make) -> None:
    device, robot = make(speed=10)
    running = robot.start([{"gcode": "G1 X1 F6000"}, {"wait_s": 0.2}, {"home": True}])
    until(lambda: device.axes.position[0] == 1.0)
    robot.driver.hold()
    for _ in range(12):
        time.sleep(0.05)
        assert "G28" not in device.taken
        assert device.axes.position[0] == 1.0
    robot.driver.resume()
    running.result()
    assert device.axes.position[0] == 0.0


def test_hold_within_s__bounds_what_is_planned(make: Make) -> None:
    device, robot = make({"hold_within_s": 0.5}, speed=1)
    # each takes a tenth of a second
    running = robot.start_program([f"G1 X{number} F600" for number in range(1, 31)])
    until(lambda: len(device.axes.moved) > 7)
    robot.driver.hold()
    began = time.monotonic()
    status = robot.driver.status()
    assert status.planned_moves is not None
    assert status.planned_moves <= 6
    until(lambda: not robot.driver.status().still_moving)
    assert time.monotonic() - began < 1.5
    assert not device.axes.blocks
    robot.driver.resume()
    running.result()
    assert device.axes.position[0] == 30.0


def test_controller__that_was_restarted_while_held_is_held_no_more(make: Make) -> None:
    device, robot = make(speed=10)
    robot.driver.hold()
    device.reboot()
    until(lambda: not robot.driver.status().held)


def test_stop__ends_a_pause_in_the_program(make: Make) -> None:
    _, robot = make(speed=10)
    running = robot.start_program(["M0", "G1 X2 F6000"])
    _paused(robot)
    robot.driver.stop()
    with pytest.raises(Stopped):
        running.result()
    assert not robot.driver.status().held
