"""Shapes of what the dispatcher interface takes and gives. They describe; what is refused, and
how, is in `reading`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

Time = Annotated[int, Field(description="Milliseconds since the epoch.")]
Name = Annotated[str, Field(max_length=200)]


class _Body(BaseModel):
    """Keys that nobody knows are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


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
    taskId: str
    status: Literal["queued"]
    enqueuedAt: Time
    position: Annotated[int, Field(ge=1, description="Over all groups.")]


class Executing(_Answer):
    taskId: str
    status: Literal["executing"]
    workerId: str | None
    startedAt: Time


class Completed(_Answer):
    taskId: str
    status: Literal["completed"]
    result: Any
    completedAt: Time


class Failed(_Answer):
    taskId: str
    status: Literal["failed"]
    error: str
    failedAt: Time


class Done(_Answer):
    taskId: str
    status: Literal["completed"]
    result: Any


class Accepted(_Answer):
    taskId: str
    status: Literal["queued", "executing"]


class Metrics(_Answer):
    totalWorkers: int
    busyWorkers: int
    queueLength: int
    executing: int
    avgWaitTime: int = Field(description="Milliseconds, of the latest 100 tasks.")
    timestamp: Time


class WorkerLine(_Answer):
    id: str
    ip: str | None
    group: str
    status: Literal["idle", "busy"]
    currentTaskId: str | None
    connectedSince: Time


class WorkersAnswer(_Answer):
    workers: list[WorkerLine]
    timestamp: Time


class WaitingLine(_Answer):
    taskId: str
    type: str = Field(description="The model.")
    group: str
    enqueuedAt: Time
    timeout: int = Field(description="Milliseconds.")
    async_: bool = Field(alias="async")
    position: int
    waitTime: int = Field(description="Milliseconds.")
    payload: str = Field(description="JSON, cut where it is long.")


class ExecutingLine(_Answer):
    taskId: str
    workerId: str | None
    group: str
    startedAt: Time
    executionTime: int = Field(description="Milliseconds.")
    payload: str


class TasksAnswer(_Answer):
    queueLength: int
    pendingCount: int
    tasks: list[WaitingLine] = Field(description="The next 100.")
    executingTasks: list[ExecutingLine] = Field(description="At most 100.")
    timestamp: Time


class LogLine(_Answer):
    id: int
    timestamp: Time
    method: str = Field(description="WS: the answer of a worker.")
    path: str
    status: int
    latency: float | None = Field(description="Milliseconds; of a worker what it says itself.")
    requestBody: str | None = Field(description="JSON, cut where it is long.")
    responseBody: str | None
    taskId: str | None


class LogsAnswer(_Answer):
    logs: list[LogLine] = Field(description="The latest 50, newest first.")
    timestamp: Time


class SocketQuery(_Body):
    group: Name | None = None
    protocol: str | None = None


class OpenApi(RootModel[dict[str, Any]]):
    """An OpenAPI 3.1 document."""
