"""What grows while tasks come, run and go."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from benchmarks.client import Connection, command, message
from benchmarks.figures import MIB, Figure, Options
from benchmarks.process import DaemonProcess, Usage, empty

TITLE = "log, memory and descriptors while tasks are submitted, run and finished"

_SUBMIT = [message("POST", "/", command(robot)) for robot in ("robot_a", "robot_b")]
_STATUS = message("GET", "/queue/status?limit=0")
_AHEAD = 200
"""Tasks that may wait; with more of them the submitter rests."""
_EVERY_S = 1.0


def run(options: Options) -> list[Figure]:
    """One submitter keeps two robots busy that move in no time."""
    usages: list[Usage] = []
    daemon = DaemonProcess(empty(options.folder / "growth"), time_scale=0)
    with daemon, daemon.connect() as connection:
        ended = _keep_busy(connection, daemon, options.seconds, usages)
    quarter = max(1, len(usages) // 4)
    # the first quarter fills what is filled once, such as the ended tasks kept in memory
    second = statistics.median(usage.memory_mib for usage in usages[quarter : 2 * quarter])
    last = statistics.median(usage.memory_mib for usage in usages[-quarter:])
    return [
        Figure(
            name="growth.memory",
            value=last / second,
            target=1.1,
            raw=f"last quarter {last:.1f} MiB against the second one {second:.1f} MiB; "
            f"{options.seconds:.0f} s, {ended} tasks",
        ),
        Figure(
            name="growth.memory_peak",
            value=max(usage.memory_mib for usage in usages),
            unit=MIB,
        ),
        Figure(
            name="growth.wal",
            value=max(usage.wal_mib for usage in usages),
            unit=MIB,
            target=16.0,
            raw=f"write-ahead log, largest of {len(usages)} looks",
        ),
        Figure(
            name="growth.descriptors",
            value=_most(usages[-quarter:]) - _most(usages[:quarter]),
            unit="more",
            target=0,
            raw=f"open files at the end: {_most(usages[-quarter:])}",
        ),
        Figure(
            name="growth.tasks",
            value=ended / options.seconds,
            unit="per s",
            higher_is_better=True,
            raw="submitted over HTTP, two steps, done; two robots",
        ),
    ]


def _keep_busy(
    connection: Connection, daemon: DaemonProcess, seconds: float, usages: list[Usage]
) -> int:
    """Submit for so long; returns how many tasks ended."""
    began = look_at = time.monotonic()
    number = 0
    while (now := time.monotonic()) < began + seconds:
        if now >= look_at:
            look_at += _EVERY_S
            usages.append(daemon.usage())
        number += 1
        answer = connection.send(_SUBMIT[number % 2]).fine().json()
        while answer["queue_size"] > _AHEAD and time.monotonic() < began + seconds:
            time.sleep(0.01)
            answer = connection.send(_STATUS).fine().json()
    completed: int = connection.get("/queue/status?limit=0")["completed_tasks"]
    return completed


def _most(usages: Sequence[Usage]) -> int:
    return max(usage.descriptors for usage in usages)
