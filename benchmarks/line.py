"""What `driver: line` adds to a question and its answer, next to a bare pyserial loop.

The device answers as fast as it can, in a process of its own. Both ask the same question, one
after the other, over a pseudo-terminal each; rounds take turns.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import serial

from benchmarks.figures import Figure, Options, percentile
from benchmarks.process import empty
from robotq.drivers import line
from robotq.model.task import Command
from robotq.testing.driver_contract import RecordingContext, driver_setup

TITLE = "a line device over a pty: round trip of a question, against a bare pyserial loop"

_DEVICE = r"""
import os, tty
master, slave = os.openpty()
tty.setraw(slave)
print(os.ttyname(slave), flush=True)
while True:
    data = os.read(master, 4096)
    for asked in data.split(b"\r\n"):
        if asked:
            os.write(master, b"ID BENCH\r\n" if asked == b"ID?" else b"S S    100.0042 g\r\n")
"""
_ANSWER = re.compile(r"S S +(?P<weight_g>[-+]?[0-9.]+) g")


def run(options: Options) -> list[Figure]:
    folder = empty(options.folder / "line")
    ours: list[float] = []
    bare: list[float] = []
    adds: list[float] = []
    shares: list[float] = []
    with _device() as quick, _device() as other:
        for _ in range(options.rounds):
            bare.append(statistics.median(_bare(quick, options.calls)))
            asked = _driver(other, options.calls, folder)
            ours.append(statistics.median(asked))
            adds.append(ours[-1] - bare[-1])
            shares.append(ours[-1] / bare[-1])
    middle = sorted(range(len(shares)), key=shares.__getitem__)[len(shares) // 2]
    raw = f"{1e3 * ours[middle]:.3f} ms, bare {1e3 * bare[middle]:.3f} ms"
    return [
        Figure(name="line.round_trip", value=shares[middle], raw=raw),
        Figure(
            name="line.adds",
            value=1e3 * percentile(sorted(adds), 50),
            unit="ms",
            raw="seconds on the wire are those of the device: 9600 baud take 20 ms for this answer",
        ),
    ]


@contextmanager
def _device() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-c", _DEVICE], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def _bare(port: str, calls: int) -> list[float]:
    """What somebody writes who needs the weight now."""
    took = []
    with serial.Serial(port, 115_200, timeout=5) as link:
        for _ in range(calls):
            began = time.perf_counter()
            link.write(b"S\r\n")
            found = _ANSWER.fullmatch(link.readline().decode().strip())
            assert found
            assert float(found["weight_g"]) > 0
            took.append(time.perf_counter() - began)
    return took


def _driver(port: str, calls: int, folder: Path) -> list[float]:
    """From the command to its result."""
    options = {
        "port": port,
        "baud": 115_200,
        "who": {"send": "ID?", "expect": "ID .*"},
        "commands": {
            "WEIGH": {
                "send": "S",
                "reads": True,
                "expect": _ANSWER.pattern,
                "types": {"weight_g": "number"},
            }
        },
    }
    driver = line.create(driver_setup(folder, options)[0])
    command, took = Command(cmd_type="WEIGH"), []
    try:
        driver.connect()
        for _ in range(calls):
            began = time.perf_counter()
            assert driver.execute(command, RecordingContext())["weight_g"] > 0
            took.append(time.perf_counter() - began)
    finally:
        driver.close()
    return took
