"""A client of one version reads what a daemon of another one says."""

from __future__ import annotations

from typing import Any

import pytest

from robotq.client import Accepted, EmergencyStop, Event, Hold, QueueStatus, Robot, Task, TaskPage
from robotq.model.task import TaskState

OF_AN_OLDER_DAEMON: dict[str, Any] = {
    "task_id": "task_1",
    "state": "running",
    "cmd_type": "SCAN_QRCODE",
    "robot_id": "robot_a",
    "submitted_at_ms": 1,
}


def test_older_daemon__what_it_does_not_tell_has_its_default() -> None:
    task = Task.read(OF_AN_OLDER_DAEMON)
    assert (task.state, task.ended, task.params, task.result) == (
        TaskState.RUNNING,
        False,
        {},
        None,
    )
    assert (task.actor, task.api, task.attempt, task.simulated) == ("", "robot", 0, False)
    # no revision is none that could be named, and 0 would be one
    revision: int | None = task.revision
    assert revision is None
    assert (task.position, task.steps, task.holds) == (None, (), ())
    assert TaskPage.read({}).tasks == ()
    robot = {"robot_id": "a", "driver": "d", "state": "idle", "connected": True}
    read = Robot.read({**robot, "simulated": True, "queue_size": 0})
    assert (read.place, read.holds, read.motion_held, read.default) == (None, (), None, False)
    assert EmergencyStop.read({"latched": True, "robots": {"a": None}}).holds == ()


def test_newer_daemon__what_this_client_does_not_know_is_only_in_raw() -> None:
    hold = {"robot_id": "a", "code": "too_hot", "reason": "r", "since_ms": 1, "actor": "x"}
    clear = {"action": "cool", "how": "fan"}
    status = QueueStatus.read(
        {
            "queue_size": 0,
            "total_tasks": 0,
            "completed_tasks": 0,
            "failed_tasks": 0,
            "cancelled_tasks": 0,
            "running_task": None,
            "holds": [{**hold, "clear": clear, "degrees": 90}],
            "robots": {"a": {"queue_size": 1, "running_task": None, "holds": [hold], "x": 1}},
            "why": [{"kind": "smell", "code": "odd", "queue": "a", "reason": "r", "since_ms": 1}],
            "mood": "good",
        }
    )
    assert status.raw["mood"] == "good"
    # a word that came later, and what is described by another shape, are read as they are
    assert (status.holds[0].code, status.holds[0].clear) == ("too_hot", clear)
    assert status.holds[0].raw["degrees"] == 90
    assert status.robots["a"].raw["x"] == 1
    assert status.robots["a"].holds[0].raw == hold
    assert status.why[0].kind == "smell"


def test_records__are_equal_by_what_they_say_and_cannot_be_changed() -> None:
    task = Task.read(OF_AN_OLDER_DAEMON)
    assert task == Task.read({**OF_AN_OLDER_DAEMON, "newer": 1})
    with pytest.raises(AttributeError):
        task.cmd_type = "OTHER"  # type: ignore[misc]
    assert "raw" not in repr(task)
    assert Accepted.read({"task_id": "t", "queue_size": 1}, idempotency_key="k").raw == {
        "task_id": "t",
        "queue_size": 1,
    }


@pytest.mark.parametrize(
    ("shape", "answer"),
    [
        (Task, {}),
        (Task, {**OF_AN_OLDER_DAEMON, "state": 7}),
        (Hold, {"robot_id": "a"}),
        (Event, {"id": 1, "kind": "x", "actor": "y"}),
        (Task, []),
        (Task, "login first"),
    ],
)
def test_what_is_no_answer_of_robotq__is_found(shape: Any, answer: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        shape.read(answer)
