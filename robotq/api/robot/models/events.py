"""What is asked of the journal, as a stream and in pages, and of webhooks."""

from __future__ import annotations

from pydantic import Field

from robotq.api.robot.models.base import Query
from robotq.model.delivery import DeliveryState


class EventFilter(Query):
    task_id: str | None = None
    robot_id: str | None = None
    kind: str | None = Field(
        default=None, description="Only kinds that begin with this, e.g. `task.`."
    )


class EventsQuery(EventFilter):
    last_event_id: int | None = Field(
        default=None, ge=0, description="Like the header Last-Event-ID: go on after this one."
    )


class JournalQuery(EventFilter):
    after: int | None = Field(
        default=None, ge=0, le=2**62, description="`next_after` of the page before; 0: all."
    )
    last: int = Field(
        default=100, ge=0, le=2**62, description="Without `after`: so many back from the newest."
    )
    limit: int = Field(default=100, ge=1, le=500, description="Events looked at for a page.")


class WebhooksQuery(Query):
    state: DeliveryState | None = None
    task_id: str | None = None
    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")
