"""What the checklist interface answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from robotq.model.item import ItemPriority, ItemStatus
from robotq.wire.base import Answer, Failure, Object, like, one_of

Id = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
IsoTime = Annotated[
    str,
    Meta(extra_json_schema={"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$"}),
]
Title = Annotated[str, Meta(min_length=1, max_length=255)]
Description = Annotated[str, Meta(max_length=1_000)]
Count = Annotated[int, Meta(ge=0)]


class Task(Answer, kw_only=True):
    id: Id
    session_id: Id | None
    batch_id: Id | None
    title: Title
    description: Description | None
    status: Annotated[str, like(ItemStatus)]
    priority: Annotated[str, like(ItemPriority)] | None
    due_date: IsoTime | None
    completed_at: IsoTime | None
    created_at: IsoTime
    updated_at: IsoTime
    robot_task_id: str = ""
    """Only there where a robot's queue waited, or waits, for this."""


class PageOf(Answer, kw_only=True):
    total: Count
    page: Annotated[int, Meta(ge=1)]
    limit: Literal[10]
    total_pages: Count
    has_next: bool
    has_prev: bool


class TaskPage(PageOf, kw_only=True):
    items: tuple[Task, ...]


class Updated(Answer, kw_only=True):
    updated: tuple[Task, ...]
    """In the order of the request."""


class Deleted(Answer, kw_only=True):
    deleted_count: Count


class Batch(Answer, kw_only=True):
    id: Id
    session_id: Id | None
    reason: str | None
    created_at: IsoTime
    tasks: tuple[Task, ...]
    """As they are now, in the order in which they were made."""


class BatchPage(PageOf, kw_only=True):
    items: tuple[Batch, ...]


class Health(Answer, kw_only=True):
    """Without the scope read only `status`."""

    status: Annotated[str, one_of("healthy", "degraded")]
    version: str | None = None
    database: Annotated[str, one_of("healthy", "unhealthy")] | None = None


class Error(Answer, kw_only=True):
    """The one form of every refusal and every fault."""

    success: Failure
    message: str
    error_code: Annotated[str, one_of("HTTPException", "InternalServerError", "ValidationError")]
    details: Object
    request_id: str


class ValidationFault(Answer, kw_only=True):
    type: str
    loc: tuple[str | int, ...]
    msg: str
    input: Any
    ctx: Object | None = None


class ValidationFaults(Answer, kw_only=True):
    validation_errors: tuple[ValidationFault, ...]
    """At most 50."""


class Invalid(Answer, kw_only=True):
    """What is wrong with the request, fault by fault."""

    success: Failure
    message: Annotated[str, one_of("Validation error")]
    error_code: Annotated[str, one_of("ValidationError")]
    details: ValidationFaults
    request_id: str


LatestBatch = Annotated[
    Batch | None, Meta(title="LatestBatch", description="The newest batch, or null.")
]
