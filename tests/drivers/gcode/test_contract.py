"""The promises of every driver, kept by those for G-code controllers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import grbl, marlin
from robotq.drivers.base import CommandContext, Driver, DriverFactory, LinkState, UncertainOutcome
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import Program
from robotq.testing.driver_contract import (
    DriverBench,
    DriverContract,
    RecordingContext,
    driver_setup,
)
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode.bench import Bench, Context, Running, program
from tests.drivers.killed import until

PROGRAMS = {
    "QUICK": program([{"step": "HOMING", "home": True}, {"gcode": "G1 X1 F6000"}]),
    # not told, since nothing can be held while it homes
    "LONG": program([{"home": True}, {"step": "GO", "gcode": "G1 X100 F60"}]),
}


class Stepped:
    """A driver, with the steps of its commands in the context as the daemon puts them there."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        assert isinstance(context, RecordingContext)
        context.program = PROGRAMS.get(command.cmd_type)
        return self._driver.execute(command, context)


def made(
    create: DriverFactory, device: GrblEmulator | MarlinEmulator, folder: Path, **options: Any
) -> Iterator[DriverBench]:
    with device:
        setup, links = driver_setup(folder, {"port": device.port, **options})
        driver = create(setup)
        yield DriverBench(
            driver=Stepped(driver),
            links=links,
            quick=Command(cmd_type="QUICK"),
            long=Command(cmd_type="LONG"),
            query=Command(cmd_type="GET_ROBOT_MOTION_STATE"),
            pause=device.press_hold if isinstance(device, GrblEmulator) else None,
            go_on=device.press_start if isinstance(device, GrblEmulator) else None,
            break_link=device.unplug,
            mend_link=device.replug,
            motions=lambda: len(device.axes.moved),
        )
        driver.close()


class TestGrbl(DriverContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[DriverBench]:
        yield from made(
            grbl.create, GrblEmulator(tmp_path / "tty", homing=True, speed=10), tmp_path
        )


class TestMarlin(DriverContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[DriverBench]:
        device = MarlinEmulator(tmp_path / "tty", speed=10)
        yield from made(marlin.create, device, tmp_path, emergency="M410")


class _Unplugged(Context):
    """The cable comes off right after the robot has come home."""

    def __init__(self, steps: Program, device: GrblEmulator | MarlinEmulator, bench: Bench) -> None:
        super().__init__(steps)
        self._device, self._bench = device, bench

    @contextmanager
    def step(self, name: str, **detail: Any) -> Iterator[None]:
        with super().step(name, **detail):
            if name == "GO":
                self._device.unplug()
                until(lambda: self._bench.links[-1][0] is LinkState.DISCONNECTED)
            yield


@pytest.mark.parametrize("firmware", ["grbl", "marlin"])
def test_link__that_is_lost_between_two_lines_is_what_ends_the_command(
    tmp_path: Path, firmware: str
) -> None:
    """Before: "the robot has not been homed", of a robot that had just come home."""
    device: GrblEmulator | MarlinEmulator
    if firmware == "grbl":
        device, create = GrblEmulator(tmp_path / "tty", homing=True, speed=10), grbl.create
    else:
        device, create = MarlinEmulator(tmp_path / "tty", speed=10), marlin.create
    with device:
        bench = Bench(create, tmp_path, device.port, {"homing_required": True})
        bench.driver.connect()
        context = _Unplugged(PROGRAMS["LONG"], device, bench)
        running = Running(bench.driver, Command(cmd_type="LONG", params={}), context)
        with pytest.raises(UncertainOutcome):
            running.result()
        bench.driver.close()
