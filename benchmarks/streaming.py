"""How fast a program of G-code goes out, next to a bare loop that does the same: one that counts
characters for GRBL, one that numbers lines and waits for each answer for Marlin.

The device only acknowledges, in a process of its own: as fast as it can, so that what is measured
is the host's side of the wire, or at the pace of a firmware, which is what a workpiece notices.
Both hosts have the first core, and the device another one: where a host shares one with the
device, or changes it, that makes more of a difference than what it does.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import serial

from benchmarks.figures import Figure, Options
from benchmarks.process import empty
from robotq.drivers import grbl, marlin
from robotq.drivers.marlin.talk.protocol import framed
from robotq.model.task import Command
from robotq.steps import read_program
from robotq.testing.driver_contract import RecordingContext, driver_setup

TITLE = "streaming G-code, as a share of a bare pyserial loop"

_WINDOW = 127
_LEAST = 0.97
_PACE = 200
"""Lines a second that a firmware reads and plans."""
_PACED = 5
"""So many times fewer lines where they are paced."""
_MORE_ROUNDS = 3
"""So many times more rounds where they are not: whoever else wants a core then spoils one."""
_DEVICE = r"""
import os, sys, time, tty
firmware, pace = sys.argv[1], float(sys.argv[2])
master, slave = os.openpty()
tty.setraw(slave)
print(os.ttyname(slave), flush=True)
GRBL = b"\r\nGrbl 1.1h ['$' for help]\r\n"
WHO = b"FIRMWARE_NAME:Marlin 2.1.2 MACHINE_TYPE:Bench\nCap:EMERGENCY_PARSER:1\n"
held, due = b"", 0.0
def say(line):
    if firmware == "grbl":
        told = b"[GC:G0 G54 G17 G21 G90]\r\n" if line == b"$G" else b""
        return told + b"ok\r\n"
    if not line:
        return b""
    told = WHO if b" M115" in line else b"X:0 Y:0 Z:0\n" if b" M114" in line else b""
    return told + b"ok\n"
while True:
    data = os.read(master, 4096)
    answer = GRBL if b"\x18" in data else b""
    if firmware == "grbl":
        answer += b"<Idle|MPos:0.000,0.000,0.000|FS:0,0>\r\n" * data.count(b"?")
        data = data.replace(b"?", b"").replace(b"\x18", b"")
    *lines, held = (held + data).split(b"\n")
    if not pace:
        os.write(master, answer + b"".join(map(say, lines)))
        continue
    if answer:
        os.write(master, answer)
    for line in lines:
        due = max(due + 1 / pace, time.perf_counter())
        while (left := due - time.perf_counter()) > 0:
            time.sleep(left)
        os.write(master, say(line))
"""


def run(options: Options) -> list[Figure]:
    """Both send the same lines, in turns."""
    return [
        _figure(firmware, pace, options) for firmware in ("grbl", "marlin") for pace in (0, _PACE)
    ]


def _figure(firmware: str, pace: int, options: Options) -> Figure:
    folder = empty(options.folder / "streaming")
    number = max(20, options.waiting // (_PACED if pace else 1))
    lines = [f"G1 X{index % 97}.{index % 10} Y{index % 53} F6000" for index in range(number)]
    bare_loop = _bare if firmware == "grbl" else _bare_marlin
    shares: list[float] = []
    ours, bare = Rates(), Rates()
    with _own_core():
        for _ in range(options.rounds * (1 if pace else _MORE_ROUNDS)):
            for measure in _turns(len(shares)):
                if measure == "bare":
                    bare.add(firmware, pace, lines, lambda port: bare_loop(port, lines))
                else:
                    ours.add(firmware, pace, lines, lambda p: _driver(firmware, p, lines, folder))
            shares.append(ours.lines_a_second[-1] / bare.lines_a_second[-1])
    return Figure(
        name=f"streaming.{firmware}" + ("_paced" if pace else ""),
        value=statistics.median(shares),
        target=_LEAST,
        higher_is_better=True,
        raw=f"{ours} of {bare}, {len(shares)} rounds {min(shares):.3f} to {max(shares):.3f}",
    )


@dataclass(slots=True)
class Rates:
    """Of one host, round by round."""

    lines_a_second: list[float] = field(default_factory=list)
    processor_us: list[float] = field(default_factory=list)
    """That the host itself has used for a line, the making of its connection included."""

    def add(
        self, firmware: str, pace: int, lines: Sequence[str], send: Callable[[str], float]
    ) -> None:
        with device(firmware, pace) as port:
            began = time.process_time()
            self.lines_a_second.append(len(lines) / send(port))
            self.processor_us.append((time.process_time() - began) / len(lines) * 1e6)

    def __str__(self) -> str:
        return (
            f"{statistics.median(self.lines_a_second):.0f} lines/s "
            f"({statistics.median(self.processor_us):.0f} µs of the processor a line)"
        )


def _turns(number: int) -> Sequence[str]:
    """Whoever is second finds a warm machine."""
    return ("bare", "ours") if number % 2 else ("ours", "bare")


@contextmanager
def _own_core() -> Iterator[None]:
    """Inside, this process is on the first of its cores, with the threads that it starts."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _to_another_core(process: int) -> None:
    others = set(range(os.cpu_count() or 1)) - os.sched_getaffinity(0)
    if others:
        os.sched_setaffinity(process, others)


@contextmanager
def device(firmware: str = "grbl", pace: int = 0) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _DEVICE, firmware, str(pace)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        if hasattr(os, "sched_setaffinity"):
            _to_another_core(process.pid)
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


def _bare_marlin(port: str, lines: Sequence[str]) -> float:
    """Numbers and checksums, as every host of Marlin sends them; one line at a time."""
    with serial.Serial(port, 115_200, timeout=5) as link:
        began = time.perf_counter()
        for number, line in enumerate(lines, 1):
            link.write(framed(number, line))
            while link.readline().strip() != b"ok":
                """It says something else first."""
        return time.perf_counter() - began


def _driver(firmware: str, port: str, lines: list[str], folder: Path) -> float:
    """The driver, from the command to its result: with the check of all lines, with the reports
    of its state five times a second, and with the proof that the robot stands."""
    setup, _ = driver_setup(folder, {"port": port, "homing_required": False})
    driver = (grbl if firmware == "grbl" else marlin).create(setup)
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
