"""Resident memory with many finished and with many waiting tasks."""

from __future__ import annotations

from benchmarks.client import command, message
from benchmarks.database import with_finished_tasks
from benchmarks.figures import MIB, Figure, Options
from benchmarks.process import DaemonProcess, empty

TITLE = "resident memory"

_BATCH = 1_000
_READS = ("/queue/status", "/tasks?limit=200", "/tasks?limit=200&status=failed", "/metrics")


def run(options: Options) -> list[Figure]:
    """After the start and a few dozen requests of every kind."""
    many = with_finished_tasks(options.folder, options.finished, options.folder / "memory-many")
    with DaemonProcess(empty(options.folder / "memory-none")) as daemon:
        none = _after_some_use(daemon)
        waiting = _with_waiting(daemon, options.waiting)
    with DaemonProcess(many) as daemon:
        finished = _after_some_use(daemon)
    return [
        Figure(
            name="memory.finished",
            value=finished,
            unit=MIB,
            target=200.0,
            raw=f"{options.finished} finished tasks; {none:.1f} MiB with none",
        ),
        Figure(
            name="memory.waiting",
            value=waiting,
            unit=MIB,
            raw=f"{options.waiting} waiting tasks, "
            f"{(waiting - none) * 1024 / options.waiting:.2f} KiB each",
        ),
    ]


def _after_some_use(daemon: DaemonProcess) -> float:
    with daemon.connect() as connection:
        connection.post("/queue/pause")
        for _ in range(20):
            connection.post("/", command())
            for path in _READS:
                connection.send(message("GET", path)).fine()
    return daemon.usage().memory_mib


def _with_waiting(daemon: DaemonProcess, waiting: int) -> float:
    with daemon.connect() as connection:
        left = waiting - connection.get("/queue/status?limit=0")["queue_size"]
        while left > 0:
            batch = [command(cmd_id=f"waiting_{left - n}") for n in range(min(left, _BATCH))]
            connection.post("/?contiguous=false", batch)
            left -= len(batch)
    return daemon.usage().memory_mib
