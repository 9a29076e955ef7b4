"""A daemon that stands for a while (a busy machine, a debugger, a paused virtual machine) has not
listened meanwhile: what the controller has said is there to be read, and it is no silence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer
from types import ModuleType

import pytest

from robotq.drivers import grbl, marlin
from robotq.drivers.base import LinkLost
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode.bench import bench

TIMES = 4
STANDS_S = 1.0
DRIVEN = f"""
import sys
from pathlib import Path
from robotq.drivers import grbl, marlin
from tests.drivers.gcode.bench import bench

factory = {{"grbl": grbl.create, "marlin": marlin.create}}[sys.argv[1]]
limit = {{"grbl": "silence_s", "marlin": "answer_timeout_s"}}[sys.argv[1]]
with bench(factory, Path(sys.argv[2]), sys.argv[3], **{{limit: 0.6}}) as robot:
    for _ in range({TIMES}):
        robot.driver.connect()
        print("now", flush=True)
        robot.do([{{"unlock": True}}])
print("completed", flush=True)
"""


class Freezing:
    """Stops the process that drives it at the next question, and answers that meanwhile."""

    driver = 0
    frozen = 0
    armed = False

    def freeze(self) -> None:
        if not self.armed:
            return
        self.armed = False
        self.frozen += 1
        os.kill(self.driver, signal.SIGSTOP)
        Timer(STANDS_S, os.kill, (self.driver, signal.SIGCONT)).start()


class FreezingGrbl(Freezing, GrblEmulator):
    def _report(self) -> None:
        self.freeze()
        super()._report()


class FreezingMarlin(Freezing, MarlinEmulator):
    def take(self, data: bytes) -> None:
        if b"M114" in data:
            self.freeze()
        super().take(data)


@pytest.mark.parametrize("firmware", [FreezingGrbl, FreezingMarlin])
def test_driver_that_stood_for_longer_than_its_limit__keeps_the_link(
    tmp_path: Path, firmware: type[FreezingGrbl | FreezingMarlin]
) -> None:
    name = "grbl" if firmware is FreezingGrbl else "marlin"
    with firmware(tmp_path / "ttyUSB0") as device:
        command = [sys.executable, "-c", DRIVEN, name, str(tmp_path), device.port]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
            assert driver.stdout is not None
            device.driver = driver.pid
            told = []
            for line in driver.stdout:
                told.append(line.strip())
                device.armed = told[-1] == "now"
        assert told == ["now"] * TIMES + ["completed"]
        assert device.frozen == TIMES


@pytest.mark.parametrize(("driver", "firmware"), [(grbl, GrblEmulator), (marlin, MarlinEmulator)])
def test_controller_that_says_nothing_any_more__is_given_up(
    tmp_path: Path, driver: ModuleType, firmware: type[GrblEmulator | MarlinEmulator]
) -> None:
    """Patience has an end, also while both sides count their lines anew."""
    limit = {"silence_s" if driver is grbl else "answer_timeout_s": 0.6}
    with (
        firmware(tmp_path / "ttyUSB0") as device,
        bench(driver.create, tmp_path, device.port, **limit) as robot,
    ):
        device.die()
        with pytest.raises(LinkLost, match=r"said nothing for 0\.6 s"):
            robot.do([{"unlock": True}])
