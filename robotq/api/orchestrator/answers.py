"""Tasks in the words of the orchestrator interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robotq.api.http.times import rfc3339
from robotq.model.job import data_of, why_failed
from robotq.model.task import Task, TaskState
from robotq.wire.remote_work import orchestrator as wire

API = "orchestrator"
"""The name of this interface, and of its queue."""

CMD_TYPE = "prompt"
"""Of every task of this interface."""

PRIORITIES: Mapping[str, int] = {"low": -5, "medium": 0, "high": 5}
_PRIORITY_WORDS = {number: word for word, number in PRIORITIES.items()}

STATUS: Mapping[TaskState, str] = {
    TaskState.PENDING: "waiting",
    TaskState.RUNNING: "working",
    TaskState.COMPLETED: "completed",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "cancelled",
}


def created(task: Task) -> wire.Created:
    return wire.Created(
        task_id=task.id,
        status=STATUS[task.state],
        priority=priority_word(task),
        work_directory=directory_of(task),
        tags=task.command.extra["tags"],
        created_at=rfc3339(task.submitted_at_ms),
    )


def handed_out(task: Task) -> wire.HandedOut:
    """A task as a worker gets it."""
    return wire.HandedOut(**_head(task))


def detail(task: Task) -> wire.Task:
    """Everything about a task; what it does not have is null."""
    result: Any = data_of(task)
    return wire.Task(
        **_head(task),
        status=STATUS[task.state],
        worker_id=None if task.state is TaskState.PENDING else task.worker or None,
        created_at=rfc3339(task.submitted_at_ms),
        started_at=_time(task.started_at_ms),
        completed_at=_time(task.ended_at_ms),
        result=result,
        error_message=_error_message(task),
        retry_count=task.retries,
        max_retries=max_retries_of(task),
        metadata=task.command.extra.get("metadata", {}),
    )


def _head(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "prompt": prompt_of(task),
        "work_directory": directory_of(task),
        "priority": priority_word(task),
        "tags": task.command.extra["tags"],
    }


def directory_of(task: Task) -> str:
    return "" if task.work is None else task.work.match


def prompt_of(task: Task) -> str:
    params = task.command.params
    return str(params["prompt"]) if isinstance(params, Mapping) else ""


def priority_word(task: Task) -> str:
    return _PRIORITY_WORDS.get(task.priority) or ("high" if task.priority > 0 else "low")


def max_retries_of(task: Task) -> int | None:
    return None if task.work is None else task.work.max_retries


def _error_message(task: Task) -> str | None:
    """Why it failed; of a cancelled task the reason that was given."""
    if task.error is not None and task.error.code == "cancelled":
        return str(task.error.args.get("reason", "")) or None
    return why_failed(task) or None


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)
