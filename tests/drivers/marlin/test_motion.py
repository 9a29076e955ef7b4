"""An arm on Marlin, with and without EMERGENCY_PARSER: programs, stops, and what is known after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import marlin
from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.testing.emulators import MarlinEmulator
from tests.drivers.gcode.bench import Bench, bench, in_order, square, until
from tests.slices import some

Make = Callable[..., tuple[MarlinEmulator, Bench]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(
            options: dict[str, Any] | None = None, **device: Any
        ) -> tuple[MarlinEmulator, Bench]:
            emulator = stack.enter_context(MarlinEmulator(tmp_path / "ttyUSB0", **device))
            options = {"port": f"{tmp_path}/ttyUSB*", **(options or {})}
            return emulator, stack.enter_context(bench(marlin.create, tmp_path, **options))

        yield made


def motions(device: MarlinEmulator) -> list[str]:
    return [line for line in device.axes.moved if line.startswith("G1")]


@pytest.mark.parametrize("emergency_parser", some([True, False], 1))
def test_program__is_carried_out_line_by_line_and_has_ended_when_it_says_so(
    make: Make, emergency_parser: bool
) -> None:
    device, robot = make(emergency_parser=emergency_parser, speed=300)
    lines = square(200)
    robot.run(lines)
    assert not device.axes.blocks
    assert motions(device) == lines
    assert device.overflowed == 0


@pytest.mark.long
def test_program__of_ten_thousand_lines(make: Make) -> None:
    device, robot = make(speed=100_000)
    lines = square(10_000)
    robot.run(lines, timeout_s=60)
    assert motions(device) == lines


@pytest.mark.slow
def test_without_emergency_parser__one_motion_is_planned_and_robots_says_so(make: Make) -> None:
    device, robot = make(emergency_parser=False, speed=20)
    assert not robot.driver.capabilities.stop_out_of_band
    running = robot.start_program(square(30))
    most = 0
    while not running.over:
        most = max(most, len(device.axes.blocks))
    running.result()
    assert most == 1


def test_command_that_takes_long__keeps_itself_alive(make: Make) -> None:
    device, robot = make({"answer_timeout_s": 0.4}, busy_s=0.1)
    robot.run(["G4 S1", "G1 X1 F6000"])
    assert device.axes.position[0] == 1


def test_unknown_command__fails_although_it_is_acknowledged(make: Make) -> None:
    # the reader would find them before the first line
    device, robot = make({"allow": ["M12345", "T1"]})
    with pytest.raises(DriverError, match="Unknown command"):
        robot.run(["G1 X1 F6000", "M12345", "G1 X2"])
    with pytest.raises(DriverError, match="Invalid extruder"):
        robot.run(["T1"])
    with pytest.raises(DriverError, match=r"line 1: .*needs one of I, J, K, R"):
        robot.run(["G2 X5"])
    robot.run(["G1 X3"])
    assert device.axes.position[0] == 3


def test_program__must_not_switch_off_stop_or_rewrite_the_controller(make: Make) -> None:
    device, robot = make()
    taken = len(device.taken)
    for line in (
        "M112",
        "M81",
        "M81.5",
        "m81",
        "M410",
        "M500",
        "M997",
        "N5 M81*2",
        "?",
    ):
        with pytest.raises(DriverError) as raised:
            robot.run(["G1 X1 F6000", line])
        assert raised.value.code == "bad_parameter"
    assert len(device.taken) == taken


def test_query__reads_a_value_back(make: Make) -> None:
    _, robot = make()
    result = robot.do(
        [
            {"query": {"line": "M105", "expect": r"T:(?P<heat>[\d.]+)"}, "into": "read"},
            {"result": {"temperature": "{read.heat}"}},
        ]
    )
    assert result == {"temperature": 20.0}


# stops, while it streams


@pytest.mark.parametrize("emergency_parser", some([True, False], 1))
def test_hold__sends_nothing_more_until_it_goes_on(make: Make, emergency_parser: bool) -> None:
    device, robot = make(emergency_parser=emergency_parser, speed=20)
    lines = square(150)
    running = robot.start_program(lines)
    until(lambda: len(device.axes.moved) > 10)
    robot.driver.hold()
    assert robot.driver.status().held
    until(lambda: not device.axes.blocks)
    assert not running.over
    robot.driver.resume()
    running.result()
    assert motions(device) == lines


def test_stop__with_emergency_parser_breaks_the_motion_off(make: Make) -> None:
    device, robot = make()
    running = robot.start_program(square(200, feed=300))
    until(lambda: len(device.axes.moved) > 1)
    robot.driver.stop()
    with pytest.raises(Stopped):
        running.result()
    assert not device.axes.blocks
    # with a full planner, one M410 alone lets another motion through
    codes = [code for _, code in device.stops]
    assert codes[:4] == ["M108", "M410", "M410", "M410"]
    assert set(codes[4:]) <= {"M108", "M410"}
    # until the line that it had is answered, a second after the first one
    assert len(codes) < 12
    assert not robot.driver.status().position_known
    with pytest.raises(DriverError, match="HOME"):
        robot.run(["G1 X1 F600"])
    robot.do([{"home": True}])
    robot.run(["G1 X1 F6000"])
    in_order(square(200, feed=300), device.taken)


def test_stop__without_it_ends_after_the_motion_and_the_position_is_known(make: Make) -> None:
    device, robot = make(emergency_parser=False)
    running = robot.start_program(["G1 X4 F600", "G1 X100 F60"])
    until(lambda: bool(device.axes.moved))
    robot.driver.stop()
    with pytest.raises(Stopped):
        running.result()
    assert device.axes.position[0] == 4
    assert robot.driver.status().position_known
    robot.run(["G1 X0 F6000"])


def test_emergency_stop__halts_until_the_controller_is_restarted(make: Make) -> None:
    device, robot = make({"emergency": "M112"})
    running = robot.start_program(square(200, feed=300))
    until(lambda: len(device.axes.moved) > 1)
    robot.driver.emergency_stop()
    with pytest.raises(Stopped):
        running.result()
    assert device.halted
    assert not device.axes.blocks, "it has said so, and was not at rest"
    until(lambda: len(robot.links) > 1)
    assert "halted" in robot.links[-1][1]
    robot.driver.reset()
    moved = len(device.axes.moved)
    device.reboot()
    robot.driver.connect()
    with pytest.raises(DriverError, match="HOME"):
        robot.run(["G1 X1 F600"])
    robot.do([{"home": True}])
    assert len(device.axes.moved) == moved
    robot.run(["G1 X1 F6000"])


def test_emergency_stop__by_m410_keeps_the_motors_on(make: Make) -> None:
    device, robot = make({"emergency": "M410"})
    running = robot.start_program(square(200, feed=300))
    until(lambda: len(device.axes.moved) > 1)
    robot.driver.emergency_stop()
    with pytest.raises(Stopped):
        running.result()
    assert not device.axes.blocks
    assert not device.halted
    with pytest.raises(Stopped):
        robot.run(["G1 X1 F600"])
    robot.driver.reset()
    assert not robot.driver.status().position_known
    robot.do([{"home": True}])
    robot.run(["G1 X1 F6000"])


# the link


def test_homing__that_fails_halts_and_is_told(make: Make) -> None:
    _, robot = make(homing_fails=True)
    with pytest.raises(DriverError, match="halted"):
        robot.do([{"home": True}])


def test_homing__is_required_where_configured(make: Make) -> None:
    device, robot = make({"homing_required": True})
    with pytest.raises(DriverError, match="HOME"):
        robot.run(["G1 X1 F600"])
    assert "G28" not in device.taken
    robot.do([{"home": True}])
    robot.run(["G1 X1 F6000"])


def test_unplugged_in_motion__is_uncertain_and_another_name_restores_the_link(
    make: Make, tmp_path: Path
) -> None:
    device, robot = make()
    running = robot.start_program(["G1 X3 F600", *square(50, feed=600)])
    until(lambda: len(device.axes.blocks) > 3)
    device.unplug()
    with pytest.raises(LinkLost):
        running.result()
    device.replug(tmp_path / "ttyUSB1")
    sent = robot.driver.status().details["lines_sent"]
    robot.driver.connect()
    until(lambda: not device.axes.full)
    # what it had already it goes on with; nothing more is sent
    assert len([line for line in device.taken if line.startswith("G1")]) < sent
    in_order(["G1 X3 F600", *square(50, feed=600)], device.taken)
    assert not robot.driver.status().position_known
    device.order(device.axes.drop)
    robot.do([{"unlock": True}])
    robot.run(["G1 X0 F6000"])


def test_silence__of_a_controller_whose_port_is_open_is_noticed(make: Make) -> None:
    device, robot = make({"answer_timeout_s": 1.0})
    running = robot.start_program(square(100, feed=600))
    until(lambda: len(device.axes.moved) > 1)
    device.die()
    with pytest.raises(LinkLost):
        running.result()


def test_start_of_the_controller_in_motion__is_uncertain(make: Make) -> None:
    device, robot = make()
    running = robot.start_program(square(100, feed=600))
    until(lambda: len(device.axes.moved) > 1)
    device.reboot()
    with pytest.raises(UncertainOutcome) as raised:
        running.result()
    assert raised.value.cause == "device_reset"
    moved = len(device.axes.moved)
    with pytest.raises(DriverError, match="HOME"):
        robot.run(["G1 X1 F600"])
    assert len(device.axes.moved) == moved
