"""Shapes of webhooks."""

from __future__ import annotations

from pydantic import Field

from robotq.api.robot.models.base import Query
from robotq.model.delivery import DeliveryState


class WebhooksQuery(Query):
    state: DeliveryState | None = None
    task_id: str | None = None
    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")
