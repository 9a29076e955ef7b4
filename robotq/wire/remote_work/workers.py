"""What robotq's own workers get, and who is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from robotq.wire.base import Answer, Object, Success, missing, one_of
from robotq.wire.holds import Hold, Reason


class WorkerTask(Answer, kw_only=True):
    task_id: str
    queue: str
    cmd_type: str
    params: Any
    extra: Object
    priority: int = missing(0)
    attempt: int
    token: int
    """Goes with everything that is said about this task."""
    submitted_at_ms: int = missing(0)
    lease_s: float | None
    """Null: until it is answered."""
    lease_until_ms: int | None = missing()
    deadline_ms: int | None = missing()


class Next(Answer, kw_only=True):
    task: WorkerTask | None


class TaskOrder(Answer, kw_only=True):
    task_id: str
    order: Annotated[str, one_of("go_on", "cancel")]
    reason: str
    """Why it is cancelled: cancelled, stale_claim, completed, ..."""
    lease_until_ms: int | None = missing()


class Heartbeat(Answer, kw_only=True):
    paused: bool
    """The queue hands out nothing right now."""
    reason: str
    """Why, in words."""
    tasks: tuple[TaskOrder, ...]


class WorkerDone(Answer, kw_only=True):
    success: Success
    task_id: str
    state: str


class WorkerRuns(Answer, kw_only=True):
    """A task in the hands of a worker."""

    task_id: str
    cmd_type: str
    attempt: int
    progress: float | None
    started_at_ms: int | None
    lease_until_ms: int | None
    """Null: until it is answered."""


class Worker(Answer, kw_only=True):
    worker_id: str
    queue: str
    state: Annotated[str, one_of("busy", "idle", "silent")]
    """`silent`: has no task and was not heard of since its lease was over, or for 90 seconds."""
    match: str
    transport: Annotated[str, one_of("http", "websocket")]
    address: str | None
    since_ms: int
    seen_ms: int
    tasks: tuple[str, ...]
    running: tuple[WorkerRuns, ...]
    completed: int
    failed: int
    expired: int
    """Tasks taken from it because its lease was over."""
    expired_ms: int | None
    """When that happened last."""


class WorkersElsewhere(Answer, kw_only=True):
    """Workers of a queue at the other daemons that serve it, as those have told last."""

    match: str
    workers: int
    busy: int
    seen_ms: int
    """When one was seen last, whether or not it is still there."""


class WorkerQueue(Answer, kw_only=True):
    waiting: int
    running: int
    idle: int
    """Workers that wait for a task right now."""
    held: bool
    holds: tuple[Hold, ...]
    """Why nothing is handed out, and what clears it."""
    why: tuple[Reason, ...]
    """Why what waits gets on nowhere; empty where it does, or nothing waits."""
    elsewhere: tuple[WorkersElsewhere, ...] = ()
    """Workers that are not in `workers`: they talk to other daemons of a shared store."""


class Workers(Answer, kw_only=True):
    workers: tuple[Worker, ...]
    queues: Mapping[str, WorkerQueue]
    refused: int
    """Results that came too late or twice, since the start."""
    expired: int
    """Leases and deadlines that were over, since the start."""
