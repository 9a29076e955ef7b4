"""Shapes of what the orchestrator interface takes and gives. They describe; the documented
texts of its errors come from `reading`."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Object = dict[str, Any]
Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
"""RFC 3339, UTC."""
Word = Literal["low", "medium", "high"]
Status = Literal["waiting", "working", "completed", "failed", "cancelled"]
Directory = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^/")]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
WorkerId = Annotated[str, Field(max_length=100)]
_Data = TypeVar("_Data")


class _Body(BaseModel):
    """Keys that nobody knows are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Envelope(_Answer, Generic[_Data]):
    success: Literal[True]
    data: _Data
    error: None
    timestamp: Time


class NewTaskBody(_Body):
    work_directory: Directory = Field(description="Absolute, without `..`.")
    prompt: Annotated[str, Field(min_length=1, max_length=10_000)]
    priority: str | None = Field(default=None, description="low, medium (default) or high.")
    tags: list[Tag] | None = None
    metadata: Object | None = None


class Result(_Body):
    status: str | None = Field(default=None, description="`failed`; anything else is success.")
    output: str | None = None
    error: str | None = None
    details: Object | None = None
    duration: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Milliseconds."
    )


class CompleteBody(_Body):
    original_prompt: Annotated[str, Field(max_length=10_000)] | None = Field(
        default=None, description="The prompt or a part of it; anything else is refused."
    )
    result: Result | None = None
    worker_id: WorkerId | None = Field(
        default=None, description="Refused where another one has the task."
    )


class CancelBody(_Body):
    reason: str | None = None


class NextQuery(_Body):
    work_path: Directory
    worker_id: WorkerId | None = None
    wait: Annotated[float, Field(ge=0, le=60)] = Field(
        default=0, description="Seconds to wait for a task."
    )


class ListQuery(_Body):
    status: Status | None = None
    priority: Word | None = None
    work_directory: str | None = Field(default=None, description="A part of it.")
    tags: str | None = Field(default=None, description="Between commas; all must be there.")
    created_after: str | None = Field(default=None, description="RFC 3339.")
    created_before: str | None = Field(default=None, description="RFC 3339.")
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    offset: Annotated[int, Field(ge=0, le=2**53)] = 0
    sort_by: Literal["created_at", "priority", "status"] = "created_at"
    sort_order: Literal["asc", "desc"] = "desc"


class StatisticsQuery(_Body):
    period: Literal["1h", "24h", "7d", "30d"] = "24h"
    granularity: Literal["hour", "day"] = "hour"


class CompleteQuery(_Body):
    worker_id: WorkerId | None = None


class Created(_Answer):
    task_id: str
    status: Literal["waiting"]
    priority: Word
    work_directory: str
    tags: list[str]
    created_at: Time


class HandedOut(_Answer):
    task_id: str
    prompt: str
    work_directory: str
    priority: Word
    tags: list[str]


class KeptResult(_Answer):
    status: Literal["success", "failed"]
    output: str | None
    error: str | None
    details: Object
    duration: float | None


class Task(HandedOut):
    status: Status
    worker_id: str | None
    created_at: Time
    started_at: Time | None
    completed_at: Time | None
    result: KeptResult | None
    error_message: str | None
    retry_count: int
    max_retries: int | None
    metadata: Object


class Completed(_Answer):
    task_id: str
    status: Literal["completed", "failed"]
    completed_at: Time
    worker_id: str | None


class Pagination(_Answer):
    total: int
    limit: int
    offset: int
    has_more: bool


class Tasks(_Answer):
    tasks: list[Task]
    pagination: Pagination


class Cancelled(_Answer):
    task_id: str
    status: Literal["cancelled"]
    cancelled_at: Time
    reason: str | None


class Retried(_Answer):
    task_id: str
    status: Literal["waiting"]
    retry_count: int
    max_retries: int | None
    last_retry_at: Time


class Overview(_Answer):
    total_tasks: int
    completed_tasks: int
    failed_tasks: int
    cancelled_tasks: int
    active_tasks: int = Field(description="Waiting and working.")
    success_rate: float = Field(description="completed / (completed + failed + cancelled).")


class Performance(_Answer):
    avg_processing_time: float = Field(description="Milliseconds.")
    tasks_per_hour: float


class Hour(_Answer):
    timestamp: Time
    completed: int
    failed: int


class Statistics(_Answer):
    overview: Overview
    status_distribution: dict[Status, int]
    priority_distribution: dict[Word, int]
    performance_metrics: Performance
    time_series: list[Hour]


class Component(_Answer):
    healthy: bool
    response_time: float = Field(description="Milliseconds.")
    last_checked: Time


class Components(_Answer):
    database: Component
    cache: Component
    external_services: Component


class Metrics(_Answer):
    memory_usage: str
    cpu_usage: float = Field(description="Percent of one processor, since the start.")
    active_connections: int
    queue_size: int = Field(description="Waiting tasks.")


class Health(_Answer):
    """Without the scope read only `status`."""

    status: Literal["healthy", "unhealthy"]
    timestamp: Time | None = None
    version: str | None = None
    uptime: str | None = None
    components: Components | None = None
    metrics: Metrics | None = None


class CreatedAnswer(Envelope[Created]): ...


class NextAnswer(Envelope[HandedOut | None]): ...


class CompletedAnswer(Envelope[Completed]): ...


class TaskAnswer(Envelope[Task]): ...


class TasksAnswer(Envelope[Tasks]): ...


class CancelledAnswer(Envelope[Cancelled]): ...


class RetriedAnswer(Envelope[Retried]): ...


class StatisticsAnswer(Envelope[Statistics]): ...
