"""What clients and workers send, checked. `Refused` is what cannot be taken."""

from __future__ import annotations

from typing import Any

from robotq.api.http.call import Call
from robotq.api.http.errors import Refused
from robotq.api.task_queue.answers import API, REQUESTER
from robotq.config import TaskQueueConfig
from robotq.model.job import Job, JobEnding, failed_with, succeeded
from robotq.model.task import Command, Work

WORKER = "comet-browser"
"""Who works, where nobody says so."""

_NAME = 200
"""Characters of the name of a worker or a requester."""
_TYPE = 1_000
"""Characters of a task type."""


async def body_of(call: Call) -> dict[str, Any]:
    """The body, an empty one where there is none. Raises Refused for anything but an object."""
    body = await call.json()
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise Refused(400, "A JSON object is required")
    return body


def job_of(
    task_type: Any,
    body: dict[str, Any],
    config: TaskQueueConfig,
    *,
    task_id: str,
    priority: int = 0,
    **extra: str,
) -> Job:
    """A task as somebody wants it done; `extra` is kept with it. Raises Refused."""
    requester = _text(body.get("requester"), "requester", _NAME, REQUESTER)
    return Job(
        queue=API,
        command=Command(
            cmd_type=_text(task_type, "task_type", _TYPE),
            params=_object(body.get("data"), "data"),
            extra={"requester": requester, **extra},
        ),
        work=Work(lease_s=config.lease_s),
        task_id=task_id,
        priority=priority,
    )


def worker_of(body: dict[str, Any]) -> str | None:
    """Who works: `worker_id`, or `worker` as the documented pollers write it; None where
    nobody says so. Raises Refused."""
    for key in ("worker_id", "worker"):
        if body.get(key) is not None:
            return _text(body[key], key, _NAME)
    return None


def worker_in_header(call: Call) -> str | None:
    """The same of a request without a body: the header `X-Worker-Name`. Raises Refused."""
    name = call.request.headers.get("X-Worker-Name")
    return None if name is None else _text(name, "X-Worker-Name", _NAME)


def token_of(body: dict[str, Any]) -> int | None:
    """Which claim of the task a result belongs to. Raises Refused."""
    token = body.get("lease_token")
    if token is not None and (not isinstance(token, int) or isinstance(token, bool)):
        raise Refused(400, "lease_token must be a whole number")
    return token


def ending_of(body: dict[str, Any]) -> JobEnding:
    """How the work ended, as the worker says. Raises Refused."""
    status = body.get("status")
    if status is not None and not isinstance(status, str):
        raise Refused(400, "status must be a string")
    message = body.get("error_message", body.get("error"))
    if message is not None and not isinstance(message, str):
        raise Refused(400, "error_message must be a string")
    data = body.get("data")
    data = {} if data is None else data
    good = body.get("success") is not False if status is None else status == "success"
    return succeeded(data) if good else failed_with(message or "", data)


def _text(value: Any, name: str, limit: int, default: str | None = None) -> str:
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise Refused(400, f"{name} must be a string")
    if not value or len(value) > limit:
        raise Refused(400, f"{name} must have 1 to {limit} characters")
    return value


def _object(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(400, f"{name} must be an object")
    return value
