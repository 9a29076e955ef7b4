"""What happened, as a stream and in pages, and who was told."""

from __future__ import annotations

from typing import Annotated

from robotq.model.delivery import DeliveryState, Receiver
from robotq.wire.base import Answer, LocalTime, Object, Success, like, missing


class Event(Answer):
    """Something that happened: the `data` of one server-sent event, whose `id` is the same."""

    id: int
    kind: str
    """What happened, e.g. `task.completed`, `hold.set`."""
    time: LocalTime = missing("")
    at_ms: int
    actor: str
    """Who did it: the name of a key, anonymous, robotq."""
    api: str | None = missing()
    robot_id: str | None = missing()
    task_id: str | None = missing()
    before: str | None = missing()
    """State of the task before."""
    after: str | None = missing()
    data: Object = missing({})


class Journal(Answer):
    events: tuple[Event, ...]
    """Oldest first."""
    count: int
    next_after: int | None
    """Null on the last page."""
    newest: int
    """The last event that there is."""


class Webhook(Answer):
    """The end of a task on its way to a receiver."""

    webhook_id: str = missing("")
    """Stays the same; the receiver knows repetitions by it."""
    task_id: str = missing("")
    receiver: Annotated[str, like(Receiver)] = missing("")
    """site: `webhooks.url`. caller: `callback_url`."""
    url: str = missing("")
    """Without the parts that may be secret: user, query."""
    state: Annotated[str, like(DeliveryState)] = missing("")
    attempts: int = missing(0)
    """Since it was recorded or sent again by somebody."""
    created_at: LocalTime = missing("")
    """When the task ended."""
    next_attempt_at: LocalTime | None = missing()
    """Only after an attempt that failed."""
    ended_at: LocalTime | None = missing()
    """When it was acknowledged or given up."""
    problem: str | None = missing()
    """Why the last attempt failed, as a code."""
    message: str | None = missing()
    """The same in words."""


class Webhooks(Answer):
    webhooks: tuple[Webhook, ...]
    """Newest first."""
    count: int
    next_cursor: str | None
    """Null on the last page."""


class WebhookDone(Answer):
    success: Success
    message: str
    webhook: Webhook
