"""From an emergency stop that a client sends to the drivers that have taken it."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import stopwatch
from benchmarks.client import Connection, command, message
from benchmarks.crowd import submitters
from benchmarks.figures import Figure, Options, percentile
from benchmarks.process import DaemonProcess, empty

TITLE = "emergency stop, alone and among submitting clients"

_SUBMITTERS = 64
_STOP = message("POST", "/estop")
_TARGET_MS = 50.0
_SETTLE_S = 5.0


@dataclass(slots=True)
class _Latencies:
    """Milliseconds of every stop."""

    to_driver: list[float] = field(default_factory=list)
    """Request sent to the last driver told."""
    inside: list[float] = field(default_factory=list)
    """What the daemon itself reports: handler called to drivers told."""
    answered: list[float] = field(default_factory=list)
    """Request sent to answer received, which is after the stop was recorded on disk."""


def run(options: Options) -> list[Figure]:
    """Stops of running commands, in turns without and with clients that submit."""
    alone, crowded = _Latencies(), _Latencies()
    rates = [_round(options, alone, crowded) for _ in range(options.rounds)]
    load = f", {statistics.median(rates):.0f} submits/s"
    return [*_figures("alone", alone, ""), *_figures("crowded", crowded, load)]


def _round(options: Options, alone: _Latencies, crowded: _Latencies) -> float:
    """One daemon; returns how many submits a second it took during the stops.

    Each round has a daemon of its own, because its queue only ever gets longer: what is
    submitted while nothing may run is never done.
    """
    data = empty(options.folder / "estop")
    notes = data / stopwatch.FILE
    # a full queue would refuse, which is quicker than to accept
    environ = {"ROBOTQ_QUEUE__MAX_LENGTH": "100000"}
    stops = options.calls // 5
    with (
        DaemonProcess(data, environ=environ, program=stopwatch.PROGRAM) as daemon,
        daemon.connect() as connection,
        submitters(daemon.port, _SUBMITTERS) as crowd,
    ):
        for robot in ("robot_a", "robot_b"):
            # a stop ends the whole of a contiguous batch
            connection.post("/?contiguous=false", [command(robot)] * 1_000)
        _stops(connection, notes, stops, alone)
        crowd.go.set()
        before, began = crowd.done.value, time.perf_counter()
        _stops(connection, notes, stops, crowded)
        return (crowd.done.value - before) / (time.perf_counter() - began)


def _figures(name: str, found: _Latencies, load: str) -> list[Figure]:
    return [
        Figure(
            name=f"estop.{name}",
            value=percentile(found.to_driver, 99),
            unit="ms",
            target=_TARGET_MS,
            raw=f"sent to driver, p99 of {len(found.to_driver)}; "
            f"p50 {percentile(found.to_driver, 50):.2f}, "
            f"worst {max(found.to_driver):.2f}{load}",
        ),
        Figure(
            name=f"estop.{name}_inside",
            value=percentile(found.inside, 99),
            unit="ms",
            raw=f"p99 of latency_ms; p50 {percentile(found.inside, 50):.2f}",
        ),
        Figure(
            name=f"estop.{name}_answered",
            value=percentile(found.answered, 99),
            unit="ms",
            raw=f"p99 of the round trip, with the record on disk; "
            f"p50 {percentile(found.answered, 50):.2f}",
        ),
    ]


def _stops(connection: Connection, notes: Path, stops: int, found: _Latencies) -> None:
    for _ in range(stops):
        offset = _until_moving(connection, notes)
        began = time.perf_counter()
        answer = connection.send(_STOP).fine().json()
        found.answered.append((time.perf_counter() - began) * 1000)
        found.inside.append(answer["latency_ms"])
        told = [note.at_s for note in stopwatch.read(notes, offset) if note.what == stopwatch.ESTOP]
        found.to_driver.append((max(told) - began) * 1000)
        connection.go_on(_SETTLE_S)


def _until_moving(connection: Connection, notes: Path) -> int:
    """Wait until a robot has a command; returns where the notes of the stop will begin."""
    deadline = time.monotonic() + _SETTLE_S
    offset = notes.stat().st_size if notes.exists() else 0
    while time.monotonic() < deadline:
        if any(robot["running_task"] for robot in _robots(connection)):
            return offset
    raise RuntimeError("no robot has started a command")


def _robots(connection: Connection) -> list[dict[str, object]]:
    return list(connection.get("/queue/status?limit=0")["robots"].values())
