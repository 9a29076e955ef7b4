"""How fast a program of G-code goes out, next to a bare loop that counts characters.

The device only acknowledges, as fast as it can, in a process of its own: what is measured is
the host's side of the wire.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import serial

from benchmarks.figures import Figure, Options
from benchmarks.process import empty
from robotq.drivers import grbl
from robotq.model.task import Command
from robotq.steps import read_program
from robotq.testing.driver_contract import RecordingContext, driver_setup

TITLE = "streaming G-code, as a share of a bare pyserial loop"

_WINDOW = 127
_LEAST = 0.8
_DEVICE = r"""
import os, tty
master, slave = os.openpty()
tty.setraw(slave)
print(os.ttyname(slave), flush=True)
while True:
    data = os.read(master, 4096)
    answer = b""
    if b"\x18" in data:
        answer += b"\r\nGrbl 1.1h ['$' for help]\r\n"
    answer += b"<Idle|MPos:0.000,0.000,0.000|FS:0,0>\r\n" * data.count(b"?")
    if b"$G" in data:
        answer += b"[GC:G0 G54 G17 G21 G90]\r\n"
    os.write(master, answer + b"ok\r\n" * data.count(b"\n"))
"""


def run(options: Options) -> list[Figure]:
    """Both send the same lines, in turns."""
    folder = empty(options.folder / "streaming")
    lines = [
        f"G1 X{index % 97}.{index % 10} Y{index % 53} F6000" for index in range(options.waiting)
    ]
    shares, ours, bare = [], [], []
    for _ in range(options.rounds):
        bare.append(_rate(lines, lambda port: _bare(port, lines)))
        ours.append(_rate(lines, lambda port: _driver(port, lines, folder)))
        shares.append(ours[-1] / bare[-1])
    middle = sorted(range(len(shares)), key=shares.__getitem__)[len(shares) // 2]
    return [
        Figure(
            name="streaming: lines a second, share of a bare loop",
            value=shares[middle],
            target=_LEAST,
            higher_is_better=True,
            raw=f"{ours[middle]:.0f} of {bare[middle]:.0f} lines/s, 127 bytes under way",
        )
    ]


def _rate(lines: list[str], send: Callable[[str], float]) -> float:
    with device() as port:
        return len(lines) / send(port)


@contextmanager
def device() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-c", _DEVICE], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def _bare(port: str, lines: list[str]) -> float:
    """The loop of Grbl's own stream.py."""
    with serial.Serial(port, 115_200, timeout=5) as link:
        began = time.perf_counter()
        under_way: list[int] = []
        for line in lines:
            data = line.encode() + b"\n"
            under_way.append(len(data))
            while sum(under_way) > _WINDOW or link.in_waiting:
                if link.readline().strip() == b"ok":
                    del under_way[0]
            link.write(data)
        while under_way:
            if link.readline().strip() == b"ok":
                del under_way[0]
        return time.perf_counter() - began


def _driver(port: str, lines: list[str], folder: Path) -> float:
    """The driver, from the command to its result: with the check of all lines, with the reports
    of its state five times a second, and with the proof that the robot stands."""
    setup, _ = driver_setup(folder, {"port": port, "homing_required": False})
    driver = grbl.create(setup)
    try:
        driver.connect()
        program, faults = read_program([{"program": "params.program"}], schema={}, values={})
        assert not faults, faults
        command = Command(cmd_type="RUN_GCODE", params={"program": lines})
        began = time.perf_counter()
        driver.execute(command, RecordingContext(program=program))
        return time.perf_counter() - began
    finally:
        driver.close()
