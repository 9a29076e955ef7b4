"""A third firmware gets a driver with the same promises from a few hundred lines of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.drivers.base import DriverError, LinkLost, Stopped, WrongDevice
from robotq.model.task import Command
from robotq.testing.driver_contract import DriverBench, DriverContract, driver_setup
from tests.drivers.gcode.bench import Bench, bench, until
from tests.drivers.gcode.test_contract import Stepped
from tests.drivers.gcode.tiny.device import GO, HOLD, TinyDevice
from tests.drivers.gcode.tiny.driver import TinyController, create


class TestTiny(DriverContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[DriverBench]:
        with TinyDevice(tmp_path / "tty") as device:
            setup, links = driver_setup(tmp_path, {"port": device.port})
            driver = create(setup)
            yield DriverBench(
                driver=Stepped(driver),
                links=links,
                quick=Command(cmd_type="QUICK"),
                long=Command(cmd_type="LONG"),
                query=Command(cmd_type="GET_ROBOT_MOTION_STATE"),
                pause=lambda: device.press(HOLD),
                go_on=lambda: device.press(GO),
                break_link=device.unplug,
                mend_link=device.replug,
                motions=lambda: len(device.moved),
            )
            driver.close()


@pytest.fixture
def device(tmp_path: Path) -> Iterator[TinyDevice]:
    with TinyDevice(tmp_path / "tty") as made:
        yield made


@pytest.fixture
def robot(device: TinyDevice, tmp_path: Path) -> Iterator[Bench]:
    with bench(create, tmp_path, device.port) as made:
        yield made


def test_refused_line__fails_the_command_with_its_number(robot: Bench, device: TinyDevice) -> None:
    with pytest.raises(DriverError, match="line 2, no such code"):
        robot.run(["G1 X1 F6000", "M999", "G1 X2"])

    assert device.moved == ["G1 X1 F6000"]


def test_line__that_the_dialect_does_not_know_is_refused_before_anything_moves(
    robot: Bench, device: TinyDevice
) -> None:
    with pytest.raises(DriverError, match="not a word of G-code"):
        robot.run(["G1 X1 F6000", "hello world"])

    assert device.moved == []


def test_position__is_not_known_after_an_emergency_stop_in_motion(
    robot: Bench, device: TinyDevice
) -> None:
    running = robot.start_program(["G1 X100 F60"])
    until(lambda: bool(device.moved))
    robot.driver.emergency_stop()
    with pytest.raises(Stopped):
        running.result()
    robot.driver.reset()

    assert not robot.driver.status().position_known
    with pytest.raises(DriverError, match="because of an emergency stop: HOME, or UNLOCK"):
        robot.run(["G1 X1 F6000"])
    robot.do([{"home": True}])
    assert robot.driver.status().position_known


def test_emergency_stop__between_two_steps_is_what_ends_the_command(
    robot: Bench, device: TinyDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: "the robot has not been homed: HOME first", of a robot that was at home."""
    robot.do([{"home": True}])
    before = list(device.moved)

    def pressed(_: TinyController) -> None:
        """By a person, while a step looks whether the robot is ready."""
        robot.driver.emergency_stop()

    monkeypatch.setattr(TinyController, "_require_unlocked", pressed)
    with pytest.raises(Stopped):
        robot.run(["G1 X1 F6000"])
    assert device.moved == before


def test_other_machine__at_the_same_port_gets_nothing(robot: Bench, device: TinyDevice) -> None:
    device.unplug()
    until(lambda: len(robot.links) > 1)
    device.greeting = "tiny 1.0 somebody else"
    device.replug()

    with pytest.raises(WrongDevice):
        robot.driver.connect()
    with pytest.raises(LinkLost):
        robot.run(["G1 X1 F6000"])
    assert device.moved == []
