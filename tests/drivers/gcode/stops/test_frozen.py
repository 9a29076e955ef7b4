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

pytestmark = pytest.mark.wall("the driver is a process that is stopped and goes on")

TIMES = 4
STANDS_S = {"M410": 4.5}
"""Marlin says nothing for a second after a stop, or for two; so the limit leaves it as long again
on a busy machine."""
HEAD = """
import sys
from pathlib import Path
from robotq.drivers import grbl, marlin
from robotq.drivers.base import Stopped
from tests.drivers.gcode.bench import bench, square, until

name, folder, port = sys.argv[1:]
factory = {"grbl": grbl.create, "marlin": marlin.create}[name]
limits = {"grbl": {"silence_s": 0.6}, "marlin": {"answer_timeout_s": 0.6}}[name]
stop_s = {"grbl": 0.7, "marlin": 4.0}[name]
"""
UNLOCKS = f"""
with bench(factory, Path(folder), port, **limits) as robot:
    for _ in range({TIMES}):
        robot.driver.connect()
        print("now", flush=True)
        sys.stdin.readline()
        robot.do([{{"unlock": True}}])
print("completed", flush=True)
"""
STOPS = """
with bench(factory, Path(folder), port, stop_timeout_s=stop_s, **limits) as robot:
    running = robot.start_program(square(200, feed=600))
    until(lambda: robot.driver.status().details["lines_under_way"] > 3)
    print("now", flush=True)
    sys.stdin.readline()
    robot.driver.stop()
    try:
        running.result()
    except Stopped:
        print("stopped", flush=True)
"""


class Freezing:
    """Stops the process that drives it at the next question, and answers that meanwhile."""

    at = b""
    """What it is stopped at."""
    driver = 0
    frozen = 0
    armed = False

    def freeze(self, data: bytes) -> None:
        if not self.armed or self.at not in data:
            return
        self.armed = False
        self.frozen += 1
        os.kill(self.driver, signal.SIGSTOP)
        stands_s = STANDS_S.get(self.at.decode(), 1.0)
        Timer(stands_s, os.kill, (self.driver, signal.SIGCONT)).start()


class FreezingGrbl(Freezing, GrblEmulator):
    def _act(self, byte: int) -> None:
        self.freeze(bytes([byte]))
        super()._act(byte)


class FreezingMarlin(Freezing, MarlinEmulator):
    def take(self, data: bytes) -> None:
        self.freeze(data)
        super().take(data)


Firmware = type[FreezingGrbl] | type[FreezingMarlin]


def told_by(script: str, firmware: Firmware, folder: Path, at: bytes) -> tuple[list[str], int]:
    """What the process has told, and how often it was stopped: at the first `at` after each
    "now"."""
    name = "grbl" if firmware is FreezingGrbl else "marlin"
    with firmware(folder / "ttyUSB0") as device:
        command = [sys.executable, "-c", HEAD + script, name, str(folder), device.port]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as driver:
            assert driver.stdin is not None
            assert driver.stdout is not None
            device.driver, device.at = driver.pid, at
            told = []
            for line in driver.stdout:
                told.append(line.strip())
                device.armed = told[-1] == "now"
                if device.armed:
                    driver.stdin.write("\n")
                    driver.stdin.flush()
        return told, device.frozen


@pytest.mark.slow
@pytest.mark.parametrize(("firmware", "at"), [(FreezingGrbl, b"?"), (FreezingMarlin, b"M114")])
def test_driver_that_stood_for_longer_than_its_limit__keeps_the_link(
    tmp_path: Path, firmware: Firmware, at: bytes
) -> None:
    told, frozen = told_by(UNLOCKS, firmware, tmp_path, at)
    assert told == ["now"] * TIMES + ["completed"]
    assert frozen == TIMES


@pytest.mark.slow
@pytest.mark.parametrize(("firmware", "at"), [(FreezingGrbl, b"!"), (FreezingMarlin, b"M410")])
def test_stop_in_which_the_driver_stood__is_told_as_the_stop_that_it_was(
    tmp_path: Path, firmware: Firmware, at: bytes
) -> None:
    assert told_by(STOPS, firmware, tmp_path, at) == (["now", "stopped"], 1)


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
