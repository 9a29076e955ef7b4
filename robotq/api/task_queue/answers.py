"""Tasks in the words of the task queue interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robotq.api.http.times import utc_ms
from robotq.model.job import data_of, why_failed
from robotq.model.task import Task, TaskState
from robotq.wire.remote_work import task_queue as wire

API = "task_queue"
"""The name of this interface, and of its queue."""

REQUESTER = "http-client"
"""Who hands a task in, where nobody says so."""

_STATUS: Mapping[TaskState, str] = {
    TaskState.PENDING: "pending",
    TaskState.RUNNING: "in_progress",
    TaskState.COMPLETED: "completed",
    TaskState.FAILED: "failed",
    # its documented clients wait for a result, and only know these four
    TaskState.CANCELLED: "failed",
}


def handed_out(task: Task) -> wire.HandedOut:
    """A task as a worker gets it."""
    return wire.HandedOut(
        id=task.id,
        type=task.command.cmd_type,
        data=task.command.params,
        requester=_requester(task),
        created_at=utc_ms(task.submitted_at_ms),
        lease=lease_view(task),
    )


def lease_view(task: Task) -> wire.Lease | None:
    """For how long the worker has it, and the token that goes with the result."""
    if task.lease_until_ms is None or task.work is None or task.work.lease_s is None:
        return None
    return wire.Lease(
        token=task.fence,
        seconds=task.work.lease_s,
        expires_at=utc_ms(task.lease_until_ms),
    )


def task_view(task: Task) -> wire.Task:
    changed_ms = task.ended_at_ms or task.started_at_ms or task.retried_at_ms
    has_worker = task.state is not TaskState.PENDING
    return wire.Task(
        **_head(task),
        assigned_to=task.worker if has_worker else None,
        updated_at=utc_ms(changed_ms or task.submitted_at_ms),
    )


def pending_view(task: Task) -> wire.PendingTask:
    return wire.PendingTask(**_head(task))


def _head(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "type": task.command.cmd_type,
        "requester": _requester(task),
        "data": task.command.params,
        "status": _STATUS[task.state],
        "created_at": utc_ms(task.submitted_at_ms),
    }


def result_view(task: Task) -> wire.Result:
    """What the submitter reads of an ended task."""
    data = data_of(task)
    return wire.Result(
        task_id=task.id,
        worker=task.worker,
        status="success" if task.error is None else "error",
        data={} if data is None else data,
        completed_at=utc_ms(task.ended_at_ms or 0),
        error_message=why_failed(task),
    )


def _requester(task: Task) -> str:
    return str(task.command.extra.get("requester", REQUESTER))
