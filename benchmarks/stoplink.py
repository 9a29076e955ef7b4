"""A stop's way to a robot behind a bridge or a PLC: from the HTTP request to the far end, against
the same message that a program of a few lines sends on a connection of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import flooding, links
from benchmarks.client import Connection, message
from benchmarks.figures import Figure, Options, percentile
from benchmarks.machine import load_average
from benchmarks.process import DaemonProcess, empty

TITLE = "stop of a robot behind ROS or a PLC, against a bare cancel or write in the same run"

_ADDED_MS = 50.0
_SETTLE_S = 20.0
_STOP = message("POST", "/estop")


@dataclass(slots=True)
class _Times:
    """Milliseconds to the robot."""

    stops: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


def run(options: Options) -> list[Figure]:
    """Each robot on a daemon of its own; a stop and a bare message take turns."""
    figures = []
    stops = max(options.rounds * options.calls // 10, 4)
    for kind in links.KINDS:
        data = empty(options.folder / "stoplink" / kind)
        alone, crowded = _Times(), _Times()
        with (
            links.robot(kind) as link,
            _daemon(data, link) as daemon,
            daemon.connect() as connection,
        ):
            moves = {"cmd_type": "MOVE", "params": {"robot_id": "robot_b"}}
            connection.post("/?contiguous=false", [moves] * 1_000)
            _stops(connection, link, stops, alone)
            with flooding.in_process(flooding.submitters, daemon.port):
                _stops(connection, link, stops, crowded)
        figures += [_figure(f"{kind}_alone", alone), _figure(f"{kind}_crowded", crowded)]
    return figures


def _stops(connection: Connection, link: links.Link, stops: int, found: _Times) -> None:
    seen = link.seen
    for _ in range(stops):
        _until(lambda: bool(seen.moving.value), "the robot has begun nothing")
        # what comes right behind the start is not what is measured
        time.sleep(0.02)
        seen.bare_at.value = 0.0
        began = time.perf_counter()
        link.bare()
        _until(lambda: bool(seen.bare_at.value), "the bare message has not come")
        found.bare.append((seen.bare_at.value - began) * 1000)
        seen.stopped_at.value = 0.0
        began = time.perf_counter()
        connection.send(_STOP).fine()
        _until(lambda: bool(seen.stopped_at.value), "the stop has not come")
        found.stops.append((seen.stopped_at.value - began) * 1000)
        _until(lambda: not seen.moving.value, "the robot has not stopped")
        connection.go_on(_SETTLE_S)


def _until(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _SETTLE_S
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(0.0005)


def _figure(name: str, found: _Times) -> Figure:
    added = percentile(found.stops, 99) - percentile(found.bare, 99)
    return Figure(
        name=f"stoplink.{name}",
        value=max(added, 0.0),
        unit="ms",
        target=_ADDED_MS,
        raw=f"added at p99 of {len(found.stops)}; stop {_told(found.stops)}, "
        f"bare {_told(found.bare)}, load {load_average():.1f}",
    )


def _told(times: list[float]) -> str:
    return f"p50 {percentile(times, 50):.2f} p99 {percentile(times, 99):.2f} worst {max(times):.2f}"


@contextmanager
def _daemon(data: Path, link: links.Link) -> Iterator[DaemonProcess]:
    robot = {"driver": link.driver, "on_start": "resume", "options": link.options}
    robots = {"robot_a": {"driver": "simulator", "options": {"lab": None}}, "robot_b": robot}
    config = data / "stoplink.yaml"
    config.write_text(json.dumps({"default_robot": "robot_a", "robots": robots}))
    environ = {"ROBOTQ_QUEUE__MAX_LENGTH": "1000000", "ROBOTQ_CONFIG": str(config)}
    daemon = DaemonProcess(data, environ=environ)
    if not daemon.start():
        raise RuntimeError(f"the daemon did not start, see {daemon.log}")
    try:
        yield daemon
    finally:
        daemon.kill()
