"""What the end of one task means for the others of its contiguous batch."""

from __future__ import annotations

from robotq.engine.task_events import saving_end
from robotq.model.task import Task, TaskError
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
