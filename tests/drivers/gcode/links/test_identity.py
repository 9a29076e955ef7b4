"""The robot at the other end of the cable is the one that is meant, at each connection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from robotq.drivers import grbl, marlin
from robotq.drivers.base import DriverError, DriverFactory, LinkLost, Stopped, WrongDevice
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode.bench import Bench, bench, square, until

Emulator = GrblEmulator | MarlinEmulator


def a_grbl(link: Path, name: str) -> Emulator:
    return GrblEmulator(link, speed=100, name=name)


def a_marlin(link: Path, name: str) -> Emulator:
    return MarlinEmulator(link, speed=100, machine=name)


KINDS = pytest.mark.parametrize(
    ("factory", "make"), [(grbl.create, a_grbl), (marlin.create, a_marlin)], ids=["grbl", "marlin"]
)
Make = Callable[[Path, str], Emulator]


class Desk:
    """Two robots, and a name that stands for one of them."""

    def __init__(self, folder: Path, make: Make, *names: str) -> None:
        self.robots = [make(folder / f"ttyUSB{n}", name) for n, name in enumerate(names)]
        self.link = folder / "usb-Bridge-if00"

    def plug(self, number: int) -> None:
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(self.robots[number].port)

    def swap(self, robot: Bench, number: int) -> None:
        """The plug of one is pulled, and the name is that of the other now."""
        self.link.unlink()
        self.robots[1 - number].unplug()
        until(lambda: robot.driver.status().link == "disconnected")
        self.plug(number)


@KINDS
def test_identity__another_robot_gets_no_motion_and_no_unlock(
    tmp_path: Path, factory: DriverFactory, make: Make
) -> None:
    desk = Desk(tmp_path, make, "gantry", "mill")
    first, second = desk.robots
    with first, second:
        desk.plug(0)
        with bench(factory, tmp_path, str(desk.link), identity="gantry") as robot:
            robot.run(["G1 X1 F600"])
            desk.swap(robot, 1)
            with pytest.raises(WrongDevice, match=r'mill.*identity is "gantry"') as refused:
                robot.driver.connect()
            assert refused.value.expected == "gantry"
            assert "mill" in refused.value.found
            for steps in ([{"unlock": True}], [{"home": True}], [{"gcode": "G1 X5 F600"}]):
                with pytest.raises(LinkLost):
                    robot.do(steps)
            assert not [line for line in second.taken if line[:2] in ("G0", "G1", "$X", "$H")]
            # no reset takes what the configuration excludes
            with pytest.raises(LinkLost):
                robot.driver.emergency_stop()
            robot.driver.reset()
            with pytest.raises(WrongDevice):
                robot.driver.connect()
            first.replug()
            desk.plug(0)
            robot.driver.connect()
            robot.do([{"unlock": True}, {"gcode": "G1 X2 F600"}])
            assert (first.axes.position[0], second.axes.position[0]) == (2.0, 0.0)


@KINDS
def test_no_identity__who_answers_otherwise_than_at_first_is_taken_by_a_person_only(
    tmp_path: Path, factory: DriverFactory, make: Make
) -> None:
    desk = Desk(tmp_path, make, "gantry", "mill")
    first, second = desk.robots
    with first, second:
        desk.plug(0)
        with bench(factory, tmp_path, str(desk.link)) as robot:
            desk.swap(robot, 1)
            for _ in range(2):
                with pytest.raises(WrongDevice, match=r"mill.*gantry.*reset, or restart"):
                    robot.driver.connect()
            with pytest.raises(LinkLost):
                robot.driver.emergency_stop()
            robot.driver.reset()
            robot.driver.connect()
            assert not robot.driver.status().position_known
            robot.do([{"unlock": True}, {"gcode": "G1 X2 F600"}])
            assert second.axes.position[0] == 2.0


@KINDS
def test_reset__before_the_other_one_was_seen_takes_nobody(
    tmp_path: Path, factory: DriverFactory, make: Make
) -> None:
    desk = Desk(tmp_path, make, "gantry", "mill")
    first, second = desk.robots
    with first, second:
        desk.plug(0)
        with bench(factory, tmp_path, str(desk.link)) as robot:
            robot.driver.emergency_stop()
            robot.driver.reset()
            desk.swap(robot, 1)
            robot.driver.reset()
            with pytest.raises(WrongDevice):
                robot.driver.connect()


def test_grbl__without_a_name_says_how_it_gets_one(tmp_path: Path) -> None:
    with (
        GrblEmulator(tmp_path / "ttyUSB0") as device,
        pytest.raises(WrongDevice, match=r"\$I=NAME"),
        bench(grbl.create, tmp_path, device.port, identity="gantry"),
    ):
        pass


@pytest.mark.parametrize("identity", ["gantr", "gantry 2", "GANTRY", "1.1h.20190825:"])
def test_identity__is_the_whole_name_and_no_part_of_it(tmp_path: Path, identity: str) -> None:
    with (
        GrblEmulator(tmp_path / "ttyUSB0", name="gantry") as device,
        pytest.raises(WrongDevice),
        bench(grbl.create, tmp_path, device.port, identity=identity),
    ):
        pass


@pytest.mark.parametrize(
    "identity", ["gantry", "1.1h.20190825:gantry", "[VER:1.1h.20190825:gantry]"]
)
def test_identity__of_a_grbl_as_name_or_line(tmp_path: Path, identity: str) -> None:
    with (
        GrblEmulator(tmp_path / "ttyUSB0", name="gantry") as device,
        bench(grbl.create, tmp_path, device.port, identity=identity) as robot,
    ):
        assert "gantry" in str(robot.driver.status().details["identity"])


@pytest.mark.parametrize("identity", ["Arm of lab 3", "0e1f"])
def test_identity__of_a_marlin_is_its_machine_type_or_uuid(tmp_path: Path, identity: str) -> None:
    with (
        MarlinEmulator(tmp_path / "ttyUSB0", machine="Arm of lab 3", uuid="0e1f") as device,
        bench(marlin.create, tmp_path, device.port, identity=identity),
    ):
        pass


class _Greets(GrblEmulator):
    """A greeting that nobody has read yet comes before its first report."""

    greets_first = False

    def _report(self) -> None:
        if self.greets_first:
            self.greets_first = False
            self.say("Grbl 1.1h ['$' for help]")
        else:
            super()._report()


@pytest.mark.parametrize("greets", [False, True], ids=["", "a greeting from before"])
def test_grbl__that_moved_when_the_link_was_made_says_who_it_is_before_it_moves_again(
    tmp_path: Path, greets: bool
) -> None:
    """It answers `$I` only at rest. Until then it is not set in motion, and not unlocked."""
    desk = Desk(tmp_path, lambda link, name: _Greets(link, name=name), "gantry", "mill")
    first, second = desk.robots
    with first, second:
        desk.plug(0)
        with bench(grbl.create, tmp_path, str(desk.link)) as robot:
            desk.swap(robot, 1)
            # somebody else has left it in the middle of a motion, longer than any connect
            second.order(lambda: second.axes.plan((200.0, 0.0, 0.0), 5.0, "theirs"))
            until(lambda: second.axes.moving)
            assert isinstance(second, _Greets)
            second.greets_first = greets
            robot.driver.connect()
            assert second.axes.moving
            with pytest.raises(DriverError, match="who it is"):
                robot.driver.resume()
            second.order(second.axes.drop)
            with pytest.raises(WrongDevice, match="mill"):
                robot.do([{"unlock": True}])
            assert "$X" not in second.taken
            assert robot.driver.status().link == "disconnected"
            with pytest.raises(WrongDevice):
                robot.driver.connect()


def test_grbl__that_goes_on_moving_is_known_again_when_it_stands(tmp_path: Path) -> None:
    with (
        GrblEmulator(tmp_path / "ttyUSB0", name="gantry") as device,
        bench(grbl.create, tmp_path, device.port, identity="gantry") as robot,
    ):
        running = robot.start_program(square(12, feed=600))
        until(lambda: bool(device.axes.moved))
        device.unplug()
        with pytest.raises((LinkLost, Stopped)):
            running.result()
        device.replug()
        robot.driver.connect()
        assert device.axes.moving
        robot.do([{"unlock": True}, {"gcode": "G0 X0 Y0"}])
        robot.driver.resume()
