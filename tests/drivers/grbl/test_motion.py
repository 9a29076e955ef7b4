"""A gantry on Grbl, grblHAL and FluidNC: programs, stops, and what is known afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import grbl
from robotq.drivers.base import DriverError, LinkState, Stopped, UncertainOutcome
from robotq.testing.emulators import Dialect, GrblEmulator
from tests.drivers.gcode.bench import Bench, bench, in_order, square, until

Make = Callable[..., tuple[GrblEmulator, Bench]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def make_one(
            options: dict[str, Any] | None = None,
            emulator: type[GrblEmulator] = GrblEmulator,
            **device: Any,
        ) -> tuple[GrblEmulator, Bench]:
            made = stack.enter_context(emulator(tmp_path / "ttyUSB0", **device))
            options = {"port": f"{tmp_path}/ttyUSB*", **(options or {})}
            return made, stack.enter_context(bench(grbl.create, tmp_path, **options))

        yield make_one


@pytest.mark.parametrize("dialect", Dialect)
def test_program__is_carried_out_line_by_line_and_has_ended_when_it_says_so(
    make: Make, dialect: Dialect
) -> None:
    device, robot = make(dialect=dialect, speed=300)
    lines = square(300)
    running = robot.start_program(lines)
    running.result()
    assert not device.axes.blocks
    assert [line for line in device.axes.moved if line.startswith("G1")] == lines
    assert device.overflowed == 0
    assert running.context.fractions == sorted(running.context.fractions)


def test_program__line_by_line_too(make: Make) -> None:
    device, robot = make({"window": "line"}, speed=1000)
    robot.run(square(50))
    assert len(device.axes.moved) == 50


@pytest.mark.long
def test_program__of_ten_thousand_lines(make: Make) -> None:
    device, robot = make(speed=100_000)
    lines = square(10_000)
    robot.run(lines, timeout_s=60)
    assert [line for line in device.axes.moved if line.startswith("G1")] == lines


def test_ok__is_not_done(make: Make) -> None:
    device, robot = make(speed=1)
    running = robot.start_program(["G1 X2 F600"])
    until(lambda: bool(device.taken) and device.taken[-1] == "G1 X2 F600")
    assert not running.over
    running.result()
    assert device.axes.position[0] == 2


@pytest.mark.parametrize("dialect", Dialect)
def test_error__ends_the_command_and_nothing_after_it_is_carried_out_for_long(
    make: Make, dialect: Dialect
) -> None:
    # the reader would find it before the first line
    device, robot = make({"allow": ["G38"]}, dialect=dialect)
    with pytest.raises(DriverError, match="line 2, 'G38 X1': error:20"):
        robot.run(["G1 X1 F600", "G38 X1", *square(100, feed=60)])
    assert not device.axes.blocks
    assert robot.driver.status().position_known
    assert len(device.axes.moved) < 20
    robot.run(["G1 X0 F6000"])


def test_program__that_could_do_something_else_is_refused_before_anything_moves(
    make: Make,
) -> None:
    device, robot = make()
    taken = len(device.taken)
    for line in ("$H", "G1 X1 !", "?", "G1 X1\x18", "G10 L2 P1 X0", "#1=2", "hello", "G1 X1 %"):
        with pytest.raises(DriverError) as raised:
            robot.run(["G1 X1 F100", line])
        assert raised.value.code == "bad_parameter"
    assert len(device.taken) == taken
    assert device.axes.moved == []


# stops, while it streams


@pytest.mark.slow
def test_hold__stands_and_goes_on_without_losing_a_line(make: Make) -> None:
    device, robot = make(speed=20)
    lines = square(400)
    running = robot.start_program(lines)
    until(lambda: len(device.axes.moved) > 20)
    robot.driver.hold()
    assert robot.driver.status().held
    until(lambda: device.axes.standing)
    moved = len(device.axes.moved)
    assert not running.over
    robot.driver.resume()
    running.result()
    assert len(device.axes.moved) > moved
    assert [line for line in device.axes.moved if line.startswith("G1")][-1] == lines[-1]


@pytest.mark.parametrize("dialect", Dialect)
def test_stop__comes_to_rest_and_the_position_is_known(make: Make, dialect: Dialect) -> None:
    device, robot = make(dialect=dialect, speed=10)
    running = robot.start_program(square(500))
    until(lambda: len(device.axes.moved) > 20)
    robot.driver.stop()
    with pytest.raises(Stopped):
        running.result()
    assert not device.axes.blocks
    status = robot.driver.status()
    assert status.position_known
    assert not status.held
    assert status.details["x_mm"] == pytest.approx(device.axes.position[0], abs=0.001)
    robot.run(["G1 X0 F6000"])


def test_emergency_stop__is_one_byte_and_what_it_cost_is_known(make: Make) -> None:
    device, robot = make(speed=10)
    running = robot.start_program(square(500))
    until(lambda: len(device.axes.moved) > 20)
    robot.driver.emergency_stop()
    with pytest.raises(Stopped):
        running.result()
    assert [byte for _, byte in device.urgent_bytes][-1] == 0x18
    moved = len(device.axes.moved)
    assert not robot.driver.status().position_known
    with pytest.raises(Stopped):
        robot.run(["G1 X1 F600"])
    robot.driver.reset()
    with pytest.raises(DriverError, match="HOME"):
        robot.run(["G1 X1 F600"])
    assert len(device.axes.moved) == moved, "a reset starts no motion"
    robot.do([{"unlock": True}])
    robot.run(["G1 X1 F600"])


def test_emergency_stop__of_a_robot_that_stands_leaves_its_position_known(make: Make) -> None:
    device, robot = make()
    robot.run(["G1 X1 F6000"])
    robot.driver.emergency_stop()
    until(lambda: device.resets > 0)
    robot.driver.reset()
    until(lambda: robot.driver.status().details["state"] == "Idle")
    robot.run(["G1 X0 F6000"])


def test_stop__between_two_commands_leaves_no_hold_behind(make: Make) -> None:
    _, robot = make()
    robot.driver.stop()
    robot.run(["G1 X1 F6000"])


def test_limit_of_a_step__stops_the_robot_and_is_a_failure(make: Make) -> None:
    device, robot = make()
    with pytest.raises(DriverError) as raised:
        robot.do([{"gcode": "G1 X100 F60", "timeout_s": 0.3}])
    assert raised.value.code == "timeout"
    assert not device.axes.blocks


# homing and alarms


@pytest.mark.parametrize("dialect", Dialect)
def test_homing__is_required_where_configured_and_never_by_itself(
    make: Make, dialect: Dialect
) -> None:
    device, robot = make({"homing_required": True}, dialect=dialect, homing=True, speed=10)
    with pytest.raises(DriverError, match="HOME"):
        robot.run(["G1 X1 F600"])
    assert "$H" not in device.taken
    robot.do([{"home": True}])
    assert robot.driver.status().position_known
    robot.run(["G1 X1 F6000"])
    assert device.axes.position[0] == 1


@pytest.mark.parametrize("dialect", Dialect)
def test_homing__that_fails_is_told_and_does_not_hang(make: Make, dialect: Dialect) -> None:
    _, robot = make(dialect=dialect, homing=True, homing_fails=True, speed=10)
    with pytest.raises(DriverError, match="ALARM:9"):
        robot.do([{"home": True}])
    assert not robot.driver.status().position_known
    with pytest.raises(DriverError, match="HOME"):
        robot.run(["G1 X1 F600"])


@pytest.mark.parametrize("dialect", Dialect)
def test_homing__can_be_stopped(make: Make, dialect: Dialect) -> None:
    _, robot = make(dialect=dialect, homing=True, speed=0.1)
    running = robot.start([{"home": True}])
    until(lambda: robot.driver.status().details["lines_under_way"] == 1)
    robot.driver.stop()
    with pytest.raises(Stopped):
        running.result()
    assert not robot.driver.status().position_known


def test_jog__can_be_broken_off_and_keeps_the_position(make: Make) -> None:
    device, robot = make()
    running = robot.start([{"jog": "X100 F600"}])
    until(lambda: bool(device.axes.blocks))
    robot.driver.stop()
    with pytest.raises(Stopped):
        running.result()
    assert robot.driver.status().position_known
    assert 0 < device.axes.position[0] < 100


# the link


def test_unplugged_in_motion__is_uncertain_and_another_name_restores_the_link(
    make: Make, tmp_path: Path
) -> None:
    device, robot = make()
    running = robot.start_program(["G1 X3 F600", *square(50, feed=600)])
    until(lambda: len(device.axes.blocks) > 3)
    device.unplug()
    with pytest.raises(UncertainOutcome) as raised:
        running.result()
    assert raised.value.cause == "link_lost"
    until(lambda: robot.links[-1][0] is LinkState.DISCONNECTED)
    device.replug(tmp_path / "ttyUSB1")
    taken = list(device.taken)
    robot.driver.connect()
    assert robot.driver.status().link is LinkState.CONNECTED
    assert not robot.driver.status().position_known
    assert device.taken == taken, "the link is restored, never the motion"
    device.order(device.axes.drop)
    robot.do([{"unlock": True}])
    robot.run(["G1 X0 F6000"])
    in_order(square(50, feed=600), device.axes.moved)


def test_silence__of_a_controller_whose_port_is_open_is_noticed(make: Make) -> None:
    device, robot = make({"silence_s": 0.6})
    running = robot.start_program(square(100, feed=600))
    until(lambda: len(device.axes.moved) > 1)
    device.die()
    with pytest.raises(UncertainOutcome) as raised:
        running.result()
    assert raised.value.cause == "link_lost"


def test_start_of_the_controller_in_motion__is_uncertain(make: Make) -> None:
    device, robot = make()
    running = robot.start_program(square(100, feed=600))
    until(lambda: len(device.axes.moved) > 1)
    device.reboot()
    with pytest.raises(UncertainOutcome) as raised:
        running.result()
    assert raised.value.cause == "device_reset"
    assert not robot.driver.status().position_known
    moved = len(device.axes.moved)
    with pytest.raises(DriverError, match="HOME"):
        robot.run(["G1 X1 F600"])
    assert len(device.axes.moved) <= moved + 1


@pytest.mark.slow
def test_program__of_which_more_is_on_its_way_than_is_made_ready_at_once(make: Make) -> None:
    class Roomy(GrblEmulator):
        def take(self, data: bytes) -> None:
            # it has the room that the configuration tells of
            self._buffer._size = 65_536
            super().take(data)

    lines = square(3_000)
    device, robot = make({"receive_bytes": 65_536}, emulator=Roomy, speed=100_000)
    robot.run(lines)
    assert [line for line in device.axes.moved if line.startswith("G1")] == lines


def test_jog__without_a_feed_is_refused_before_it_is_sent(make: Make) -> None:
    """Grbl jogs with no other feed than its own (error:22)."""
    device, robot = make()
    robot.run(["G1 X1 F600"])
    taken = len(device.taken)
    with pytest.raises(DriverError, match="a jog needs F"):
        robot.do([{"jog": "X2"}])
    assert len(device.taken) == taken
