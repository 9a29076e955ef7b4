"""Tasks in the words of the dispatcher interface."""

from __future__ import annotations

from typing import Any

from robotq.api.dispatcher.requests import UNKNOWN
from robotq.engine.state.worker_queue import Pool
from robotq.model.job import data_of, why_failed
from robotq.model.task import Task, TaskState

API = "dispatcher"
"""The name of this interface, and of its queue."""

CMD_TYPE = "dispatch"
"""Of every task of this interface."""

_TEXTS = {
    "task_timeout": "Task timeout",
    "worker_lost": "Worker disconnected",
    "cancelled": "Task cancelled",
}


def status(task: Task, pool: Pool) -> dict[str, Any]:
    """One of the four documented forms."""
    match task.state:
        case TaskState.PENDING:
            return {
                "taskId": task.id,
                "status": "queued",
                "enqueuedAt": task.submitted_at_ms,
                "position": pool.position(task) or 1,
            }
        case TaskState.RUNNING:
            return {
                "taskId": task.id,
                "status": "executing",
                "workerId": task.worker,
                "startedAt": task.started_at_ms,
            }
        case TaskState.COMPLETED:
            return {**completed(task), "completedAt": task.ended_at_ms}
        case _:
            return {
                "taskId": task.id,
                "status": "failed",
                "error": failure(task),
                "failedAt": task.ended_at_ms,
            }


def completed(task: Task) -> dict[str, Any]:
    return {"taskId": task.id, "status": "completed", "result": data_of(task)}


def failure(task: Task) -> str:
    """Why a task failed, in its worker's words where it was the worker who said so."""
    return why_failed(task, _TEXTS) or UNKNOWN


def group_of(task: Task) -> str:
    return "" if task.work is None else task.work.match
