"""Shapes of what the task queue interface takes. They describe; the documented
texts of its errors come from the handlers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Object = dict[str, Any]
Name = Annotated[str, Field(max_length=200)]


class _Body(BaseModel):
    """Keys that nobody knows are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


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
