"""Shapes of what workers send and get."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from robotq.api.robot.models.base import Answer, Object
from robotq.api.robot.models.holds import Hold, ReasonView

QueueName = Literal["task_queue", "orchestrator", "dispatcher"]
TaskId = Annotated[str, Field(min_length=1, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    queue: QueueName = "task_queue"


class NextBody(_Body):
    match: Annotated[str, Field(max_length=512)] = Field(
        default="", description="Only tasks with the same key: a work directory, a group."
    )
    wait_s: Annotated[float, Field(ge=0, le=60)] = Field(
        default=0, description="Seconds to wait for a task."
    )


class TaskReport(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    task_id: TaskId
    token: int
    progress: Annotated[float, Field(ge=0, le=1)] | None = None
    partial: Object | None = Field(
        default=None, description="What was found so far; replaces what was said before."
    )


class HeartbeatBody(_Body):
    tasks: Annotated[list[TaskReport], Field(max_length=1_000)] = Field(default_factory=list)


class ResultBody(_Body):
    task_id: TaskId
    token: int
    success: bool = True
    data: Any = None
    error: Annotated[str, Field(max_length=100_000)] | None = None


class ReleaseBody(_Body):
    task_id: TaskId
    token: int


class WorkerTask(Answer):
    task_id: str
    queue: str
    cmd_type: str
    params: Any
    extra: Object
    priority: int
    attempt: int
    token: int = Field(description="Goes with everything that is said about this task.")
    submitted_at_ms: int
    lease_s: float | None = Field(description="Null: until it is answered.")
    lease_until_ms: int | None
    deadline_ms: int | None


class Next(Answer):
    task: WorkerTask | None


class TaskOrder(Answer):
    task_id: str
    order: Literal["go_on", "cancel"]
    reason: str = Field(description="Why it is cancelled: cancelled, stale_claim, completed, ...")
    lease_until_ms: int | None


class Heartbeat(Answer):
    paused: bool = Field(description="The queue hands out nothing right now.")
    reason: str = Field(description="Why, in words.")
    tasks: list[TaskOrder]


class WorkerDone(Answer):
    success: Literal[True]
    task_id: str
    state: str


class WorkerRuns(Answer):
    """A task in the hands of a worker."""

    task_id: str
    cmd_type: str
    attempt: int
    progress: float | None
    started_at_ms: int | None
    lease_until_ms: int | None = Field(description="Null: until it is answered.")


class Worker(Answer):
    worker_id: str
    queue: str
    state: Literal["busy", "idle", "silent"] = Field(
        description="`silent`: has no task and was not heard of since its lease was over, or "
        "for 90 seconds."
    )
    match: str
    transport: Literal["http", "websocket"]
    address: str | None
    since_ms: int
    seen_ms: int
    tasks: list[str]
    running: list[WorkerRuns]
    completed: int
    failed: int
    expired: int = Field(description="Tasks taken from it because its lease was over.")
    expired_ms: int | None = Field(description="When that happened last.")


class WorkerQueue(Answer):
    waiting: int
    running: int
    idle: int = Field(description="Workers that wait for a task right now.")
    held: bool
    holds: list[Hold] = Field(description="Why nothing is handed out, and what clears it.")
    why: list[ReasonView] = Field(
        description="Why what waits gets on nowhere; empty where it does, or nothing waits."
    )


class Workers(Answer):
    workers: list[Worker]
    queues: dict[str, WorkerQueue]
    refused: int = Field(description="Results that came too late or twice, since the start.")
    expired: int = Field(description="Leases and deadlines that were over, since the start.")


class WorkersQuery(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    queue: QueueName | None = None
