"""A whole laboratory's worth of clients at once, and what that does to the robots."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from benchmarks import stopwatch
from benchmarks.crowd import Crowd, deaf_listeners, listeners, pollers, submitters
from benchmarks.figures import MIB, Figure, Options, percentile
from benchmarks.process import DaemonProcess, Usage, empty

TITLE = "polling clients, listeners of which half never read, and submitters, all at once"

_PHASES = 6
"""Without listeners one sixth of the time, with them two, and that twice."""
_EVERY_S = 0.5
_SETTLE_S = 0.5


@dataclass(slots=True)
class _Phase:
    """What was seen while the listeners were there, or were not."""

    seconds: float = 0.0
    tasks: int = 0
    gaps: list[float] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    submits: int = 0
    polls: int = 0
    events: int = 0


def run(options: Options) -> list[Figure]:
    """The same robots, pollers and submitters in turns without and with listeners."""
    data = empty(options.folder / "load")
    notes = data / stopwatch.FILE
    streams = options.crowd // 5
    without, listening = _Phase(), _Phase()
    with ExitStack() as stack:
        daemon = stack.enter_context(DaemonProcess(data, program=stopwatch.PROGRAM))
        base = daemon.usage()
        crowds = [
            stack.enter_context(submitters(daemon.port, min(64, options.crowd))),
            stack.enter_context(pollers(daemon.port, options.crowd)),
            stack.enter_context(listeners(daemon.port, streams // 2)),
            stack.enter_context(deaf_listeners(daemon.port, streams - streams // 2)),
        ]
        submitting, polling, reading, deaf = crowds
        for crowd in (submitting, polling):
            crowd.go.set()
        time.sleep(_SETTLE_S)
        for _ in range(2):
            _watch(daemon, notes, options.seconds / _PHASES, crowds, without)
            for crowd in (reading, deaf):
                crowd.go.set()
            time.sleep(_SETTLE_S)
            _watch(daemon, notes, 2 * options.seconds / _PHASES, crowds, listening)
            for crowd in (reading, deaf):
                crowd.go.clear()
            time.sleep(_SETTLE_S)
        failed = sum(crowd.failed.value for crowd in crowds)
    return [
        *_pace(without, listening),
        *_bounds(base, [*without.usages, *listening.usages], options),
        Figure(name="load.failures", value=failed, unit="", target=0, raw=_rates(listening)),
    ]


def _watch(
    daemon: DaemonProcess, notes: Path, seconds: float, crowds: Sequence[Crowd], phase: _Phase
) -> None:
    submitting, polling, reading, _ = crowds
    offset = notes.stat().st_size
    before = (submitting.done.value, polling.done.value, reading.done.value)
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        phase.usages.append(daemon.usage())
        time.sleep(_EVERY_S)
    phase.seconds += time.monotonic() - began
    phase.submits += submitting.done.value - before[0]
    phase.polls += polling.done.value - before[1]
    phase.events += reading.done.value - before[2]
    found = list(stopwatch.read(notes, offset))
    for robot in ("robot_a", "robot_b"):
        own = [note for note in found if note.robot == robot]
        phase.tasks += sum(note.what == stopwatch.END for note in own)
        phase.gaps += [
            after.at_s - note.at_s
            for note, after in pairwise(own)
            if (note.what, after.what) == (stopwatch.END, stopwatch.START)
        ]


def _pace(without: _Phase, listening: _Phase) -> list[Figure]:
    rates = [phase.tasks / phase.seconds for phase in (without, listening)]
    gaps = [[percentile(phase.gaps, p) * 1000 for p in (50, 99)] for phase in (without, listening)]
    return [
        Figure(
            name="load.tasks",
            value=rates[1] / rates[0],
            higher_is_better=True,
            target=0.9,
            raw=f"tasks a second with listeners {rates[1]:.1f}, without {rates[0]:.1f}",
        ),
        Figure(
            name="load.gap",
            value=gaps[1][0] / gaps[0][0],
            raw=f"gap between two commands with listeners {gaps[1][0]:.1f} / {gaps[1][1]:.1f} ms, "
            f"without {gaps[0][0]:.1f} / {gaps[0][1]:.1f} ms",
        ),
    ]


def _bounds(base: Usage, usages: Sequence[Usage], options: Options) -> list[Figure]:
    third = max(1, len(usages) // 3)
    memory = [usage.memory_mib for usage in usages]
    return [
        Figure(
            name="load.memory_peak",
            value=max(memory),
            unit=MIB,
            raw=f"{base.memory_mib:.1f} MiB before; medians of the thirds "
            + ", ".join(
                f"{statistics.median(memory[at : at + third]):.1f}"
                for at in range(0, 3 * third, third)
            ),
        ),
        Figure(
            name="load.wal",
            value=max(usage.wal_mib for usage in usages),
            unit=MIB,
            target=64.0,
        ),
        Figure(
            name="load.descriptors",
            value=max(usage.descriptors for usage in usages),
            unit="",
            target=base.descriptors + options.crowd * 6 // 5 + 64 + 16,
            raw=f"{base.descriptors} before the clients came",
        ),
    ]


def _rates(phase: _Phase) -> str:
    return (
        f"with listeners, each second: {phase.submits / phase.seconds:.0f} submits accepted, "
        f"{phase.polls / phase.seconds:.0f} polls, {phase.events / phase.seconds:.0f} events read"
    )
