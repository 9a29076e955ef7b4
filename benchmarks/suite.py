"""All benchmarks by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import (
    dashboard,
    estop,
    fleet,
    floods,
    gap,
    growth,
    http,
    line,
    load,
    memory,
    peers,
    reading,
    scale,
    serial,
    shared,
    startup,
    status,
    stoplink,
    streaming,
    wakeups,
)
from benchmarks.figures import Figure, Options

QUICK = Options(
    folder=Path(), finished=2_000, waiting=200, rounds=2, calls=20, seconds=6.0, crowd=20
)
"""Sizes that only prove that everything runs."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    title: str
    run: Callable[[Options], Sequence[Figure]]


BENCHMARKS: Mapping[str, Benchmark] = {
    "http": Benchmark(http.TITLE, http.run),
    "gap": Benchmark(gap.TITLE, gap.run),
    "peers": Benchmark(peers.TITLE, peers.run),
    "shared": Benchmark(shared.TITLE, shared.run),
    "wakeups": Benchmark(wakeups.TITLE, wakeups.run),
    "status": Benchmark(status.TITLE, status.run),
    "startup": Benchmark(startup.TITLE, startup.run),
    "memory": Benchmark(memory.TITLE, memory.run),
    "estop": Benchmark(estop.TITLE, estop.run),
    "fleet": Benchmark(fleet.TITLE, fleet.run),
    "scale": Benchmark(scale.TITLE, scale.run),
    "floods": Benchmark(floods.TITLE, floods.run),
    "serial": Benchmark(serial.TITLE, serial.run),
    "stoplink": Benchmark(stoplink.TITLE, stoplink.run),
    "line": Benchmark(line.TITLE, line.run),
    "reading": Benchmark(reading.TITLE, reading.run),
    "streaming": Benchmark(streaming.TITLE, streaming.run),
    "growth": Benchmark(growth.TITLE, growth.run),
    "load": Benchmark(load.TITLE, load.run),
    "dashboard": Benchmark(dashboard.TITLE, dashboard.run),
}
