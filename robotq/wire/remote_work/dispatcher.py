"""What the dispatcher interface answers."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, field

from robotq.wire.base import Answer, one_of

Time = Annotated[int, Meta(description="Milliseconds since the epoch.")]


class Camel(Answer, rename="camel", kw_only=True):
    pass


class Error(Answer, kw_only=True):
    """The one form of every refusal and every fault."""

    error: str


class Queued(Camel, kw_only=True):
    task_id: str
    status: Annotated[str, one_of("queued")]
    enqueued_at: Time
    position: Annotated[int, Meta(ge=1)]
    """Over all groups."""


class Executing(Camel, kw_only=True):
    task_id: str
    status: Annotated[str, one_of("executing")]
    worker_id: str | None
    started_at: Time


class Completed(Camel, kw_only=True):
    task_id: str
    status: Annotated[str, one_of("completed")]
    result: Any
    completed_at: Time


class Failed(Camel, kw_only=True):
    task_id: str
    status: Annotated[str, one_of("failed")]
    error: str
    failed_at: Time


class Done(Camel, kw_only=True):
    task_id: str
    status: Annotated[str, one_of("completed")]
    result: Any


class Accepted(Camel, kw_only=True):
    task_id: str
    status: Annotated[str, one_of("queued", "executing")]


class Metrics(Camel, kw_only=True):
    total_workers: int
    busy_workers: int
    queue_length: int
    executing: int
    avg_wait_time: int
    """Milliseconds, of the latest 100 tasks."""
    timestamp: Time


class WorkerLine(Camel, kw_only=True):
    id: str
    ip: str | None
    group: str
    status: Annotated[str, one_of("idle", "busy")]
    current_task_id: str | None
    connected_since: Time


class WorkersAnswer(Camel, kw_only=True):
    workers: tuple[WorkerLine, ...]
    timestamp: Time


class WaitingLine(Camel, kw_only=True):
    task_id: str
    type: str
    """The model."""
    group: str
    enqueued_at: Time
    timeout: int
    """Milliseconds."""
    is_async: bool = field(name="async")
    position: int
    wait_time: int
    """Milliseconds."""
    payload: str
    """JSON, cut where it is long."""


class ExecutingLine(Camel, kw_only=True):
    task_id: str
    worker_id: str | None
    group: str
    started_at: Time
    execution_time: int
    """Milliseconds."""
    payload: str


class TasksAnswer(Camel, kw_only=True):
    queue_length: int
    pending_count: int
    tasks: tuple[WaitingLine, ...]
    """The next 100."""
    executing_tasks: tuple[ExecutingLine, ...]
    """At most 100."""
    timestamp: Time


class LogLine(Camel, kw_only=True):
    id: int
    timestamp: Time
    method: str
    """WS: the answer of a worker."""
    path: str
    status: int
    latency: float | None
    """Milliseconds; of a worker what it says itself."""
    request_body: str | None
    """JSON, cut where it is long."""
    response_body: str | None
    task_id: str | None


class LogsAnswer(Camel, kw_only=True):
    logs: tuple[LogLine, ...]
    """The latest 50, newest first."""
    timestamp: Time
