"""What a million finished tasks add to the price of a status and of a submit."""

from __future__ import annotations

import time

from benchmarks.client import Connection, command, message
from benchmarks.database import with_finished_tasks
from benchmarks.figures import Figure, Options, Samples, ratio_of_medians, spread
from benchmarks.process import DaemonProcess

TITLE = "GET /queue/status and POST / with many finished tasks against ten"

_FEW = 10
_REQUESTS = {
    "limit_0": (message("GET", "/queue/status?limit=0"), 1.2),
    "default": (message("GET", "/queue/status"), None),
    "submit": (message("POST", "/", command()), None),
}


def run(options: Options) -> list[Figure]:
    """Two daemons take turns; both queues are paused, so that nothing else goes on."""
    few = with_finished_tasks(options.folder, _FEW, options.folder / "status-few")
    many = with_finished_tasks(options.folder, options.finished, options.folder / "status-many")
    samples = {name: (Samples(), Samples()) for name in _REQUESTS}
    with (
        DaemonProcess(few) as small,
        DaemonProcess(many) as large,
        small.connect() as on_few,
        large.connect() as on_many,
    ):
        for connection in (on_few, on_many):
            connection.post("/queue/pause")
            # as many waiting tasks as a status shows, so that both answers are as long
            for _ in range(30):
                connection.post("/", command())
        for _ in range(options.rounds):
            for name, (request, _) in _REQUESTS.items():
                of_few, of_many = samples[name]
                of_few.add(timed(on_few, request, options.calls))
                of_many.add(timed(on_many, request, options.calls))
    return [
        Figure(
            name=f"status.{name}",
            value=ratio_of_medians(of_many, of_few),
            target=_REQUESTS[name][1],
            raw=f"{options.finished} tasks {of_many.text()}, {_FEW} tasks {of_few.text()}, "
            f"{spread(of_many, of_few)}",
        )
        for name, (of_few, of_many) in samples.items()
    ]


def timed(connection: Connection, request: bytes, calls: int) -> list[float]:
    """Seconds of so many calls, one after the other."""
    seconds = []
    for _ in range(calls):
        began = time.perf_counter()
        answer = connection.send(request)
        seconds.append(time.perf_counter() - began)
        answer.fine()
    return seconds
