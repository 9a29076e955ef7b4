"""An emergency stop that is latched while the device cannot be reached: what moves is stopped
before anything else is done, and nothing begins before the reset. The device is the judge."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from robotq.client import Client, Task
from robotq.client.errors import Refused
from robotq.model.json import JsonObject
from tests.drivers.killed import KilledDaemon, until

ROUNDS = 10
"""Of one test; ten of them make a hundred."""
_STOPS = {"actor": "ann", "reason": "hand in the cell"}
_MOMENT_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    lab: KilledDaemon
    params: Callable[[int], JsonObject]
    """Of a MOVE that goes on for long, each with a name of its own."""
    stands: Callable[[Any], bool]
    """Whether it has stopped the motion of this name, and moves nothing."""
    cut: Callable[[], None]
    mend: Callable[[], None]
    named: bool = True
    """Whether its commands have an id."""
    first: Callable[[], bool] = lambda: True
    """Whether the first that it has heard after `cut` was the stop."""


def while_down(device: Device, rounds: range) -> None:
    """The file says so at the next start, and the daemon that was killed did not know."""
    lab = device.lab
    lab.start()
    for seed in rounds:
        with lab.client() as client:
            task_id, name = _begun(device, client, seed)
        lab.daemon.kill()
        device.cut()
        device.mend()
        latch = {"robots": {lab.robot: _STOPS}}
        (lab.daemon.data / "estop.json").write_text(json.dumps(latch))
        lab.start()
        with lab.client() as client:
            _stopped_first(device, client, task_id, name, seed)


def while_away(device: Device, rounds: range) -> None:
    lab = device.lab
    lab.start()
    with lab.client() as client:
        for seed in rounds:
            task_id, name = _begun(device, client, seed)
            device.cut()
            until(lambda: not client.robot(lab.robot).connected, 30)
            # it says that the robot has not confirmed it
            with pytest.raises(Refused):
                client.estop()
            assert not device.stands(name)
            device.mend()
            _stopped_first(device, client, task_id, name, seed)


def _begun(device: Device, client: Client, seed: int) -> tuple[str, Any]:
    lab = device.lab
    lab.connected(client)
    params = device.params(seed)
    name = params[lab.witness.key]
    task_id = client.submit("MOVE", params).task_id
    until(lambda: lab.witness.begun(name) == 1, 30)
    if device.named:
        until(lambda: lab.rows()[task_id].run is not None, 30)
    time.sleep(random.Random(seed).uniform(0, 0.3))
    return task_id, name


def _stopped_first(device: Device, client: Client, task_id: str, name: Any, seed: int) -> None:
    lab = device.lab
    until(lambda: device.stands(name), 60)
    assert device.first(), seed
    task = _ended(client, task_id)
    assert "estop" in lab.holds(client), seed
    assert task.state == "failed", (seed, task.state)
    assert task.outcome_unknown is not device.named, (seed, task.error)
    time.sleep(_MOMENT_S)
    assert device.stands(name), seed
    assert lab.witness.begun(name) == 1, seed
    until(lambda: client.robot(lab.robot).connected, 30)
    client.reset_estop()
    if task.outcome_unknown:
        client.resolve(task_id, "failed")
    client.resume(lab.robot)


def _ended(client: Client, task_id: str) -> Task:
    until(lambda: client.task(task_id).ended, 60)
    return client.task(task_id)
