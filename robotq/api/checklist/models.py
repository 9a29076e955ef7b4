"""Shapes of what the checklist interface takes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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
Page = Annotated[int, Field(ge=1, le=2**53, description="From 1; 10 on each.")]


class _Taken(BaseModel):
    """Keys that nobody knows are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


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
