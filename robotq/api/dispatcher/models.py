"""Shapes of what the dispatcher interface takes and gives. They describe; what is refused, and
how, is in `reading`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Time = Annotated[int, Field(description="Milliseconds since the epoch.")]
Name = Annotated[str, Field(max_length=200)]


class _Body(BaseModel):
    """Keys that nobody knows are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class _Answer(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, defer_build=True
    )


class NewTaskBody(_Body):
    data: Any = Field(
        default=None, description="What is to be done; this or `messages` has to be there."
    )
    messages: Any = Field(default=None, description="The same in OpenAI's form.")
    model: Name | None = Field(default=None, description="Default: `default`.")
    group: Name | None = Field(
        default=None, description="Only its workers get the task. Default: `default`."
    )
    timeout: float | None = Field(
        default=None,
        description="Milliseconds for waiting and working. What is below or above the configured "
        "bounds counts as the bound.",
    )
    asynchronous: Any = Field(
        default=False, alias="async", description="true: answer at once, without the result."
    )


class Queued(_Answer):
    task_id: str
    status: Literal["queued"]
    enqueued_at: Time
    position: Annotated[int, Field(ge=1, description="Over all groups.")]


class Executing(_Answer):
    task_id: str
    status: Literal["executing"]
    worker_id: str | None
    started_at: Time


class Completed(_Answer):
    task_id: str
    status: Literal["completed"]
    result: Any
    completed_at: Time


class Failed(_Answer):
    task_id: str
    status: Literal["failed"]
    error: str
    failed_at: Time


class Done(_Answer):
    task_id: str
    status: Literal["completed"]
    result: Any


class Accepted(_Answer):
    task_id: str
    status: Literal["queued", "executing"]


class Metrics(_Answer):
    total_workers: int
    busy_workers: int
    queue_length: int
    executing: int
    avg_wait_time: int = Field(description="Milliseconds, of the latest 100 tasks.")
    timestamp: Time


class WorkerLine(_Answer):
    id: str
    ip: str | None
    group: str
    status: Literal["idle", "busy"]
    current_task_id: str | None
    connected_since: Time


class WorkersAnswer(_Answer):
    workers: list[WorkerLine]
    timestamp: Time


class WaitingLine(_Answer):
    task_id: str
    type: str = Field(description="The model.")
    group: str
    enqueued_at: Time
    timeout: int = Field(description="Milliseconds.")
    is_async: bool = Field(alias="async")
    position: int
    wait_time: int = Field(description="Milliseconds.")
    payload: str = Field(description="JSON, cut where it is long.")


class ExecutingLine(_Answer):
    task_id: str
    worker_id: str | None
    group: str
    started_at: Time
    execution_time: int = Field(description="Milliseconds.")
    payload: str


class TasksAnswer(_Answer):
    queue_length: int
    pending_count: int
    tasks: list[WaitingLine] = Field(description="The next 100.")
    executing_tasks: list[ExecutingLine] = Field(description="At most 100.")
    timestamp: Time


class LogLine(_Answer):
    id: int
    timestamp: Time
    method: str = Field(description="WS: the answer of a worker.")
    path: str
    status: int
    latency: float | None = Field(description="Milliseconds; of a worker what it says itself.")
    request_body: str | None = Field(description="JSON, cut where it is long.")
    response_body: str | None
    task_id: str | None


class LogsAnswer(_Answer):
    logs: list[LogLine] = Field(description="The latest 50, newest first.")
    timestamp: Time


class SocketQuery(_Body):
    group: Name | None = None
    protocol: str | None = None
