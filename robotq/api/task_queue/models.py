"""Shapes of what the task queue interface takes and gives. They describe; the documented
texts of its errors come from the handlers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Object = dict[str, Any]
IsoTime = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$")]
"""ISO 8601, UTC, with milliseconds."""
Name = Annotated[str, Field(max_length=200)]
Status = Literal["pending", "in_progress", "completed", "failed"]


class _Body(BaseModel):
    """Keys that nobody knows are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class NewTaskBody(_Body):
    task_type: Annotated[str, Field(min_length=1, max_length=1_000)]
    data: Object | None = Field(default=None, description="Left out: `{}`.")
    requester: Name | None = Field(default=None, description="Left out: `http-client`.")


class CreateBody(_Body):
    type: Annotated[str, Field(min_length=1, max_length=1_000)]
    data: Object | None = None
    requester: Name | None = None


class WorkerBody(_Body):
    worker_id: Name | None = Field(default=None, description="`worker` is read as well.")
    worker: Name | None = None


class ResultBody(WorkerBody):
    status: str | None = Field(
        default=None, description="`success`, which is the default, or anything else: failed."
    )
    data: Any = Field(default=None, description="Left out: `{}`.")
    error_message: str | None = None
    lease_token: int | None = Field(
        default=None, description="From the lease of the task; refuses what comes too late."
    )


class CreateQuery(_Body):
    priority: Literal["urgent", "high", "normal", "low"] = "normal"


class NextQuery(_Body):
    wait: Annotated[float, Field(ge=0, le=60)] = Field(
        default=0, description="Seconds to wait for a task."
    )


class ListQuery(_Body):
    limit: Annotated[int, Field(ge=0, le=10_000)] = 10
    type: str | None = None


class Home(_Answer):
    name: str
    version: str
    description: str
    endpoints: dict[str, str]


class Health(_Answer):
    """Without the scope read only `status`."""

    status: Literal["ok", "unavailable"]
    tasks_dir: str | None = None
    results_dir: str | None = None


class ServiceHealth(_Answer):
    """Without the scope read only `status`, `service` and `timestamp`."""

    status: Literal["ok", "unavailable"]
    service: Literal["task-queue"]
    timestamp: IsoTime
    queue_size: int | None = None
    results_count: int | None = None
    tasks_dir: str | None = None
    results_dir: str | None = None


class Stats(_Answer):
    completed_tasks: int
    pending_tasks: int
    tasks_dir: str
    results_dir: str


class Created(_Answer):
    success: Literal[True]
    task_id: str
    message: str


class CreatedInLine(_Answer):
    success: Literal[True]
    task_id: str
    message: str
    priority: str
    queue_position: int | None


class Lease(_Answer):
    token: int
    seconds: float
    expires_at: IsoTime


class HandedOut(_Answer):
    id: str
    type: str
    data: Any
    requester: str
    created_at: IsoTime
    lease: Lease | None = None


class Next(_Answer):
    task: HandedOut | None


class BareTask(_Answer):
    task_id: str
    type: str
    data: Any
    lease: Lease | None = None


class ClaimedTask(_Answer):
    id: str
    type: str
    data: Any
    assigned_to: str
    lease: Lease | None = None


class Claimed(_Answer):
    success: Literal[True]
    task: ClaimedTask


class Task(_Answer):
    id: str
    type: str
    requester: str
    data: Any
    status: Status
    created_at: IsoTime
    assigned_to: str | None
    updated_at: IsoTime


class PendingTask(_Answer):
    id: str
    type: str
    requester: str
    data: Any
    status: Literal["pending"]
    created_at: IsoTime


class Tasks(_Answer):
    count: int
    total_pending: int
    tasks: list[PendingTask]


class Result(_Answer):
    task_id: str
    worker: str | None
    status: Literal["success", "error"]
    data: Any
    completed_at: IsoTime
    error_message: str | None


class ResultSaved(_Answer):
    success: Literal[True]
    task_id: str
    message: str
