"""A device that was restarted in mid-command, or that lies about it, while robotq was down: nobody
knows what became of the command, the queue is held, and that is told. Nothing is begun twice."""

from __future__ import annotations

import time
from collections.abc import Callable

from robotq.model.json import JsonObject
from tests.drivers.killed import KilledDaemon, until

_MOMENT_S = 0.3


def nothing() -> None:
    """It says at once what it lies about."""


def believed_by_nobody(
    lab: KilledDaemon,
    params: JsonObject,
    deed: Callable[[], None],
    afterwards: Callable[[], None] = nothing,
) -> None:
    """`deed` is done while the daemon is down, `afterwards` when it has decided."""
    name = params[lab.witness.key]
    lab.start()
    with lab.client() as client:
        lab.connected(client)
        task_id = client.submit("MOVE", params).task_id
        until(lambda: lab.witness.begun(name) == 1, 30)
        until(lambda: lab.rows()[task_id].run is not None, 30)
    lab.daemon.kill()
    deed()
    lab.start()
    _unknown(lab, task_id, afterwards)
    assert lab.witness.begun(name) == 1


def started_late(
    lab: KilledDaemon,
    params: JsonObject,
    keep: Callable[[], None],
    kept: Callable[[], bool],
    let_through: Callable[[], None],
) -> None:
    """The start is on its way when the daemon dies, and arrives when the next one has asked."""
    name = params[lab.witness.key]
    lab.start()
    with lab.client() as client:
        lab.connected(client)
        keep()
        task_id = client.submit("MOVE", params).task_id
        until(kept, 30)
    lab.daemon.kill()
    assert lab.rows()[task_id].state == "running"
    assert lab.witness.begun(name) == 0
    lab.start()

    def arrives() -> None:
        let_through()
        until(lambda: lab.witness.begun(name) == 1)

    _unknown(lab, task_id, arrives)
    assert lab.witness.begun(name) == 1


def _unknown(lab: KilledDaemon, task_id: str, afterwards: Callable[[], None]) -> None:
    with lab.client() as client:
        until(lambda: client.task(task_id).ended, 60)
        afterwards()
        time.sleep(_MOMENT_S)
        task = client.task(task_id)
        assert task.outcome_unknown, (task.state, task.error, task.result)
        assert task.message
        (hold,) = [
            each for each in client.queue_status(lab.robot).holds if each.code == "outcome_unknown"
        ]
        assert hold.task_id == task_id
        assert hold.reason
