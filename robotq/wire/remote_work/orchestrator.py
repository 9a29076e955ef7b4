"""What the orchestrator interface answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Generic, TypeVar

from msgspec import Meta

from robotq.wire.base import Answer, Failure, Object, Success, one_of

Time = Annotated[str, Meta(extra_json_schema={"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"})]
"""RFC 3339, UTC."""
Word = Annotated[str, one_of("low", "medium", "high")]
Status = Annotated[str, one_of("waiting", "working", "completed", "failed", "cancelled")]
_Data = TypeVar("_Data")


class Envelope(Answer, Generic[_Data], kw_only=True):
    success: Success
    data: _Data
    error: None
    timestamp: Time


CODES: Mapping[int, str] = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    429: "RATE_LIMIT_EXCEEDED",
    503: "SERVICE_UNAVAILABLE",
}
"""Status -> code of the error; of every other status it is INTERNAL_ERROR."""


class Problem(Answer, kw_only=True):
    code: Annotated[str, one_of(*CODES.values(), "INTERNAL_ERROR")]
    message: str
    details: Object | None = None
    """Which field is wrong, and how."""


class Error(Answer, kw_only=True):
    """The envelope of every refusal and every fault."""

    success: Failure
    data: None
    error: Problem
    timestamp: Time


class Created(Answer, kw_only=True):
    task_id: str
    status: Annotated[str, one_of("waiting")]
    priority: Word
    work_directory: str
    tags: tuple[str, ...]
    created_at: Time


class HandedOut(Answer, kw_only=True):
    task_id: str
    prompt: str
    work_directory: str
    priority: Word
    tags: tuple[str, ...]


class KeptResult(Answer, kw_only=True):
    status: Annotated[str, one_of("success", "failed")]
    output: str | None
    error: str | None
    details: Object
    duration: float | None


class Task(HandedOut, kw_only=True):
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


class Completed(Answer, kw_only=True):
    task_id: str
    status: Annotated[str, one_of("completed", "failed")]
    completed_at: Time
    worker_id: str | None


class Pagination(Answer, kw_only=True):
    total: int
    limit: int
    offset: int
    has_more: bool


class Tasks(Answer, kw_only=True):
    tasks: tuple[Task, ...]
    pagination: Pagination


class Cancelled(Answer, kw_only=True):
    task_id: str
    status: Annotated[str, one_of("cancelled")]
    cancelled_at: Time
    reason: str | None


class Retried(Answer, kw_only=True):
    task_id: str
    status: Annotated[str, one_of("waiting")]
    retry_count: int
    max_retries: int | None
    last_retry_at: Time


class Overview(Answer, kw_only=True):
    total_tasks: int
    completed_tasks: int
    failed_tasks: int
    cancelled_tasks: int
    active_tasks: int
    """Waiting and working."""
    success_rate: float
    """completed / (completed + failed + cancelled)."""


class Performance(Answer, kw_only=True):
    avg_processing_time: float
    """Milliseconds."""
    tasks_per_hour: float


class Hour(Answer, kw_only=True):
    timestamp: Time
    completed: int
    failed: int


class Statistics(Answer, kw_only=True):
    overview: Overview
    status_distribution: Mapping[Status, int]
    priority_distribution: Mapping[Word, int]
    performance_metrics: Performance
    time_series: tuple[Hour, ...]


class Component(Answer, kw_only=True):
    healthy: bool
    response_time: float
    """Milliseconds."""
    last_checked: Time


class Components(Answer, kw_only=True):
    database: Component
    cache: Component
    external_services: Component


class Metrics(Answer, kw_only=True):
    memory_usage: str
    cpu_usage: float
    """Percent of one processor, since the start."""
    active_connections: int
    queue_size: int
    """Waiting tasks."""


class Health(Answer, kw_only=True):
    """Without the scope read only `status`."""

    status: Annotated[str, one_of("healthy", "unhealthy")]
    timestamp: Time | None = None
    version: str | None = None
    uptime: str | None = None
    components: Components | None = None
    metrics: Metrics | None = None


class CreatedAnswer(Envelope[Created], kw_only=True): ...


class NextAnswer(Envelope[HandedOut | None], kw_only=True): ...


class CompletedAnswer(Envelope[Completed], kw_only=True): ...


class TaskAnswer(Envelope[Task], kw_only=True): ...


class TasksAnswer(Envelope[Tasks], kw_only=True): ...


class CancelledAnswer(Envelope[Cancelled], kw_only=True): ...


class RetriedAnswer(Envelope[Retried], kw_only=True): ...


class StatisticsAnswer(Envelope[Statistics], kw_only=True): ...
