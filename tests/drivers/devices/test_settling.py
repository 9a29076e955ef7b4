"""A robot with devices beside it, whose own driver can ask its robot what became of a command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from robotq.catalog import load_catalog
from robotq.config.robots import DeviceConfig
from robotq.drivers import simulator
from robotq.drivers.base import Driver, DriverError, Stopped
from robotq.drivers.devices import with_devices
from robotq.drivers.settling import RunState, Settled, Settles, UnsettledRun
from robotq.model.task import Command
from robotq.steps import Program
from robotq.testing.driver_contract import (
    DriverBench,
    Execution,
    RecordingContext,
    driver_setup,
)
from robotq.testing.settle_contract import SettleContract
from tests.drivers.line.pump import OPTIONS, Pump
from tests.drivers.line.wire import Wire
from tests.drivers.rosbridge.site import Site

pytestmark = pytest.mark.wall("asyncio, which the bridge and its client use, waits by the wall")

_STEPS = """\
commands:
  MOVE:
    steps: [{on: pump, do: {cmd_type: PUMP, params: {volume_ml: 1}}}]
"""


class Lab:
    """A robot of ROS with a pump beside it."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder)
        self.pump_wire = Wire(Pump())
        (folder / "pump.yaml").write_text(json.dumps(OPTIONS))
        self._folder = folder
        self.note = folder / "devices" / "robot_a.json"
        self.drivers: list[Driver] = []
        self.driver = self.again()

    def again(self) -> Driver:
        setup, _ = driver_setup(self._folder, {})
        pump = {"device": str(self._folder / "pump.yaml"), "port": self.pump_wire.url}
        setup = replace(setup, devices={"pump": DeviceConfig(options=pump)})
        self.note = self._folder / "devices" / f"{setup.robot}.json"
        self.drivers.append(with_devices(setup, self.site.again()))
        return self.drivers[-1]

    def uses_the_pump(self) -> Program:
        path = self._folder / "own.yaml"
        path.write_text(_STEPS)
        program: Any = load_catalog([path]).get("MOVE").program("robot_a")
        assert isinstance(program, Program)
        return program

    def close(self) -> None:
        for driver in self.drivers:
            driver.close()
        self.site.close()
        self.pump_wire.close()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with ExitStack() as stack:
        made = Lab(tmp_path)
        stack.callback(made.close)
        yield made


class TestWithDevices(SettleContract):
    @pytest.fixture
    def bench(self, lab: Lab) -> DriverBench:
        return DriverBench(
            driver=lab.driver,
            links=lab.site.links,
            quick=Command(cmd_type="MOVE", params={"steps": 3}),
            long=Command(cmd_type="MOVE", params={"steps": 300, "step_s": 0.01}),
            motions=lab.site.starts,
            again=lab.again,
        )


@pytest.mark.parametrize("cut_off", [True, False])
def test_settle__of_a_command_whose_device_was_at_work_is_unknown(lab: Lab, cut_off: bool) -> None:
    """Whatever the robot says of its own part."""
    command = Command(cmd_type="MOVE", params={"steps": 3})
    lab.driver.connect()
    done = Execution(lab.driver, command, task_id="task_one").ended()
    run = done.context.unsettled(command)
    lab.driver.close()
    lab.note.parent.mkdir(exist_ok=True)
    lab.note.write_text('["pump"]' if cut_off else "[]")
    after = lab.again()
    after.connect()
    uses = RecordingContext(task_id=run.task_id, program=lab.uses_the_pump())
    answer = _settled(after, run, uses)
    if cut_off:
        assert answer.state is RunState.UNKNOWN
        assert "pump" in answer.reason
    else:
        assert answer.state is RunState.COMPLETED
    # a command that uses none is the robot's own
    assert _settled(after, run, RecordingContext()).state is RunState.COMPLETED


def test_let_go__of_a_command_that_uses_devices_is_refused(lab: Lab) -> None:
    command = Command(cmd_type="MOVE", params={"steps": 3_000})
    lab.driver.connect()
    program = lab.uses_the_pump()
    execution = Execution(lab.driver, command, task_id="task_one", program=program).named()
    assert isinstance(lab.driver, Settles)
    with pytest.raises(DriverError, match="does not go on without robotq"):
        lab.driver.let_go(60)
    lab.driver.stop()
    assert isinstance(execution.ended().error, Stopped)


def test_robot__that_cannot_be_asked_does_not_say_that_it_can(tmp_path: Path) -> None:
    setup, _ = driver_setup(tmp_path, {})
    driver = with_devices(setup, simulator.create(setup))
    assert not isinstance(driver, Settles)
    driver.close()


def _settled(driver: Driver, run: UnsettledRun, context: RecordingContext) -> Settled:
    assert isinstance(driver, Settles)
    return driver.settle(run, context)
