"""Shapes of what workers send and get."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from robotq.api.robot.models.base import Object

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


class WorkersQuery(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    queue: QueueName | None = None
