"""What the end of one task means for the others of its contiguous batch."""

from __future__ import annotations

from robotq.engine.events.rows import saving_end
from robotq.model.task import Task, TaskError, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import Mutation


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
