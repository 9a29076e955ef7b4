"""A daemon whose simulated robots note when they are told what.

`python -m benchmarks.stopwatch serve ...` is `robotq serve ...` with a stopwatch in the driver:
one line `what robot nanoseconds` for each call, on the monotonic clock that all processes of a
machine share, in `<data>/stopwatch.txt`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from robotq.cli import main
from robotq.drivers import simulator
from robotq.drivers.base import CommandContext, DriverSetup
from robotq.drivers.simulator.driver import SimulatorDriver
from robotq.model.json import JsonObject
from robotq.model.task import Command

PROGRAM = ("-m", "benchmarks.stopwatch")
FILE = "stopwatch.txt"

START, END, ESTOP = "start", "end", "estop"


@dataclass(frozen=True, slots=True)
class Note:
    what: str
    robot: str
    at_s: float


def read(file: Path, offset: int = 0) -> Iterator[Note]:
    """The notes in a file from a byte on."""
    with file.open(encoding="utf-8") as lines:
        lines.seek(offset)
        for line in lines:
            what, robot, at_ns = line.split()
            yield Note(what, robot, int(at_ns) / 1e9)


class TimedSimulator(SimulatorDriver):
    """The simulator's driver, which notes the calls that are measured."""

    def __init__(self, setup: DriverSetup) -> None:
        super().__init__(setup)
        self._name = setup.robot
        file = setup.data / FILE
        self._notes = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        self._note(START)
        try:
            return super().execute(command, context)
        finally:
            self._note(END)

    def emergency_stop(self) -> None:
        super().emergency_stop()
        self._note(ESTOP)

    def _note(self, what: str) -> None:
        os.write(self._notes, f"{what} {self._name} {time.perf_counter_ns()}\n".encode())


if __name__ == "__main__":
    simulator.create = TimedSimulator
    sys.exit(main())
