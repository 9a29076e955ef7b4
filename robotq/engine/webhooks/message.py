"""What a webhook says."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, cast

import msgspec
import orjson

from robotq.model.delivery import Delivery
from robotq.model.json.known import EMBED, embedded
from robotq.model.outcome import result_view
from robotq.model.task import Task
from robotq.model.texts import Language
from robotq.model.version import __version__
from robotq.wire.webhook import WebhookBody


def body_of(delivery: Delivery, task: Task, language: Language) -> bytes:
    """What the receiver gets: the same at every attempt, since its task is final."""
    result = result_view(task, language)
    assert result is not None
    failed = task.error is not None
    said = WebhookBody(
        webhook_id=delivery.id,
        cmd_id=task.command.cmd_id,
        cmd_type=task.command.cmd_type,
        success=result["success"],
        message=result["message"],
        code=result["code"] if failed else 0,
        error_code=result["error_code"] if failed else None,
        task_id=task.id,
        robot_id=task.queue,
        state=task.state.value,
        # what is large in it knows its JSON
        result=cast("Any", msgspec.Raw(orjson.dumps(result, default=_plain, option=EMBED))),
        api=task.api,
        batch_id=task.batch_id,
        retry_of=task.retry_of,
        repeat_of=task.repeat_of,
        simulated=task.simulated,
        submitted_at_ms=task.submitted_at_ms,
        started_at_ms=task.started_at_ms,
        ended_at_ms=task.ended_at_ms,
    )
    return msgspec.json.encode(said)


def headers_of(delivery: Delivery, body: bytes, secret: str | None) -> dict[str, str]:
    """The headers of this attempt. With a secret, the receiver can check who sent the body."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"robotq/{__version__}",
        "X-Robotq-Webhook": delivery.id,
        "X-Robotq-Attempt": str(delivery.attempts),
    }
    if secret is not None:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers["X-Robotq-Signature"] = f"sha256={digest}"
    return headers


def _plain(value: object) -> object:
    if isinstance(value, Mapping) and not isinstance(value, dict):
        return dict(value)
    return embedded(value)
