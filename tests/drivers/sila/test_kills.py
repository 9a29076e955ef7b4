"""robotq is killed while the server works on: the server's own log judges.

Nothing is begun twice, nothing is called completed that is not, and nothing is unknown whose UUID
was on disk: the server remembers it for half an hour.
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.client import Client, Task
from robotq.client.errors import ClientError
from robotq.testing.process import DaemonProcess
from tests import forks
from tests.drivers.sila.site import OPTIONS, Site, until
from tests.slices import some

pytestmark = pytest.mark.real_time("a kill falls into a command that takes its time")

_STEPS, _STEP_S = 40, 0.02
_COMMANDS = 4
_POINTS = ("claimed", "started", "step_recorded", "finish", "finished", "committed:4")
"""And every second kill comes at a random moment."""


class Lab:
    def __init__(self, folder: Path, site: Site) -> None:
        self.site = site
        robot = {
            "driver": "sila",
            "options": {**OPTIONS, "address": f"127.0.0.1:{site.cable.port}"},
            "on_start": "resume",
            "reconnect_s": 0.1,
        }
        config = folder / "site.yaml"
        config.write_text(json.dumps({"robots": {"arm": robot}}))
        self.daemon = DaemonProcess(folder / "data", config=config, run=forks.run)

    def client(self) -> Client:
        return Client(self.daemon.url, retry_s=5, language="en")

    def start(self, point: str | None = None) -> None:
        self.daemon.start(environ={} if point is None else {"ROBOTQ_CRASH_POINT": point})

    def rows(self) -> dict[str, tuple[str, str | None]]:
        """Task -> the place that it was for, and the UUID of its execution, as far as they are on
        disk."""
        database = sqlite3.connect(f"file:{self.daemon.data / 'robotq.db'}?mode=ro", uri=True)
        try:
            found = database.execute(
                "SELECT id, json_extract(rest, '$.params.place'), json_extract(rest, '$.run.id') "
                "FROM tasks"
            )
            return {task: (place, run) for task, place, run in found}
        finally:
            database.close()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    site = Site(tmp_path)
    made = Lab(tmp_path, site)
    try:
        yield made
    finally:
        made.daemon.kill()
        site.close()


def _all_ended(client: Client, ids: list[str]) -> list[Task]:
    """Whatever has an unknown outcome is left to a person."""

    def so() -> bool:
        holds = {hold.code for hold in client.queue_status("arm").holds}
        return "outcome_unknown" in holds or all(client.task(one).ended for one in ids)

    until(so, 60)
    return [client.task(one) for one in ids]


@pytest.mark.parametrize("seed", some(range(100), 3))
def test_kill__at_any_moment_and_the_server_is_asked(lab: Lab, seed: int) -> None:
    rng = random.Random(seed)
    point = _POINTS[seed // 2 % len(_POINTS)] if seed % 2 else None
    lab.start()
    with lab.client() as client:
        until(lambda: client.robot("arm").connected, 20)
        # the first one shows that all is well
        assert client.wait(client.submit("MOVE", {"place": "FIRST"}).task_id).completed
    if point is not None:
        lab.daemon.kill()
        lab.start(point)
    with lab.client() as client, contextlib.suppress(ClientError):
        until(lambda: client.robot("arm").connected, 20)
        for number in range(_COMMANDS):
            params = {"place": f"P{number}", "steps": _STEPS, "step_s": _STEP_S}
            client.submit("MOVE", params, idempotency_key=f"{seed}-{number}")
        if point is None:
            time.sleep(rng.uniform(0, _COMMANDS * _STEPS * _STEP_S))
        else:
            until(lambda: not lab.daemon.alive(), 20)
    lab.daemon.kill()
    on_disk = lab.rows()
    time.sleep(rng.choice((0, _STEPS * _STEP_S)))
    lab.start()
    with lab.client() as client:
        tasks = _all_ended(client, list(on_disk))
    faults = []
    begun, ends = lab.site.begun(), lab.site.ends()
    for task in tasks:
        place, run = on_disk[task.task_id]
        if begun[place] > 1:
            faults.append(f"doubled: {place} was begun {begun[place]} times")
        after = lab.rows()[task.task_id][1]
        if task.state == "completed" and ends.get(after or run or "") != "done":
            faults.append(f"wrongly completed: {place}")
        if task.outcome_unknown and run is not None:
            faults.append(f"unknown, and the server remembers it: {place}, {task.error}")
    assert not faults, (seed, point, faults, lab.site.log())


def test_kill__between_the_start_and_its_uuid_is_unknown_and_held(lab: Lab) -> None:
    """The only new execution is not for that reason ours."""
    lab.start()
    with lab.client() as client:
        until(lambda: client.robot("arm").connected, 20)
        assert client.wait(client.submit("MOVE", {"place": "FIRST"}).task_id).completed
        lab.site.cable.mute = True
        task_id = client.submit("MOVE", {"place": "SHELF", "steps": 3_000}).task_id
        until(lambda: lab.site.starts() == 2)
    lab.daemon.kill()
    assert lab.rows()[task_id] == ("SHELF", None)
    lab.site.cable.cut()
    lab.site.cable.mute = False
    lab.start()
    with lab.client() as client:
        until(lambda: client.task(task_id).outcome_unknown, 30)
        assert "outcome_unknown" in [hold.code for hold in client.queue_status("arm").holds]
    assert lab.site.starts() == 2
