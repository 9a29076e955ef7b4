"""Tasks in the words of the dispatcher interface."""

from __future__ import annotations

from robotq.api.dispatcher.requests import UNKNOWN
from robotq.api.http.errors import part
from robotq.engine.state.worker_queue import WorkerQueue
from robotq.model.job import data_of, why_failed
from robotq.model.task import Task, TaskState
from robotq.wire.remote_work import dispatcher as wire

API = "dispatcher"
"""The name of this interface, and of its queue."""

CMD_TYPE = "dispatch"
"""Of every task of this interface."""

_TEXTS = {
    "task_timeout": "Task timeout",
    "worker_lost": "Worker disconnected",
    # leases are renewed while the worker is connected
    "lease_expired": "Worker disconnected",
    "cancelled": "Task cancelled",
}


def status(
    task: Task, worker_queue: WorkerQueue
) -> wire.Queued | wire.Executing | wire.Completed | wire.Failed:
    """One of the four documented forms."""
    match task.state:
        case TaskState.PENDING:
            return wire.Queued(
                task_id=task.id,
                status="queued",
                enqueued_at=task.submitted_at_ms,
                position=worker_queue.position(task) or 1,
            )
        case TaskState.RUNNING:
            return wire.Executing(
                task_id=task.id,
                status="executing",
                worker_id=task.worker,
                started_at=task.started_at_ms or 0,
            )
        case TaskState.COMPLETED:
            return wire.Completed(
                task_id=task.id,
                status="completed",
                result=part(data_of(task)),
                completed_at=task.ended_at_ms or 0,
            )
        case _:
            return wire.Failed(
                task_id=task.id,
                status="failed",
                error=failure(task),
                failed_at=task.ended_at_ms or 0,
            )


def completed(task: Task) -> wire.Done:
    return wire.Done(task_id=task.id, status="completed", result=part(data_of(task)))


def failure(task: Task) -> str:
    """Why a task failed, in its worker's words where it was the worker who said so."""
    return why_failed(task, _TEXTS) or UNKNOWN


def group_of(task: Task) -> str:
    return "" if task.work is None else task.work.match
