"""Steps that follow the others whatever became of them, and where they are not sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import grbl, marlin
from robotq.drivers.base import DriverError, DriverFactory, Ended, LastSteps, LinkLost, Stopped
from robotq.model.json import JsonObject
from robotq.steps import language
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode.bench import Bench, Running, bench, until

Device = GrblEmulator | MarlinEmulator
BOTH = pytest.mark.parametrize(
    ("factory", "emulator", "mark", "off"),
    [
        (grbl.create, GrblEmulator, "M8", "M9"),
        (marlin.create, MarlinEmulator, "M106 S7", "M107"),
    ],
    ids=["grbl", "marlin"],
)
AWAY: Sequence[JsonObject] = [{"step": "AWAY", "gcode": ["G1 X80 F600", "G1 X0"]}]


def moving(robot: Bench, device: Device, last: Sequence[Any]) -> Running:
    running = robot.start(AWAY, last=last)
    until(lambda: device.axes.moving)
    return running


@BOTH
def test_a_command_that_completes__runs_them_too(
    tmp_path: Path, factory: DriverFactory, emulator: type[Device], mark: str, off: str
) -> None:
    with (
        emulator(tmp_path / "port", speed=100) as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        result = robot.do([{"gcode": "G1 X5 F600"}], last=[{"gcode": mark}])
        assert device.taken.count(mark) == 1
        assert off not in device.taken
        assert "finally" not in result


@BOTH
def test_a_stop__switches_off_first_and_then_runs_them(
    tmp_path: Path, factory: DriverFactory, emulator: type[Device], mark: str, off: str
) -> None:
    with (
        emulator(tmp_path / "port") as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        running = moving(robot, device, [{"step": "OFF", "gcode": mark}])
        robot.driver.stop()
        with pytest.raises(Stopped) as error:
            running.result()
        assert error.value.last == LastSteps("done")
        assert off not in device.taken or device.taken.index(off) < device.taken.index(mark)
        assert device.taken.count(mark) == 1
        assert running.context.steps == ["AWAY", "OFF"]
        # the next command finds the robot as always
        robot.do([{"step": "UNLOCK", "unlock": True}, {"gcode": "G1 X1 F6000"}])


@BOTH
def test_a_step_that_fails__runs_them_and_fails_with_its_own_reason(
    tmp_path: Path, factory: DriverFactory, emulator: type[Device], mark: str, off: str
) -> None:
    with (
        emulator(tmp_path / "port", speed=100) as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        steps = [{"gcode": "G1 X5 F600"}, {"fail": "no bottle"}]
        with pytest.raises(DriverError, match="no bottle") as error:
            robot.do(steps, last=[{"gcode": mark}, {"gcode": "G1 X0 F600"}])
        assert error.value.last == LastSteps("done")
        assert device.taken.index(off) < device.taken.index(mark)
        assert device.axes.position[0] == 0


def test_grbl__that_was_stopped_in_relative_mode_parks_in_absolute(tmp_path: Path) -> None:
    with (
        GrblEmulator(tmp_path / "port", speed=10) as device,
        bench(grbl.create, tmp_path, device.port) as robot,
    ):
        running = robot.start(
            [{"gcode": ["G91", "G1 X80 F600", "G1 X80"]}], last=[{"gcode": "G1 X3 F6000"}]
        )
        until(lambda: device.axes.moving)
        robot.driver.stop()
        with pytest.raises(Stopped) as error:
            running.result()
        assert error.value.last == LastSteps("done")
        assert device.axes.position[0] == pytest.approx(3)


def test_marlin__that_has_lost_its_position_switches_off_and_does_not_move(tmp_path: Path) -> None:
    with (
        MarlinEmulator(tmp_path / "port") as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        running = moving(robot, device, [{"gcode": "M106 S7"}, {"gcode": "G1 X3 F6000"}])
        robot.driver.stop()
        with pytest.raises(Stopped) as error:
            running.result()
        assert "M106 S7" in device.taken
        last = error.value.last
        assert last is not None
        assert last.state == "failed"
        assert "position is not known" in last.reason
        assert not any("X3" in line for line in device.axes.moved)


@BOTH
def test_an_emergency_stop__sends_none_of_them(
    tmp_path: Path, factory: DriverFactory, emulator: type[Device], mark: str, off: str
) -> None:
    with (
        emulator(tmp_path / "port") as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        running = moving(robot, device, [{"gcode": mark}])
        robot.driver.emergency_stop()
        with pytest.raises(Stopped) as error:
            running.result()
        assert error.value.last == LastSteps("not_run", "reason.finally_estop")
        assert mark not in device.taken
        assert off not in device.taken


@BOTH
def test_a_lost_link__sends_none_of_them(
    tmp_path: Path, factory: DriverFactory, emulator: type[Device], mark: str, off: str
) -> None:
    with (
        emulator(tmp_path / "port") as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        running = moving(robot, device, [{"gcode": mark}])
        device.unplug()
        with pytest.raises(LinkLost) as error:
            running.result()
        assert error.value.last == LastSteps("not_run", "reason.finally_unknown")
        assert mark not in device.taken
        assert off not in device.taken


@BOTH
@pytest.mark.parametrize("first", ["stop", "nothing"])
@pytest.mark.parametrize("how", ["stop", "emergency_stop"])
def test_a_stop_while_they_run__ends_them_at_once(  # noqa: PLR0917 - a table
    tmp_path: Path,
    factory: DriverFactory,
    emulator: type[Device],
    mark: str,
    off: str,
    first: str,
    how: str,
) -> None:
    with (
        emulator(tmp_path / "port") as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        last: list[JsonObject] = [{"step": "LONG", "wait_s": 25}, {"gcode": mark}]
        if first == "stop":
            running = moving(robot, device, last)
            robot.driver.stop()
        else:
            running = robot.start([{"gcode": "G1 X1 F6000"}], last=last)
        until(lambda: "LONG" in running.context.steps)
        getattr(robot.driver, how)()
        with pytest.raises(Stopped) as error:
            running.result(15)
        assert error.value.last == LastSteps("failed", "reason.finally_stopped")
        assert mark not in device.taken


@BOTH
def test_a_link_that_breaks_while_they_run__is_an_unknown_outcome(
    tmp_path: Path,
    factory: DriverFactory,
    emulator: type[Device],
    mark: str,
    off: str,
) -> None:
    with (
        emulator(tmp_path / "port") as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        running = moving(robot, device, [{"step": "LONG", "wait_s": 25}, {"gcode": mark}])
        robot.driver.stop()
        until(lambda: "LONG" in running.context.steps)
        device.unplug()
        with pytest.raises(LinkLost) as error:
            running.result(15)
        assert error.value.last is not None
        assert error.value.last.state == "failed"


def test_they_have_an_end__whatever_they_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "LAST_S", 0.3)
    with (
        GrblEmulator(tmp_path / "port") as device,
        bench(grbl.create, tmp_path, device.port) as robot,
    ):
        with pytest.raises(DriverError, match="no bottle") as error:
            robot.do([{"fail": "no bottle"}], last=[{"wait_s": 50}, {"gcode": "M8"}])
        last = error.value.last
        assert last is not None
        assert last.state == "failed"
        assert "0.3 s" in last.reason
        with pytest.raises(DriverError) as failed:
            robot.do([{"gcode": "G1 X1 F6000"}], last=[{"gcode": "G1 X90 F60"}])
        assert failed.value.code == "timeout"
        assert isinstance(failed.value, Ended)
        assert failed.value.last is not None


def test_a_command_that_has_not_begun__has_nothing_to_finish(tmp_path: Path) -> None:
    with (
        GrblEmulator(tmp_path / "port") as device,
        bench(grbl.create, tmp_path, device.port) as robot,
    ):
        robot.driver.emergency_stop()
        with pytest.raises(Stopped) as error:
            robot.do(AWAY, last=[{"gcode": "M8"}])
        assert error.value.last is None
