"""An emergency stop among floods: from the client's first byte to the stop byte that comes out of
the wire. One clock; whoever floods stands back as far as the system allows.

With `ROBOTQ_BENCHMARK_OF=<folder>` the daemon of another checkout is measured.
"""

from __future__ import annotations

import contextlib
import json
import random
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import flooding, serial, tabs, wires
from benchmarks.client import Connection, command, message
from benchmarks.figures import Figure, Options, percentile
from benchmarks.machine import load_average
from benchmarks.process import DaemonProcess, empty

TITLE = "emergency stop among floods, from the first byte sent to the byte on the wire"

_LIMIT_MS = 100.0
_TABS_LIMIT_MS = 300.0
_LINES = 900_000
_READING_S = (0.05, 2.5)
"""Seconds after the start of the command, in which its program is being read: it takes longer."""
_USUAL_FILES = 1_024
"""What a process may have open where nobody has said otherwise."""
_SETTLE_S = 30.0

_GCODE = Path(__file__).parent.parent / "config" / "gcode-commands.yaml"

_Found = tuple[list[float], int]
"""Milliseconds of each stop that came out of the wire, and how many did not."""


def run(options: Options) -> list[Figure]:
    """Each flood on a daemon of its own."""
    many, few = max(options.calls * 7 // 10, 3), max(options.calls // 15, 2)
    rounds = max(many // tabs.TABS, 1)
    floods: dict[str, Callable[[Path], _Found]] = {
        "none": lambda data: _among(data, None, many),
        "workers": lambda data: _among(data, flooding.workers, many),
        "submitters": lambda data: _among(data, flooding.submitters, many),
        "idle": lambda data: _among(data, flooding.idle, many),
        "program_elsewhere": lambda data: _while_reading(data, few, here=False),
        "program_here": lambda data: _while_reading(data, few, here=True),
        "program_comes": lambda data: _while_submitted(data, few),
    }
    figures = [
        _figure(name, flood(empty(options.folder / "floods" / name)), _LIMIT_MS)
        for name, flood in floods.items()
    ]
    chromium = tabs.browser()
    if chromium is None:
        print("  floods.tabs is left out: no Chromium here", flush=True)
        return figures
    found = _from_tabs(empty(options.folder / "floods" / "tabs"), chromium, rounds)
    return [*figures, _figure("tabs", found, _TABS_LIMIT_MS)]


def _figure(name: str, found: _Found, limit: float) -> Figure:
    came, failed = found
    told = "".join(f", p{part} {percentile(came, part):.1f}" for part in (50, 90) if came)
    worst = max(came, default=float("inf"))
    missing = f", {failed} DID NOT COME" if failed else ""
    return Figure(
        name=f"floods.{name}",
        # a stop that did not come through is later than any
        value=float("inf") if failed or not came else percentile(came, 99),
        unit="ms",
        target=limit,
        raw=f"p99 of {len(came)}{missing}{told}, worst {worst:.1f}, load {load_average():.1f}",
    )


# -- the floods --------------------------------------------------------------------------------


def _among(data: Path, flood: flooding.Flood | None, stops: int) -> _Found:
    with _moving(data) as lab:
        among = contextlib.nullcontext() if flood is None else flooding.in_process(flood, lab.port)
        with among:
            return _counted(stops, lambda number: lab.ready(stopped=number > 0), lab)


def _while_reading(data: Path, stops: int, *, here: bool) -> _Found:
    """Each stop needs a program of its own, which is read while the stop comes."""
    moments = random.Random(11)
    program = _program("robot_a" if here else "robot_b")

    with _alone(data) if here else _moving(data) as lab:
        sent = 0

        def ready(number: int) -> None:
            nonlocal sent
            lab.ready(stopped=number > 0)
            sent = lab.motions()
            before = lab.running(lab.reader)
            lab.calm.send(program).fine()
            lab.until(lambda: lab.running(lab.reader) not in (None, before), "program")
            time.sleep(moments.uniform(*_READING_S))

        def was_read() -> bool:
            """Whether the stop came before the first line was sent: else it proves nothing."""
            return lab.motions() == sent

        return _counted(stops, ready, lab, counts=was_read)


def _while_submitted(data: Path, stops: int) -> _Found:
    """The program is on its way into the daemon: parsed, looked through, written."""
    moments = random.Random(12)
    program = _program("robot_b")
    with _moving(data) as lab, contextlib.ExitStack() as stack:

        def ready(number: int) -> None:
            lab.ready(stopped=number > 0)
            stack.close()
            sender = stack.enter_context(contextlib.closing(_connected(lab.port)))
            sender.sendall(program)
            time.sleep(moments.uniform(0, 0.3))

        return _counted(stops, ready, lab)


def _from_tabs(data: Path, chromium: str, rounds: int) -> _Found:
    with _moving(data) as lab:
        return tabs.stops(chromium, lab.port, lab.wire, rounds, lab.ready)


def _program(robot: str) -> bytes:
    text = "G1 X1 F6000\n" * _LINES
    asked = {"cmd_type": "RUN_GCODE", "params": {"robot_id": robot, "program": text}}
    return message("POST", "/", asked)


# -- one stop after the other ------------------------------------------------------------------


def _counted(
    stops: int,
    ready: Callable[[int], None],
    lab: _Lab,
    counts: Callable[[], bool] = lambda: True,
) -> _Found:
    found: list[float] = []
    failed = 0
    for number in range(stops):
        try:
            ready(number)
        except (RuntimeError, OSError) as error:
            # what holds up a stop for so long holds up the reset too
            print(f"  {lab.data.name}: {str(error)[:200]}", flush=True)
            return found, failed + stops - number
        took_ms = _stop(lab.port, lab.wire)
        if took_ms is None:
            failed += 1
        elif counts():
            found.append(took_ms)
    return found, failed


def _stop(port: int, wire: wires.Wire) -> float | None:
    """A client that comes now, as the command line does."""
    wire.stopped_at = 0.0
    try:
        with contextlib.closing(_connected(port)) as one:
            began = time.perf_counter()
            one.sendall(message("POST", "/estop"))
            fine = one.recv(65_536).startswith(b"HTTP/1.1 200")
    except OSError:
        return None
    return (wire.stopped_at - began) * 1000 if fine and wire.stopped_at else None


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=_SETTLE_S)


# -- the daemon and its robots -----------------------------------------------------------------


@dataclass(slots=True)
class _Lab:
    """A daemon whose robot is stopped, and how it comes to move."""

    data: Path
    port: int
    wire: wires.Wire
    """Of the robot whose stop is measured."""
    reader: str
    """The robot that reads programs."""
    calm: Connection
    """Opened before the flood: what is not measured gets through."""
    moves: Callable[[], bool]
    motions: Callable[[], int]
    """Lines of the programs that came out of the wire."""

    def ready(self, stopped: bool) -> None:
        """Raises RuntimeError where the robot does not move within half a minute."""
        if stopped:
            try:
                self.calm.go_on(_SETTLE_S)
            except OSError:
                self.calm = Connection(self.port)
                self.calm.go_on(_SETTLE_S)
        self.until(self.moves, "robot")

    def running(self, robot: str) -> str | None:
        status = self.calm.get("/queue/status?limit=0")
        task: str | None = status["robots"][robot]["running_task"]
        return task

    def until(self, there: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _SETTLE_S
        while not there():
            if time.monotonic() > deadline:
                raise RuntimeError(f"the {what} has not begun")
            time.sleep(0.001)


@contextmanager
def _moving(data: Path) -> Iterator[_Lab]:
    """The robot that is stopped moves without end, another one reads programs."""
    with (
        wires.grbl() as grbl,
        serial.device(data / "robot.port") as (mover, port),
        _daemon(data, _jsonline(port.path), _grbl(grbl.path)) as daemon,
        daemon.connect() as calm,
    ):
        calm.post("/?contiguous=false", [command()] * 1_000)
        yield _Lab(
            data, daemon.port, port, "robot_b", calm, mover.moving.is_set, lambda: grbl.motions
        )


@contextmanager
def _alone(data: Path) -> Iterator[_Lab]:
    """The robot that is stopped is the one that reads programs."""
    simulated = "{driver: simulator, options: {lab: null}}"
    with (
        wires.grbl() as grbl,
        _daemon(data, _grbl(grbl.path), simulated) as daemon,
        daemon.connect() as calm,
    ):
        yield _Lab(data, daemon.port, grbl, "robot_a", calm, lambda: True, lambda: grbl.motions)


def _jsonline(path: str) -> str:
    return f"{{driver: jsonline, on_start: resume, options: {{port: {path}}}}}"


def _grbl(path: str) -> str:
    options = f"{{port: {path}, homing_required: false}}"
    return f"{{driver: grbl, on_start: resume, options: {options}}}"


@contextmanager
def _daemon(data: Path, robot_a: str, robot_b: str) -> Iterator[DaemonProcess]:
    config = data / "floods.yaml"
    config.write_text(
        f"default_robot: robot_a\nrobots:\n  robot_a: {robot_a}\n  robot_b: {robot_b}\n"
        f"commands: [{json.dumps(str(_GCODE))}]\n"
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
        yield daemon
    finally:
        daemon.kill()
