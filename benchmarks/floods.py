"""An emergency stop among floods: from the client's first byte to the stop byte that comes out of
the wire. One clock; whoever floods stands back as far as the system allows."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from benchmarks import serial, streaming
from benchmarks.client import Connection, command, message
from benchmarks.figures import Figure, Options, percentile
from benchmarks.process import DaemonProcess, empty

TITLE = "emergency stop among floods, from the first byte sent to the byte on the wire"

_LIMIT_MS = 100.0
_WORKERS = 100
_SUBMITTERS = 64
_IDLE = 5_000
_LINES = 900_000
_READING_S = 0.5
"""Seconds after which a program is being read, and long before it is read to its end."""
_USUAL_FILES = 1_024
"""What a process may have open where nobody has said otherwise."""
_NICER = 19
_START_S = 90.0
_SETTLE_S = 30.0

_HELLO = (
    b"GET /apis/dispatcher/ws?group=flood HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_SPAWN = multiprocessing.get_context("spawn")

_Flood = Callable[[int, Event, Event], None]


def run(options: Options) -> list[Figure]:
    """Each flood on a daemon of its own."""
    stops = max(options.calls // 10, 3)
    floods: dict[str, tuple[Callable[[int], AbstractContextManager[None]], int]] = {
        "workers": (lambda port: _process(_flood_workers, port), stops),
        "submitters": (lambda port: _process(_flood_submits, port), stops),
        "idle": (lambda port: _process(_hold_idle, port), stops),
        "program": (_nothing, max(stops // 3, 3)),
    }
    return [
        _figure(name, *_measured(options.folder / "floods" / name, name, flood, number))
        for name, (flood, number) in floods.items()
    ]


def _measured(
    folder: Path, name: str, flood: Callable[[int], AbstractContextManager[None]], stops: int
) -> tuple[list[float], int]:
    """Milliseconds of each stop that came out of the wire, and how many did not."""
    data = empty(folder)
    found: list[float] = []
    failed = 0
    with (
        streaming.device() as grbl,
        serial.device(data / "robot.port") as (mover, port),
        _daemon(data, port.path, grbl) as daemon,
        # before the flood: what is not measured gets through
        daemon.connect() as first,
        flood(daemon.port),
    ):
        calm = first
        for number in range(stops):
            try:
                calm = _ready(daemon, calm, mover, stopped=number > 0, reads=name == "program")
            except (RuntimeError, OSError) as error:
                # what holds up a stop for so long holds up the reset too
                print(f"  floods.{name}: {error}", flush=True)
                return found, failed + stops - number
            port.stopped_at = 0.0
            began = time.perf_counter()
            try:
                # a client that comes now, as the command line does
                with contextlib.closing(
                    socket.create_connection(("127.0.0.1", daemon.port), timeout=_SETTLE_S)
                ) as one:
                    one.sendall(message("POST", "/estop"))
                    fine = one.recv(65_536).startswith(b"HTTP/1.1 200")
            except OSError:
                fine = False
            if fine and port.stopped_at:
                found.append((port.stopped_at - began) * 1000)
            else:
                failed += 1
    return found, failed


def _ready(
    daemon: DaemonProcess, calm: Connection, mover: Any, *, stopped: bool, reads: bool
) -> Connection:
    """Have a robot move, and another one read its program where that is wanted."""
    deadline = time.monotonic() + _SETTLE_S
    reset, resume = message("POST", "/estop/reset"), message("POST", "/queue/resume")
    said = b""
    while stopped:
        try:
            answer = calm.send(reset)
            said = answer.body
            if answer.status == 200 and calm.send(resume).status == 200:
                break
        except OSError:
            calm = Connection(daemon.port)
        if time.monotonic() > deadline:
            raise RuntimeError(f"the stop cannot be reset: {said!r}")
        time.sleep(0.01)
    if reads:
        program = "G1 X1 F6000\n" * _LINES
        asked = {"cmd_type": "RUN_GCODE", "params": {"robot_id": "robot_b", "program": program}}
        calm.send(message("POST", "/", asked)).fine()
        while not calm.get("/queue/status?limit=0")["robots"]["robot_b"]["running_task"]:
            if time.monotonic() > deadline:
                raise RuntimeError("the program has not begun")
            time.sleep(0.001)
        time.sleep(_READING_S)
    if not mover.moving.wait(_SETTLE_S):
        raise RuntimeError("the robot has started no command")
    return calm


def _figure(name: str, found: list[float], failed: int) -> Figure:
    worst = max(found, default=float("inf"))
    return Figure(
        name=f"floods.{name}",
        # a stop that did not come through is later than any
        value=float("inf") if failed else percentile(found, 99),
        unit="ms",
        target=_LIMIT_MS,
        raw=f"p99 of {len(found)}, {failed} did not come through; worst {worst:.1f}"
        + (f", p50 {percentile(found, 50):.1f}" if found else ""),
    )


@contextmanager
def _daemon(data: Path, path: str, grbl: str) -> Iterator[DaemonProcess]:
    config = data / "floods.yaml"
    commands = Path(__file__).parent.parent / "config" / "gcode-commands.yaml"
    config.write_text(
        "default_robot: robot_a\nrobots:\n"
        f"  robot_a: {{driver: jsonline, on_start: resume, options: {{port: {path}}}}}\n"
        "  robot_b: {driver: grbl, on_start: resume, options: "
        f"{{port: {grbl}, homing_required: false}}}}\n"
        f"commands: [{commands}]\n"
    )
    environ = {
        "ROBOTQ_QUEUE__MAX_LENGTH": "1000000",
        "ROBOTQ_LIMITS__BODY_BYTES": str(64 * 2**20),
        "ROBOTQ_CONFIG": str(config),
    }
    daemon = DaemonProcess(data, environ=environ)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # what the daemon begins with is what an operator's shell or systemd gives it
    resource.setrlimit(resource.RLIMIT_NOFILE, (_USUAL_FILES, hard))
    try:
        started = daemon.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if not started:
        raise RuntimeError(f"the daemon did not start, see {daemon.log}")
    try:
        with daemon.connect() as connection:
            connection.post("/?contiguous=false", [command()] * 1_000)
        yield daemon
    finally:
        daemon.kill()


# -- floods, each in a process of its own ------------------------------------------------------


@contextmanager
def _nothing(_port: int) -> Iterator[None]:
    yield


@contextmanager
def _process(flood: _Flood, port: int) -> Iterator[None]:
    ready, stop = _SPAWN.Event(), _SPAWN.Event()
    process = _SPAWN.Process(target=_run, args=(flood, port, ready, stop), daemon=True)
    process.start()
    try:
        if not ready.wait(_START_S):
            raise RuntimeError(f"{flood.__name__}: it did not begin")
        yield
    finally:
        stop.set()
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()


def _run(flood: _Flood, port: int, ready: Event, stop: Event) -> None:
    os.nice(_NICER)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    flood(port, ready, stop)


def _flood_workers(port: int, ready: Event, stop: Event) -> None:
    """Small messages without end, each worker as fast as its connection takes them."""
    block = _frame(json.dumps({"type": "ready"}).encode()) * 3_000
    workers: list[tuple[socket.socket, int]] = []
    for _ in range(_WORKERS):
        one = socket.create_connection(("127.0.0.1", port), timeout=30)
        one.sendall(_HELLO)
        one.recv(65_536)
        one.setblocking(False)
        workers.append((one, 0))
    ready.set()
    while not stop.is_set():
        sent_any = False
        for index, (one, at) in enumerate(workers):
            with contextlib.suppress(OSError):
                sent = one.send(block[at:])
                sent_any = True
                workers[index] = (one, (at + sent) % len(block))
        if not sent_any:
            time.sleep(0.001)


def _frame(payload: bytes) -> bytes:
    """A masked message, as every client sends it; the mask is zero."""
    return bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload


def _flood_submits(port: int, ready: Event, stop: Event) -> None:
    """Each client sends a command, and the next one as soon as that is answered."""
    clients = []
    request = message("POST", "/", command("robot_a", "flood"))
    for _ in range(_SUBMITTERS):
        one = socket.create_connection(("127.0.0.1", port), timeout=30)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.sendall(request)
        one.setblocking(False)
        clients.append(one)
    ready.set()
    while not stop.is_set():
        answered = False
        for one in clients:
            with contextlib.suppress(OSError):
                if one.recv(65_536):
                    answered = True
                    one.send(request)
        if not answered:
            time.sleep(0.0005)


def _hold_idle(port: int, ready: Event, stop: Event) -> None:
    """Connections that do nothing; those that are closed come again."""
    held: list[socket.socket] = []

    def fill() -> None:
        while len(held) < _IDLE and not stop.is_set():
            one = socket.socket()
            one.setblocking(False)
            # not waited for: a daemon that takes no more leaves it where it is
            with contextlib.suppress(BlockingIOError):
                one.connect(("127.0.0.1", port))
            held.append(one)
            if len(held) % 50 == 0:
                time.sleep(0.01)

    fill()
    # until what is taken is taken
    time.sleep(3)
    ready.set()
    while not stop.wait(0.2):
        kept = []
        for one in held:
            try:
                over = one.recv(1) == b""
            except BlockingIOError:
                over = False
            except OSError:
                over = True
            if over:
                one.close()
            else:
                kept.append(one)
        held[:] = kept
        fill()
