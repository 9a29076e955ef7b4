"""The rows of the journal that tell of a change of a task, and what its end means for its batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from robotq.engine.state.tallies import tallies_of_end, tallies_of_new
from robotq.model.event import Event
from robotq.model.json import JsonObject
from robotq.model.task import Task, TaskError, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import AppendEvent, Mutation, SaveTask

_OF_END = {
    TaskState.COMPLETED: "task.completed",
    TaskState.FAILED: "task.failed",
    TaskState.CANCELLED: "task.cancelled",
}


def task_event(
    kind: str, task: Task, at_ms: int, actor: str, *, before: Task | None = None, **data: Any
) -> AppendEvent:
    """`task` is as it is after the change."""
    return AppendEvent(
        Event(
            kind=kind,
            at_ms=at_ms,
            actor=actor,
            api=task.api,
            robot=task.queue,
            task_id=task.id,
            # not `.value`, which takes two calls
            before=str(before.state) if before is not None else None,
            after=str(task.state),
            data={"cmd_type": task.command.cmd_type, **data},
        )
    )


def saving_new(
    tasks: Sequence[Task],
    actor: str,
    weights: Sequence[int] = (),
    outlooks: Sequence[JsonObject | None] = (),
) -> list[Mutation]:
    """What writes accepted tasks. `weights`: those of their commands, where they are known;
    `outlooks`: what their programs come to."""
    mutations: list[Mutation] = []
    for index, task in enumerate(tasks):
        mutations.append(SaveTask(task, None, weights[index] if weights else None))
        data: dict[str, Any] = {"cmd_type": task.command.cmd_type}
        if outlooks and outlooks[index] is not None:
            data["program"] = outlooks[index]
        submitted = Event(
            kind="task.submitted",
            at_ms=task.submitted_at_ms,
            actor=actor,
            api=task.api,
            robot=task.queue,
            task_id=task.id,
            after=str(task.state),
            data=data,
        )
        mutations.append(AppendEvent(submitted))
        if task.work is not None:
            mutations += tallies_of_new(task)
    return mutations


def saving_end(before: Task, ended: Task, actor: str) -> list[Mutation]:
    """What writes the end of a task."""
    assert ended.ended_at_ms is not None
    data = {"error_code": ended.error.code} if ended.error is not None else {}
    kind = _OF_END[ended.state]
    saving: list[Mutation] = [
        SaveTask(ended, before),
        task_event(kind, ended, ended.ended_at_ms, actor, before=before, **data),
    ]
    if ended.work is not None:
        saving += tallies_of_end(ended)
    return saving


def cancelled_with(waiting: Task, failed: Task) -> list[Mutation]:
    """What writes that `waiting` does not run, since `failed` of its batch has failed."""
    cancelled = transition(
        waiting,
        Action.CANCEL,
        error=TaskError(code="batch_failed", args={"task_id": failed.id}),
        ended_at_ms=failed.ended_at_ms,
    )
    return saving_end(waiting, cancelled, "robotq")


def left_of_batch(task: Task) -> bool:
    """Whether a retry of its batch runs this ended task again."""
    if task.state is TaskState.COMPLETED:
        return False
    if task.resolution is not None:
        return task.resolution.outcome != "completed"
    # what a person has called off before it began was not meant to run
    called_off = task.error is not None and task.error.code in ("cancelled", "rejected")
    return not called_off or task.started_at_ms is not None
