"""Shapes of what the checklist interface takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel

from robotq.api.http.times import to_ms
from robotq.engine.checklist.manual_steps import DESCRIPTION_LENGTH, TITLE_LENGTH
from robotq.model.item import ItemPriority, ItemStatus
from robotq.store.port import ItemOrder

MOST_AT_ONCE = 1_000
"""Items in one request."""

PAGE = 10
"""Items or batches on a page."""

Title = Annotated[str, Field(min_length=1, max_length=TITLE_LENGTH)]
Description = Annotated[str, Field(max_length=DESCRIPTION_LENGTH)]
DueDate = Annotated[datetime, AfterValidator(to_ms)]
"""An ISO 8601 time, a date, or seconds since the epoch; milliseconds since the epoch inside."""
IsoTime = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$", json_schema_extra={})
]
Page = Annotated[int, Field(ge=1, le=2**53, description="From 1; 10 on each.")]
Count = Annotated[int, Field(ge=0)]


class _Taken(BaseModel):
    """Keys that nobody knows are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class TaskCreate(_Taken):
    title: Title
    description: Description | None = None
    status: ItemStatus = ItemStatus.PENDING
    priority: ItemPriority | None = None
    due_date: DueDate | None = None
    session_id: UUID | None = None


class TaskUpdate(_Taken):
    """What is left out or null stays as it is."""

    title: Title | None = None
    description: Description | None = None
    status: ItemStatus | None = None
    priority: ItemPriority | None = None
    due_date: DueDate | None = None


class BulkTaskUpdate(TaskUpdate):
    id: UUID


class BulkUpdate(_Taken):
    tasks: Annotated[list[BulkTaskUpdate], Field(min_length=1, max_length=MOST_AT_ONCE)]


class BulkDelete(_Taken):
    ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)]


class BatchCreate(_Taken):
    session_id: UUID | None = Field(
        default=None, description="Of the batch and of all its tasks, whatever they say."
    )
    reason: str | None = None
    tasks: Annotated[list[TaskCreate], Field(min_length=1, max_length=MOST_AT_ONCE)]


class TasksQuery(_Taken):
    page: Page = 1
    status: ItemStatus | None = None
    session_id: UUID | None = None
    batch_id: UUID | None = None
    sort_by: ItemOrder = Field(
        default=ItemOrder.UPDATED, description="What has no such value comes last either way."
    )
    order: Literal["asc", "desc"] = "desc"


class BatchesQuery(_Taken):
    page: Page = 1
    session_id: UUID | None = None


class LatestQuery(_Taken):
    session_id: UUID | None = None


class Task(_Given):
    id: UUID
    session_id: UUID | None
    batch_id: UUID | None
    title: Title
    description: Description | None
    status: ItemStatus
    priority: ItemPriority | None
    due_date: IsoTime | None
    completed_at: IsoTime | None
    created_at: IsoTime
    updated_at: IsoTime
    robot_task_id: str = Field(
        default="", description="Only there where a robot's queue waited, or waits, for this."
    )


class _PageOf(_Given):
    total: Count
    page: Annotated[int, Field(ge=1)]
    limit: Literal[10]
    total_pages: Count
    has_next: bool
    has_prev: bool


class TaskPage(_PageOf):
    items: list[Task]


class Updated(_Given):
    updated: list[Task] = Field(description="In the order of the request.")


class Deleted(_Given):
    deleted_count: Count


class Batch(_Given):
    id: UUID
    session_id: UUID | None
    reason: str | None
    created_at: IsoTime
    tasks: list[Task] = Field(description="As they are now, in the order in which they were made.")


class BatchPage(_PageOf):
    items: list[Batch]


class LatestBatch(RootModel[Batch | None]):
    """The newest batch, or null."""

    model_config = ConfigDict(defer_build=True)


class Health(_Given):
    """Without the scope read only `status`."""

    status: Literal["healthy", "degraded"]
    version: str | None = None
    database: Literal["healthy", "unhealthy"] | None = None


class Error(_Given):
    """The one form of every refusal and every fault."""

    success: Literal[False]
    message: str
    error_code: str
    details: dict[str, Any]
    request_id: str


class ValidationFault(_Given):
    type: str
    loc: list[str | int]
    msg: str
    input: Any = None
    ctx: dict[str, Any] = Field(default_factory=dict)


class ValidationFaults(_Given):
    validation_errors: list[ValidationFault] = Field(description="At most 50.")


class Invalid(_Given):
    """What is wrong with the request, fault by fault."""

    success: Literal[False]
    message: Literal["Validation error"]
    error_code: Literal["ValidationError"]
    details: ValidationFaults
    request_id: str
