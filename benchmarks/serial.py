"""What the wire adds: a command by jsonline over a pty, and a stop's way to the wire."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from benchmarks.client import Connection, command, message
from benchmarks.crowd import submitters
from benchmarks.figures import Figure, Options, percentile
from benchmarks.process import DaemonProcess, empty
from robotq.drivers import jsonline
from robotq.drivers.base import (
    Capabilities,
    CommandContext,
    DriverStatus,
    LinkState,
    Stopped,
    UnknownCommand,
)
from robotq.drivers.jsonline.device import Device, DeviceOptions, PtyPort
from robotq.drivers.jsonline.wire import STOP_BYTE
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.system.clocks import ScaledClock
from robotq.testing.driver_contract import RecordingContext, driver_setup

TITLE = "jsonline over a pty: round trip of a command, emergency stop to the byte on the wire"

_SUBMITTERS = 64
_ROUND_TRIP_MS = 1.0
_IDLE_MS = 20.0
_CROWDED_MS = 50.0
_SETTLE_S = 5.0
_START_S = 60.0
_STOP = message("POST", "/estop")


class _Mover:
    """A device that does INSTANT at once, and everything else until it is stopped."""

    capabilities = Capabilities(immediate_while_busy=True, position_survives_stop=True)

    def __init__(self) -> None:
        self.moving = threading.Event()
        self._stop = threading.Event()
        self._latched = False

    def connect(self) -> None:
        """It is there."""

    def execute(self, command: Command, context: CommandContext) -> JsonObject:  # noqa: ARG002
        if command.cmd_type == "INSTANT":
            return {}
        self._stop.clear()
        if not self._latched:
            self.moving.set()
            self._stop.wait()
            self.moving.clear()
        raise Stopped

    def immediate(self, command: Command) -> JsonObject:
        raise UnknownCommand(command.cmd_type)

    def hold(self) -> None:
        """It is not asked to."""

    def resume(self) -> None:
        """Nor this."""

    def stop(self) -> None:
        self._stop.set()

    def emergency_stop(self) -> None:
        self._latched = True
        self._stop.set()

    def reset(self) -> None:
        self._latched = False

    def status(self) -> DriverStatus:
        return DriverStatus(link=LinkState.CONNECTED)

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:  # noqa: ARG002
        return lambda: None

    def close(self) -> None:
        self._stop.set()


class _TimedPort(PtyPort):
    """Notes when a stop byte has come out of the wire."""

    def __init__(self, link: Path) -> None:
        super().__init__(link)
        self.stopped_at = 0.0

    def read(self) -> bytes:
        data = super().read()
        if STOP_BYTE in data and not self.stopped_at:
            self.stopped_at = time.perf_counter()
        return data


@contextmanager
def device(link: Path) -> Iterator[tuple[_Mover, _TimedPort]]:
    mover, port = _Mover(), _TimedPort(link)
    device = Device(mover, port, ScaledClock(), DeviceOptions(name="bench"))
    serving = threading.Thread(target=device.serve, daemon=True)
    serving.start()
    try:
        yield mover, port
    finally:
        mover.close()
        port.stop()
        serving.join(_SETTLE_S)
        port.close()


@contextmanager
def _device_process(link: Path) -> Iterator[str]:
    """The same in a process of its own, as a real device would be."""
    spawn = multiprocessing.get_context("spawn")
    ready, stop = spawn.Event(), spawn.Event()
    process = spawn.Process(target=_be_device, args=(link, ready, stop), daemon=True)
    process.start()
    try:
        if not ready.wait(_START_S):
            raise RuntimeError("the device has not started")
        yield str(link)
    finally:
        stop.set()
        process.join(_SETTLE_S)


def _be_device(link: Path, ready: Event, stop: Event) -> None:
    with device(link):
        ready.set()
        stop.wait()


def run(options: Options) -> list[Figure]:
    """First commands one after the other, then stops of running ones."""
    data = empty(options.folder / "serial")
    with _device_process(data / "robot.port") as path:
        trips = _round_trips(path, data, options.rounds * options.calls)
    alone: list[float] = []
    crowded: list[float] = []
    with device(data / "robot.port") as (mover, port):
        stops = options.rounds * options.calls // 5
        with (
            _daemon(data, port.path) as (http_port, connection),
            submitters(http_port, _SUBMITTERS) as crowd,
        ):
            _stops(connection, mover, port, stops, alone)
            crowd.go.set()
            _stops(connection, mover, port, stops, crowded)
    return [
        _figure("round_trip", trips, 50, _ROUND_TRIP_MS),
        _figure("estop_alone", alone, 99, _IDLE_MS),
        _figure("estop_crowded", crowded, 99, _CROWDED_MS),
    ]


def _round_trips(path: str, data: Path, calls: int) -> list[float]:
    """Milliseconds that `execute` takes for a command that takes no time itself."""
    setup, _ = driver_setup(data, {"port": path})
    driver = jsonline.create(setup)
    driver.connect()
    what = Command(cmd_type="INSTANT")
    taken = []
    for number in range(calls):
        context = RecordingContext(task_id=f"task_{number}")
        began = time.perf_counter()
        driver.execute(what, context)
        taken.append((time.perf_counter() - began) * 1000)
    driver.close()
    return taken


@contextmanager
def _daemon(data: Path, path: str) -> Iterator[tuple[int, Connection]]:
    """A daemon that drives the device at `path`, with commands for it: port and connection."""
    config = data / "serial.yaml"
    config.write_text(
        "default_robot: robot_a\nrobots:\n"
        f"  robot_a: {{driver: jsonline, on_start: resume, options: {{port: {path}}}}}\n"
        "  robot_b: {driver: simulator, options: {lab: null}}\n"
    )
    environ = {"ROBOTQ_QUEUE__MAX_LENGTH": "100000", "ROBOTQ_CONFIG": str(config)}
    with DaemonProcess(data, environ=environ) as daemon, daemon.connect() as connection:
        connection.post("/?contiguous=false", [command()] * 1_000)
        yield daemon.port, connection


def _stops(
    connection: Connection, mover: _Mover, port: _TimedPort, stops: int, found: list[float]
) -> None:
    for _ in range(stops):
        if not mover.moving.wait(_SETTLE_S):
            raise RuntimeError("the robot has started no command")
        port.stopped_at = 0.0
        began = time.perf_counter()
        connection.send(_STOP).fine()
        if not port.stopped_at:
            raise RuntimeError("no stop byte has come")
        found.append((port.stopped_at - began) * 1000)
        connection.go_on(_SETTLE_S)


def _figure(name: str, found: list[float], percent: int, target: float) -> Figure:
    return Figure(
        name=f"serial.{name}",
        value=percentile(found, percent),
        unit="ms",
        target=target,
        raw=f"p{percent} of {len(found)}; p50 {percentile(found, 50):.2f}, "
        f"p99 {percentile(found, 99):.2f}, worst {max(found):.2f}",
    )
