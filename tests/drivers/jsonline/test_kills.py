"""robotq is killed while a device works that outlives it: the device's own log judges.

Nothing is done twice, nothing is called completed that is not, and nothing is unknown whose id was
on disk and which the device still remembers.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from robotq.client import Client, Task
from robotq.client.errors import ClientError
from robotq.testing.process import DaemonProcess, clean_environment
from tests import forks
from tests.drivers.jsonline.test_reference_device import ROOT, until
from tests.slices import some

pytestmark = pytest.mark.real_time("a kill falls into a command that takes its time")

_PROGRAM = [f"G1 X{100 * (number % 2)} Y{number} F6000" for number in range(12)]
_SCALE = 0.2
"""Twelve lines of a second each in two and a half."""
_COMMITS = tuple(f"committed:{number}" for number in range(3, 9))
_POINTS = ("started", "step_recorded", "finish", "finished", *_COMMITS)
"""And every second kill comes at a random moment. One of the commits is that of the id: the start
has not gone out then."""


class Lab:
    """The device in a process of its own, and a daemon that is killed again and again."""

    def __init__(self, folder: Path, device: Any) -> None:
        self.folder = folder
        self.device = device
        self.daemon = DaemonProcess(
            folder / "data", config=folder / "jsonline-robot.yaml", run=forks.run
        )

    def client(self) -> Client:
        return Client(self.daemon.url, retry_s=5, language="en")

    def start(self, point: str | None = None) -> None:
        environ = {} if point is None else {"ROBOTQ_CRASH_POINT": point}
        self.daemon.start(environ=environ)

    def motions(self) -> list[dict[str, Any]]:
        log = self.folder / "device" / "simulator" / "motions.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in map(json.loads, lines) if line["step"] == "RUNNING"]

    def remembered(self) -> dict[str, dict[str, Any]]:
        """The device's own truth, by the ids of runs."""
        path = self.folder / "device" / "commands.json"
        reports = json.loads(path.read_text())["reports"] if path.exists() else []
        return {report["id"]: report for report in reports}

    def on_disk(self) -> dict[str, str]:
        """The ids of runs that the database has, by task."""
        database = sqlite3.connect(f"file:{self.daemon.data / 'robotq.db'}?mode=ro", uri=True)
        try:
            found = database.execute("SELECT id, json_extract(rest, '$.run.id') FROM tasks")
            return {task: run for task, run in found if run is not None}
        finally:
            database.close()

    def accepted(self) -> list[str]:
        """What the database has, whoever was told."""
        database = sqlite3.connect(f"file:{self.daemon.data / 'robotq.db'}?mode=ro", uri=True)
        try:
            return [task for (task,) in database.execute("SELECT id FROM tasks ORDER BY seq")]
        finally:
            database.close()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    for name in ("jsonline-robot.yaml", "jsonline-commands.yaml"):
        shutil.copy(ROOT / "config" / name, tmp_path)
    said = tmp_path / "said"
    with said.open("wb") as told:
        device = forks.start(
            ["-m", "robotq", "device", "--link", "robot_a.port", "--data", "device",
             "--time-scale", str(_SCALE)],
            cwd=tmp_path,
            env=clean_environment({}),
            stdout=told,
            stderr=told,
        )  # fmt: skip
    until(lambda: b"\n" in said.read_bytes())
    made = Lab(tmp_path, device)
    try:
        yield made
    finally:
        made.daemon.kill()
        device.terminate()
        device.wait(30)


def _connected(client: Client) -> None:
    until(lambda: client.robot("robot_a").connected)


def _all_ended(client: Client, ids: list[str]) -> list[Task]:
    """Resume what the start has held, and leave alone what has an unknown outcome."""

    def so() -> bool:
        holds = {hold.code for hold in client.queue_status("robot_a").holds}
        if "restarted" in holds:
            client.resume("robot_a")
        return "outcome_unknown" in holds or all(client.task(one).ended for one in ids)

    until(so)
    return [client.task(one) for one in ids]


def judged(lab: Lab, tasks: list[Task], known: dict[str, str]) -> list[str]:
    """What is wrong. `known`: the ids that were on disk when the daemon was killed."""
    faults = []
    remembered = lab.remembered()
    begun = {(line["task_id"], line["attempt"]) for line in lab.motions()}
    for task_id, number in Counter(task for task, _ in begun).items():
        if number > 1:
            faults.append(f"doubled: {task_id} moved in {number} attempts")
    for task in tasks:
        moved = [line["motion"] for line in lab.motions() if line["task_id"] == task.task_id]
        if moved != _PROGRAM[: len(moved)]:
            faults.append(f"doubled: {task.task_id} moved {moved}")
        runs = [one for one in remembered.values() if one["id"].startswith(f"{task.task_id}.")]
        done = any(one["state"] == "done" for one in runs)
        if task.state == "completed" and not (done and moved == _PROGRAM):
            faults.append(f"wrongly completed: {task.task_id}, the device says {runs}")
        if task.outcome_unknown and known.get(task.task_id) in remembered:
            faults.append(f"unknown, and the device knows it: {task.task_id}, {runs}, {task.error}")
    return faults


