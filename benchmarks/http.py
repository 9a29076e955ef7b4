"""How much of a bare HTTP handler's rate is left when every task is on disk before its answer."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from benchmarks.client import Connection, command, message
from benchmarks.figures import Figure, Options
from benchmarks.kinds import Make, kinds, same
from benchmarks.loop import run_loop
from benchmarks.process import ROOT, DaemonProcess, empty

TITLE = "POST / and GET /task/{id} against a bare aiohttp handler, requests a second"

_CALLS = 10
"""Requests of a round for each of the other benchmarks' calls: a rate needs more of them."""

_TARGETS = {("keyed", 64): 0.6, ("client", 64): 0.6, ("header", 64): 0.7, ("same", 64): 0.75}

_POLLS = (
    ("poll.1", None, 1, 0.7),
    ("poll.64", None, 64, 0.95),
    ("poll.64_running", None, 64, 0.7),
    ("poll.64_waiting", None, 64),
)
_SCAN = {
    "header": {"seq": 206, "stamp": {"secs": 1698000050, "nsecs": 234567}, "frame_id": "camera"},
    "cmd_id": "SCAN_QRCODE_001",
    "cmd_type": "SCAN_QRCODE",
    "params": {"run_times": "continue", "robot_id": "robot_a", "timeout": 60.0},
    "extra": {},
}


@dataclass(slots=True)
class _Series:
    """One figure: a request, how many connections send it, and the rates that came out."""

    name: str
    make: Make | None
    """None for a task of the daemon that is measured."""
    connections: int
    target: float | None = None
    robotq: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    def figure(self) -> Figure:
        ratios = [ours / theirs for ours, theirs in zip(self.robotq, self.bare, strict=True)]
        return Figure(
            name=f"http.{self.name}",
            value=statistics.median(ratios),
            target=self.target,
            higher_is_better=True,
            raw=f"robotq {statistics.median(self.robotq):.0f}/s, "
            f"bare {statistics.median(self.bare):.0f}/s, "
            f"rounds {min(ratios):.2f} to {max(ratios):.2f}",
        )


def run(options: Options) -> list[Figure]:
    """The two take turns in every round; nothing runs, so that only the way in is measured."""
    folder = options.folder / "http"
    environ = {"ROBOTQ_QUEUE__MAX_LENGTH": "1000000"}
    submits, polls = _submits(), [_Series(*one) for one in _POLLS]
    with _bare() as bare_port:
        for _ in range(options.rounds):
            # a new one each time: what waits takes memory, of which the queue has a limit
            with DaemonProcess(empty(folder), environ=environ) as daemon:
                with daemon.connect() as connection:
                    asked = _asked(connection)
                for series in (*submits, *polls):
                    make = series.make or asked[series.name]
                    calls = options.calls * _CALLS
                    series.bare.append(rate(bare_port, make, series.connections, calls))
                    series.robotq.append(rate(daemon.port, make, series.connections, calls))
    return [series.figure() for series in (*submits, *polls)]


def rate(port: int, make: Make, connections: int, calls: int) -> float:
    """Requests a second that so many kept-alive connections get answered together.

    Raises RuntimeError for an answer that is not 200.
    """
    return run_loop(rate_of(port, make, connections, calls))


def _submits() -> list[_Series]:
    return [
        _Series(f"submit_{kind}.{many}", make, many, _TARGETS.get((kind, many)))
        for kind, make in kinds(_SCAN).items()
        for many in (1, 16, 64, 256)
    ]


def _asked(connection: Connection) -> dict[str, Make]:
    """What asks for an ended, a running and a waiting task; afterwards the queues are as they
    have to be."""
    ended = connection.post("/", command("robot_b"))["task_id"]
    if connection.get(f"/task/{ended}?wait=60")["status"] != "completed":
        raise RuntimeError(f"{ended} did not complete")
    by_hand = {"cmd_type": "MANUAL_STEP", "params": {"robot_id": "robot_b", "title": "wait"}}
    running = connection.post("/", by_hand)["task_id"]
    connection.post("/queue/pause", {"robot_id": "robot_a"})
    waiting = connection.post("/", _SCAN)["task_id"]
    while connection.get(f"/task/{running}")["status"] != "running":
        time.sleep(0.01)
    tasks = dict.fromkeys(("poll.1", "poll.64"), ended)
    tasks |= {"poll.64_running": running, "poll.64_waiting": waiting}
    return {name: same(message("GET", f"/task/{task}")) for name, task in tasks.items()}


@contextmanager
def _bare() -> Iterator[int]:
    """The port of a bare handler in a process of its own."""
    program = [sys.executable, "-m", "benchmarks.bare"]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


class _Hammer(asyncio.Protocol):
    """A connection that sends its request again as soon as it is answered."""

    def __init__(self, make: Make, round_: _Round) -> None:
        self._make = make
        self._round = round_
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # those of uvloop are no asyncio.Transport, they only look like one
        self._transport = cast("asyncio.Transport", transport)

    def send(self) -> None:
        assert self._transport is not None
        self._transport.write(self._make())

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return
        at = received.find(b"Content-Length: ", 0, end) + 16
        length = int(received[at : received.find(b"\r\n", at)])
        if len(received) < end + 4 + length:
            return
        if received[9:12] != b"200":
            self._round.failed(RuntimeError(received[:500].decode(errors="replace")))
            return
        self._received = b""
        if self._round.another():
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._round.failed(exc or ConnectionError("the server closed the connection"))


class _Round:
    """Counts down the requests of all connections together."""

    def __init__(self, calls: int, connections: int) -> None:
        self._unsent = calls - connections
        self._unanswered = calls
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def another(self) -> bool:
        """Count an answer. Whether its connection has to send once more."""
        self._unanswered -= 1
        if self._unanswered == 0 and not self.done.done():
            self.done.set_result(None)
        self._unsent -= 1
        return self._unsent >= 0

    def failed(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


async def rate_of(port: int, make: Make, connections: int, calls: int) -> float:
    """See `rate`, for somebody who measures several at once."""
    calls = max(calls, connections)
    round_ = _Round(calls, connections)
    loop = asyncio.get_running_loop()
    hammers = [
        (await loop.create_connection(lambda: _Hammer(make, round_), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    began = time.perf_counter()
    for hammer in hammers:
        hammer.send()
    await round_.done
    seconds = time.perf_counter() - began
    for hammer in hammers:
        hammer.close()
    return calls / seconds
