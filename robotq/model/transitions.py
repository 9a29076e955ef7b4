"""The one table of what may happen to a task, and the function that applies it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import replace

from robotq.model.errors import RobotqError
from robotq.model.task import Task, TaskState


class Action(StrEnum):
    CLAIM = "claim"
    """An executor takes the task. The durable record that the robot may move for it."""
    RELEASE = "release"
    """A claim whose driver was never called goes back to its place and counts as no attempt."""
    PROGRESS = "progress"
    """Steps, partial results, a question."""
    COMPLETE = "complete"
    FAIL = "fail"
    STOP = "stop"
    """A running task was called off, and the robot confirmed that it stands."""
    CANCEL = "cancel"
    """A waiting task is called off."""
    EXPIRE = "expire"
    """A waiting task is too old to be run."""
    REQUEUE = "requeue"
    """It was begun, and will run again: it is idempotent and the daemon died, or its device has
    never begun it."""
    RECLAIM = "reclaim"
    """A worker whose lease ran out is heard of again before anybody else took the task."""
    RETRY = "retry"
    """A failed task for workers waits again under its own id."""
    RETRIED = "retried"
    """A new task does an ended command once more; the end state stays."""
    MOVE = "move"
    """A waiting task gets another place or priority."""
    APPROVE = "approve"
    """A person lets a task run that an agent submitted."""
    RESOLVE = "resolve"
    """A person says how an unknown outcome ended; the end state stays."""


class Rule(msgspec.Struct, frozen=True):
    target: TaskState
    fenced: bool
    """Whether the caller must hold the current claim."""


TRANSITIONS: dict[tuple[TaskState, Action], Rule] = {
    (TaskState.PENDING, Action.CLAIM): Rule(TaskState.RUNNING, fenced=False),
    (TaskState.PENDING, Action.CANCEL): Rule(TaskState.CANCELLED, fenced=False),
    (TaskState.PENDING, Action.EXPIRE): Rule(TaskState.FAILED, fenced=False),
    (TaskState.PENDING, Action.MOVE): Rule(TaskState.PENDING, fenced=False),
    (TaskState.PENDING, Action.APPROVE): Rule(TaskState.PENDING, fenced=False),
    (TaskState.PENDING, Action.RECLAIM): Rule(TaskState.RUNNING, fenced=True),
    (TaskState.RUNNING, Action.RELEASE): Rule(TaskState.PENDING, fenced=True),
    (TaskState.RUNNING, Action.PROGRESS): Rule(TaskState.RUNNING, fenced=True),
    (TaskState.RUNNING, Action.COMPLETE): Rule(TaskState.COMPLETED, fenced=True),
    (TaskState.RUNNING, Action.FAIL): Rule(TaskState.FAILED, fenced=True),
    (TaskState.RUNNING, Action.STOP): Rule(TaskState.CANCELLED, fenced=True),
    (TaskState.RUNNING, Action.REQUEUE): Rule(TaskState.PENDING, fenced=True),
    (TaskState.FAILED, Action.RESOLVE): Rule(TaskState.FAILED, fenced=False),
    (TaskState.COMPLETED, Action.RETRIED): Rule(TaskState.COMPLETED, fenced=False),
    (TaskState.FAILED, Action.RETRIED): Rule(TaskState.FAILED, fenced=False),
    (TaskState.CANCELLED, Action.RETRIED): Rule(TaskState.CANCELLED, fenced=False),
    (TaskState.FAILED, Action.RETRY): Rule(TaskState.PENDING, fenced=False),
}


def transition(task: Task, action: Action, *, fence: int | None = None, **changes: Any) -> Task:
    """The task after `action`, with `changes` to its other fields.

    `fence` is the caller's claim; it must be the current one where the table says fenced.
    Claiming raises `fence` and `attempt` and starts with no steps; releasing gives the
    attempt back. Raises RobotqError `wrong_state` when the table has no such row,
    `stale_claim` when the claim is not the current one.
    """
    rule = TRANSITIONS.get((task.state, action))
    possible = _POSSIBLE.get(action)
    if rule is None or (possible is not None and not possible(task)):
        raise RobotqError("wrong_state", task_id=task.id, state=task.state.value, action=action)
    if rule.fenced and fence != task.fence:
        raise RobotqError("stale_claim", task_id=task.id, fence=fence, current=task.fence)
    if action in _ENDS:
        changes = {"waiting_for": None, "lease_until_ms": None, **changes}
    else:
        changes |= _following(task, action)
    return replace(task, state=rule.target, revision=task.revision + 1, **changes)


_NOTHING_DONE = {"steps": (), "progress": None, "partial": None, "artifacts": (), "run": None}
_NOT_STARTED = {"started_at_ms": None, "waiting_for": None, "lease_until_ms": None, "run": None}
_NOT_ENDED = {"ended_at_ms": None, "result": None, "error": None}


_ENDS = frozenset({Action.COMPLETE, Action.FAIL, Action.STOP, Action.CANCEL, Action.EXPIRE})
"""What brings a task to its end."""


def _following(task: Task, action: Action) -> Mapping[str, Any]:
    """What an action that is no end changes by itself."""
    match action:
        case Action.CLAIM:
            return {"fence": task.fence + 1, "attempt": task.attempt + 1, **_NOTHING_DONE}
        case Action.RELEASE:
            return {**_NOT_STARTED, "attempt": task.attempt - 1, "worker": None}
        case Action.REQUEUE:
            return _NOT_STARTED
        case Action.APPROVE:
            return {"awaits_approval": False}
        case Action.RETRY:
            return {**_NOT_STARTED, **_NOT_ENDED, **_NOTHING_DONE, "worker": None}
        case _:
            return {}


_POSSIBLE: Mapping[Action, Callable[[Task], bool]] = {
    Action.RESOLVE: lambda task: task.outcome_unknown,
    Action.RETRY: lambda task: task.work is not None,
    Action.RETRIED: lambda task: task.work is None and not task.outcome_unknown,
    Action.APPROVE: lambda task: task.awaits_approval,
    Action.CLAIM: lambda task: not task.awaits_approval,
    Action.RECLAIM: lambda task: task.worker is not None,
}
"""What the states alone do not say."""
