"""Shapes of webhooks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from robotq.api.robot.models.base import Answer, LocalTime, Query
from robotq.model.delivery import DeliveryState, Receiver


class Webhook(Answer):
    """The end of a task on its way to a receiver."""

    webhook_id: str = Field(description="Stays the same; the receiver knows repetitions by it.")
    task_id: str
    receiver: Receiver = Field(description="site: `webhooks.url`. caller: `callback_url`.")
    url: str = Field(description="Without the parts that may be secret: user, query.")
    state: DeliveryState
    attempts: int = Field(description="Since it was recorded or sent again by somebody.")
    created_at: LocalTime = Field(description="When the task ended.")
    next_attempt_at: LocalTime | None = Field(description="Only after an attempt that failed.")
    ended_at: LocalTime | None = Field(description="When it was acknowledged or given up.")
    problem: str | None = Field(description="Why the last attempt failed, as a code.")
    message: str | None = Field(description="The same in words.")


class WebhooksQuery(Query):
    state: DeliveryState | None = None
    task_id: str | None = None
    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")


class Webhooks(Answer):
    webhooks: list[Webhook] = Field(description="Newest first.")
    count: int
    next_cursor: str | None = Field(description="Null on the last page.")


class WebhookDone(Answer):
    success: Literal[True]
    message: str
    webhook: Webhook
