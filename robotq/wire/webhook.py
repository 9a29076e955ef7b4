"""What a webhook says."""

from __future__ import annotations

from typing import Annotated

from robotq.wire.base import Answer, Object, one_of


class WebhookBody(Answer, kw_only=True):
    """The end of a task, as its receivers are told it: the same at every attempt."""

    webhook_id: str
    """A receiver knows repetitions by it."""
    cmd_id: str | None
    cmd_type: str
    success: bool
    message: str
    """In the language of the configuration."""
    code: int
    """0, or the number of the error."""
    error_code: str | None
    task_id: str
    robot_id: str
    state: Annotated[str, one_of("completed", "failed", "cancelled")]
    result: Object
    """The same with the result of the command in it."""
    api: str
    """The interface through which the task came."""
    batch_id: str | None
    retry_of: str | None
    repeat_of: str | None
    simulated: bool
    submitted_at_ms: int
    started_at_ms: int | None
    ended_at_ms: int | None
