"""robotq is upgraded while a motion of three minutes goes on, with `on_shutdown: leave`."""

from __future__ import annotations

import time

from robotq.client import Client
from robotq.model.json import JsonObject
from tests.drivers.killed import KilledDaemon, until

LASTS_S = 180
_LOOK_S = 1.0
_AWAY_S = 5.0


def upgraded(lab: KilledDaemon, params: JsonObject) -> None:
    """The motion goes on as if nothing had happened, and its device has had one start."""
    name = params[lab.witness.key]
    lab.start()
    with lab.client() as client:
        lab.connected(client)
        task_id = client.submit("MOVE", params).task_id
        until(lambda: lab.rows()[task_id].run is not None, 30)
        time.sleep(LASTS_S / 6)
        before = client.task(task_id).progress
    assert lab.daemon.terminate() == 0
    assert lab.rows()[task_id].state == "running"
    time.sleep(_AWAY_S)
    lab.start()
    with lab.client() as client:
        told = _followed(client, task_id)
        task = client.task(task_id)
        assert lab.holds(client) == set()
    assert (task.state, task.attempt) == ("completed", 1), task.error
    assert lab.witness.begun(name) == 1
    assert lab.witness.done(name, lab.rows()[task_id].run or "")
    assert before is not None
    assert told == sorted(told), "it goes on, and never back"
    assert told[0] >= before
    assert len(set(told)) > LASTS_S / 4


def _followed(client: Client, task_id: str) -> list[float]:
    """What it tells of its progress until its end."""
    told: list[float] = []
    deadline = time.monotonic() + 2 * LASTS_S
    while not (task := client.task(task_id)).ended:
        assert time.monotonic() < deadline
        if task.progress is not None:
            told.append(task.progress)
        time.sleep(_LOOK_S)
    return told
