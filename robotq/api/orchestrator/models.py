"""Shapes of what the orchestrator interface takes. They describe; the documented
texts of its errors come from `reading`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Object = dict[str, Any]
Word = Literal["low", "medium", "high"]
Status = Literal["waiting", "working", "completed", "failed", "cancelled"]
Directory = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^/")]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
WorkerId = Annotated[str, Field(max_length=100)]


class _Body(BaseModel):
    """Keys that nobody knows are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


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
