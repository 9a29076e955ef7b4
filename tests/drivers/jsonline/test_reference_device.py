"""An engineer with two terminals: `robotq device` in one, the ready configuration in the other."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from robotq.client import Client, Task
from robotq.testing.process import DaemonProcess, clean_environment
from tests import forks

pytestmark = pytest.mark.wall("the device and the daemon are processes of their own")

ROOT = Path(__file__).parents[3]
PROGRAM = [f"G1 X{number % 200} Y{number % 77} F6000" for number in range(10_000)]
_PATIENCE_S = 30.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


class Bench:
    """The device, the daemon that drives it, and a client of the daemon."""

    def __init__(self, folder: Path, client: Client) -> None:
        self._log = folder / "device" / "simulator" / "motions.jsonl"
        self.client = client

    def moved(self) -> list[str]:
        """The lines of G-code whose motion the device has begun: the judge."""
        if not self._log.exists():
            return []
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [line["motion"] for line in lines if line["step"] == "RUNNING"]

    def start(self, lines: list[str]) -> str:
        return self.client.submit("RUN_GCODE", {"program": lines}).task_id

    def moving(self, lines: list[str], more_than: int = 20) -> str:
        """Start a program, and wait until it is in the middle of it."""
        before = len(self.moved())
        task_id = self.start(lines)
        until(lambda: len(self.moved()) > before + more_than)
        return task_id


@contextmanager
def at_work(folder: Path, *, time_scale: float) -> Iterator[Bench]:
    for name in ("jsonline-robot.yaml", "jsonline-commands.yaml"):
        shutil.copy(ROOT / "config" / name, folder)
    said = folder / "said"
    with said.open("wb") as told:
        device = forks.start(
            ["-m", "robotq", "device", "--link", "robot_a.port", "--data", "device",
             "--time-scale", str(time_scale)],
            cwd=folder,
            env=clean_environment({}),
            stdout=told,
            stderr=told,
        )  # fmt: skip
    try:
        until(lambda: b"\n" in said.read_bytes())  # it prints its port
        daemon = DaemonProcess(
            folder / "data", config=folder / "jsonline-robot.yaml", run=forks.run
        )
        with daemon, Client(daemon.url, language="en") as client:
            bench = Bench(folder, client)
            until(lambda: client.robot("robot_a").connected)
            yield bench
    finally:
        device.terminate()
        device.wait(_PATIENCE_S)


def test_program_and_scan__over_the_wire_with_progress(tmp_path: Path) -> None:
    told: list[float] = []

    def look(task: Task) -> None:
        if task.progress is not None:
            told.append(task.progress)

    with at_work(tmp_path, time_scale=0) as bench:
        task = bench.client.wait(bench.start(PROGRAM), progress=look, interval_s=0.05)
        assert task.completed, task
        assert task.result is not None
        assert task.result["lines"] == len(PROGRAM)
        assert bench.moved() == PROGRAM
        assert told == sorted(told)
        assert any(0 < fraction < 1 for fraction in told), told
        assert bench.client.run("SCAN_QRCODE").completed
        bad = bench.client.wait(bench.start(["G1 X1", "G1 X2..3"]))
        assert "line 2" in str(bad.message)


def test_pause_resume_cancel_and_emergency_stop__while_it_streams(tmp_path: Path) -> None:
    program = PROGRAM[:2_000]
    with at_work(tmp_path, time_scale=0.05) as bench:
        client = bench.client
        task_id = bench.moving(program)
        client.hold_motion("robot_a")
        held = len(bench.moved())
        assert client.robot("robot_a").motion_held
        time.sleep(0.05)
        # the motion in whose middle it stands goes on later
        assert len(bench.moved()) == held
        client.resume_motion("robot_a")
        until(lambda: len(bench.moved()) > held + 5)
        client.cancel(task_id)
        assert client.wait(task_id).cancelled
        assert bench.moved() == program[: len(bench.moved())]

        before = len(bench.moved())
        task_id = bench.moving(program)
        client.estop()
        assert client.wait(task_id).state == "failed"
        stopped = len(bench.moved())
        waiting = bench.start(program[:3])
        client.reset_estop()
        assert client.task(waiting).state == "pending"
        assert len(bench.moved()) == stopped, "a reset starts no motion"
        client.resume("robot_a")
        assert client.wait(waiting).completed
        assert bench.moved()[before:stopped] == program[: stopped - before]
        assert bench.moved()[stopped:] == program[:3]