@pytest.mark.slow
@pytest.mark.parametrize("seed", some(range(100), 2))
def test_kill__at_any_moment_and_the_device_is_asked(lab: Lab, seed: int) -> None:
    rng = random.Random(seed)
    point = _POINTS[seed // 2 % len(_POINTS)] if seed % 2 else None
    lab.start()
    with lab.client() as client:
        _connected(client)
    lab.daemon.kill()
    lab.start(point)
    with lab.client() as client, contextlib.suppress(*((ClientError,) if point else ())):
        # at a point it may die before it answers
        _connected(client)
        for _ in range(2):
            client.submit("RUN_GCODE", {"program": _PROGRAM})
    if point is None:
        until(lambda: bool(lab.motions()))
        time.sleep(rng.uniform(0, 2.5))
        lab.daemon.kill()
    else:
        until(lambda: not lab.daemon.alive())
    ids, known = lab.accepted(), lab.on_disk()
    # it works on, or comes to its end unseen
    time.sleep(rng.choice([0, 0, 1.0]))
    lab.start()
    with lab.client() as client:
        tasks = _all_ended(client, ids)
    assert judged(lab, tasks, known) == []


def _upgraded(lab: Lab, program: list[str], seen_for_s: float) -> tuple[Task, list[float]]:
    """The daemon ends in order while a command goes on, and the next one sees it to its end.
    Returns what it told of its progress: the last before, and all behind."""
    config = lab.folder / "jsonline-robot.yaml"
    text = config.read_text().replace("on_start: hold", "on_start: hold\n    on_shutdown: leave")
    config.write_text(text)
    lab.start()
    with lab.client() as client:
        _connected(client)
        task_id = client.submit("RUN_GCODE", {"program": program}).task_id
        until(lambda: len(lab.motions()) > 1)
        time.sleep(seen_for_s)
        told = [client.task(task_id).progress or 0.0]
    assert lab.daemon.terminate() == 0
    lab.start()
    with lab.client() as client:
        while not (task := client.task(task_id)).ended:
            told.append(task.progress or 0.0)
            time.sleep(min(1.0, seen_for_s + 0.05))
            if "restarted" in {hold.code for hold in client.queue_status("robot_a").holds}:
                client.resume("robot_a")
    return task, told


def test_leave__while_robotq_is_upgraded_costs_one_start(lab: Lab) -> None:
    task, _ = _upgraded(lab, _PROGRAM, 0)
    assert task.completed
    assert task.attempt == 1
    assert judged(lab, [task], {}) == []
    assert [one for one in lab.remembered() if one.startswith(task.task_id)] == [
        f"{task.task_id}.1"
    ]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_leave__while_a_motion_of_three_minutes_goes_on(lab: Lab) -> None:
    program = _PROGRAM * 75
    task, told = _upgraded(lab, program, 30)
    assert (task.state, task.attempt) == ("completed", 1)
    assert [line["motion"] for line in lab.motions()] == program
    assert [one for one in lab.remembered() if one.startswith(task.task_id)] == [
        f"{task.task_id}.1"
    ]
    assert 0 < told[0] <= told[1]
    assert told == sorted(told), "it goes on, and never back"
    assert len(set(told)) > 60


@pytest.mark.parametrize("seed", some(range(100), 2))
def test_emergency_stop__that_is_latched_while_robotq_is_down_comes_first(
    lab: Lab, seed: int
) -> None:
    """Before any other byte: the device hears the stop byte, and nothing moves after it."""
    config = lab.folder / "jsonline-robot.yaml"
    lab.start()
    with lab.client() as client:
        _connected(client)
        task_id = client.submit("RUN_GCODE", {"program": _PROGRAM * 20}).task_id
        until(lambda: bool(lab.motions()))
    time.sleep(random.Random(seed).uniform(0, 0.3))
    lab.daemon.kill()
    stops = {"robots": {"robot_a": {"actor": "ann", "reason": "hand in the cell"}}}
    (lab.daemon.data / "estop.json").write_text(json.dumps(stops))
    record = "\n      record: ./wire.jsonl\n"
    config.write_text(config.read_text().replace("\n      # record:", record + "      # record:"))
    lab.start()
    with lab.client() as client:
        until(lambda: client.task(task_id).ended)
        task = client.task(task_id)
        assert "estop" in {hold.code for hold in client.queue_status("robot_a").holds}
    assert (task.state, task.outcome_unknown) == ("failed", False)
    assert lab.remembered()[f"{task_id}.1"]["state"] == "stopped"
    lines = [json.loads(line) for line in (lab.folder / "wire.jsonl").read_text().splitlines()]
    sent = b"".join(line["out"].encode("latin-1") for line in lines if "out" in line)
    assert sent.lstrip(b"\n").startswith(b"\x18")
