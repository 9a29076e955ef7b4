"""A fleet that is busy, and one that is old: how far the outbox is behind at a thousand events a
second, what a hub needs to show a million finished tasks, and how long a worker waits for a task
among a hundred thousand."""

from __future__ import annotations

import itertools
import json
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.client import message
from benchmarks.figures import Figure, Options, percentile
from benchmarks.fleet import HOME, Node, postgres
from benchmarks.http import rate_of
from benchmarks.kinds import same
from benchmarks.loop import run_loop
from benchmarks.process import DaemonProcess, empty

TITLE = "a fleet at 1,000 events a second, with a million finished and 100,000 waiting tasks"

_RATE = 1_000
_EVENTS_OF_ONE = 3
_EVERY_S = 0.1
_NAMES = ("robot_a", "robot_b", *(f"robot_{number}" for number in range(10)))
_WAITING = 10
"""Waiting tasks for each of the memory benchmark's."""
_PORTION = 100_000
_SUBMIT = message(
    "POST", "/apis/task-queue/api/tasks/create", {"task_type": "bench", "data": {"number": 1}}
)


def run(options: Options) -> list[Figure]:
    """Needs the wheel of PostgreSQL that the tests use."""
    folder = empty(options.folder / "scale")
    with postgres(folder / "pg") as dsn:
        return [
            *_fleet(folder, dsn, options),
            _claims("sqlite", folder, None, options),
            _claims("postgres", folder, dsn, options),
        ]


def _fleet(folder: Path, dsn: str, options: Options) -> list[Figure]:
    with ExitStack() as stack:
        lab = Node(folder, "lab-1", dsn, _NAMES)
        hub = Node(folder, "hub", dsn, ())
        for node in (lab, hub):
            stack.enter_context(node.process)
        hub.until(lambda: len(hub.get("/fleet")["daemons"]) == 2)
        found = [_lag(lab, dsn, options)]
        lab.until(lambda: lab.get("/fleet")["behind"] == 0)
        few = _looks(hub, options)
        _finish(dsn, options.finished)
        many = _looks(hub, options)
        return [*found, *_shown(few, many, options)]


def _lag(lab: Node, dsn: str, options: Options) -> Figure:
    """The age of the newest event that the database has, while events never cease."""
    size = int(_RATE * _EVERY_S / _EVENTS_OF_ONE)
    batch = [{**HOME, "robot_id": name} for name in itertools.islice(_turns(lab), size)]
    lags: list[float] = []
    events = 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        began = time.perf_counter()
        due = began
        first = _newest(connection)[1]
        while time.perf_counter() - began < options.seconds / 3:
            lab.post("/?contiguous=false", batch)
            # the first ones fill the way
            if time.perf_counter() - began > 1:
                at_ms, number = _newest(connection)
                lags.append(time.time() * 1000 - at_ms)
                events = number - first
            due += _EVERY_S
            time.sleep(max(0.0, due - time.perf_counter()))
        took = time.perf_counter() - began
    return Figure(
        name="scale.outbox_lag",
        value=percentile(lags, 99),
        unit="ms",
        raw=f"age of the newest event in the database, p99 of {len(lags)}; "
        f"p50 {percentile(lags, 50):.0f}; {events / took:.0f} events a second",
    )


def _turns(lab: Node) -> Any:
    return itertools.cycle(lab.robots)


def _newest(connection: psycopg.Connection[Any]) -> tuple[float, int]:
    row = connection.execute(
        "SELECT at_ms, id FROM robotq.fleet_events WHERE daemon = 'lab-1' ORDER BY journal DESC, "
        "id DESC LIMIT 1"
    ).fetchone()
    return (time.time() * 1000, 0) if row is None else (row[0], row[1])


_PATHS = {
    "status": "/fleet",
    "page": "/fleet/tasks?limit=50",
    "of_robot": "/fleet/tasks?limit=50&robot_id=robot_b&state=completed",
    "by_name": "/fleet/tasks?cmd_id=copy_7",
    "metrics": "/fleet/metrics",
}


def _looks(hub: Node, options: Options) -> dict[str, list[float]]:
    return {
        name: [_took_ms(partial(hub.read, path)) for _ in range(max(20, options.calls))]
        for name, path in _PATHS.items()
    }


def _took_ms(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _finish(dsn: str, count: int) -> None:
    """So many more finished tasks, as copies of one that was."""
    copy = """
        INSERT INTO robotq.fleet_tasks (daemon, task_id, seq, revision, api, queue, state,
            cmd_type, cmd_id, error_code, submitted_at_ms, ended_at_ms, record)
        SELECT 'lab-1', 'copy_' || n, -n, 4, 'robot', 'robot_' || chr(97 + (n & 1)::integer),
            'completed', t.cmd_type, 'copy_' || n, NULL, t.submitted_at_ms - n * 2000,
            t.ended_at_ms - n * 2000, replace(t.record, t.task_id, 'copy_' || n)
        FROM (SELECT * FROM robotq.fleet_tasks WHERE state = 'completed' LIMIT 1) AS t,
            generate_series(%(first)s::bigint, %(last)s::bigint) AS n"""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for first in range(0, count, _PORTION):
            connection.execute(copy, {"first": first, "last": min(first + _PORTION, count) - 1})
        connection.execute("ANALYZE robotq.fleet_tasks")


def _shown(
    few: dict[str, list[float]], many: dict[str, list[float]], options: Options
) -> list[Figure]:
    return [
        Figure(
            name=f"scale.hub_{name}",
            value=percentile(many[name], 99),
            unit="ms",
            raw=f"p99 with {options.finished} finished; p50 {percentile(many[name], 50):.1f}; "
            f"before that {percentile(few[name], 99):.1f} and {percentile(few[name], 50):.1f}",
        )
        for name in many
    ]


def _claims(kind: str, folder: Path, dsn: str | None, options: Options) -> Figure:
    """How long `POST /api/tasks/next` takes while very many wait."""
    waiting = options.waiting * _WAITING
    environ = {
        "ROBOTQ_INTERFACES__TASK_QUEUE__MAX_LENGTH": "1000000",
        "ROBOTQ_QUEUE__MAX_BYTES": "2000000000",
    }
    if dsn is not None:
        environ["ROBOTQ_STORE__WORKERS"] = dsn
    with DaemonProcess(empty(folder / kind), environ=environ) as daemon:
        rate = run_loop(rate_of(daemon.port, same(_SUBMIT), 64, waiting))
        calls = max(20, options.calls)
        took = [_took_ms(partial(_claim, daemon.port, number)) for number in range(calls)]
    return Figure(
        name=f"scale.claim_{kind}",
        value=percentile(took, 99),
        unit="ms",
        raw=f"p99 of {calls} with {waiting} waiting; p50 {percentile(took, 50):.1f}; they came in "
        f"at {rate:.0f}/s",
    )


def _claim(port: int, number: int) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/apis/task-queue/api/tasks/next",
        data=json.dumps({"worker": f"worker-{number}"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        told: Sequence[Any] | dict[str, Any] = json.load(answer)
    if not told or (isinstance(told, dict) and not told.get("task")):
        raise RuntimeError(f"no task: {told}")
