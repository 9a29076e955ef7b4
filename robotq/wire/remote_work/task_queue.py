"""What the task queue interface answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from robotq.wire.base import Answer, Success, one_of

IsoTime = Annotated[
    str,
    Meta(extra_json_schema={"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$"}),
]
"""ISO 8601, UTC, with milliseconds."""
Status = Annotated[str, one_of("pending", "in_progress", "completed", "failed")]


class Error(Answer, kw_only=True):
    """The one form of every refusal and every fault."""

    error: str
    detail: str | None = None
    """The same once more, where older clients look for a result."""


class Home(Answer, kw_only=True):
    name: str
    version: str
    description: str
    endpoints: Mapping[str, str]


class Health(Answer, kw_only=True):
    """Without the scope read only `status`."""

    status: Annotated[str, one_of("ok", "unavailable")]
    tasks_dir: str | None = None
    results_dir: str | None = None


class ServiceHealth(Answer, kw_only=True):
    """Without the scope read only `status`, `service` and `timestamp`."""

    status: Annotated[str, one_of("ok", "unavailable")]
    service: Annotated[str, one_of("task-queue")]
    timestamp: IsoTime
    queue_size: int | None = None
    results_count: int | None = None
    tasks_dir: str | None = None
    results_dir: str | None = None


class Stats(Answer, kw_only=True):
    completed_tasks: int
    pending_tasks: int
    tasks_dir: str
    results_dir: str


class Created(Answer, kw_only=True):
    success: Success
    task_id: str
    message: str


class CreatedInLine(Answer, kw_only=True):
    success: Success
    task_id: str
    message: str
    priority: str
    queue_position: int | None


class Lease(Answer, kw_only=True):
    token: int
    seconds: float
    expires_at: IsoTime


class HandedOut(Answer, kw_only=True):
    id: str
    type: str
    data: Any
    requester: str
    created_at: IsoTime
    lease: Lease | None


class Next(Answer, kw_only=True):
    task: HandedOut | None


class BareTask(Answer, kw_only=True):
    task_id: str
    type: str
    data: Any
    lease: Lease | None


class ClaimedTask(Answer, kw_only=True):
    id: str
    type: str
    data: Any
    assigned_to: str
    lease: Lease | None


class Claimed(Answer, kw_only=True):
    success: Success
    task: ClaimedTask


class Task(Answer, kw_only=True):
    id: str
    type: str
    requester: str
    data: Any
    status: Status
    created_at: IsoTime
    assigned_to: str | None
    updated_at: IsoTime


class PendingTask(Answer, kw_only=True):
    id: str
    type: str
    requester: str
    data: Any
    status: Annotated[str, one_of("pending")]
    created_at: IsoTime


class Tasks(Answer, kw_only=True):
    count: int
    total_pending: int
    tasks: tuple[PendingTask, ...]


class Result(Answer, kw_only=True):
    task_id: str
    worker: str | None
    status: Annotated[str, one_of("success", "error")]
    data: Any
    completed_at: IsoTime
    error_message: str | None


class ResultSaved(Answer, kw_only=True):
    success: Success
    task_id: str
    message: str
