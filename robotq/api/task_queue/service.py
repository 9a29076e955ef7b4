"""What the task queue interface does: from bodies to tasks, and from workers' answers to ends."""

from __future__ import annotations

import uuid
from typing import Any

from robotq.api.context import WORKERS
from robotq.api.http.call import Call
from robotq.api.http.keyed import keyed_request
from robotq.api.task_queue.view import API, REQUESTER
from robotq.config import TaskQueueConfig
from robotq.model.errors import RobotqError
from robotq.model.job import Holder, Job, JobEnding, failed_with, succeeded
from robotq.model.task import Command, Task, Work
from robotq.workers import Workers

WORKER = "comet-browser"
"""Who works, where nobody says so."""

_NAME = 200
"""Characters of the name of a worker or a requester."""
_TYPE = 1_000
"""Characters of a task type."""


class Refused(Exception):
    """A bad request, with the text that its sender gets."""


def workers_of(call: Call) -> Workers:
    return call.request.app[WORKERS]


async def body_of(call: Call) -> dict[str, Any]:
    """The body, an empty one where there is none. Raises Refused for anything but an object."""
    body = await call.json()
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise Refused("A JSON object is required")
    return body


async def submit(
    call: Call, task_type: Any, body: dict[str, Any], priority: int = 0
) -> tuple[Task, bool]:
    """Take a task in. Returns it, and whether that was done before under the same
    Idempotency-Key. Raises Refused, RobotqError queue_full, store_unavailable, shutting_down,
    bad_parameter, idempotency_conflict."""
    config: TaskQueueConfig = call.engine.config.interfaces.task_queue
    job = job_of(task_type, body, config, task_id=str(uuid.uuid4()), priority=priority)
    keyed = keyed_request(call, API, [body, priority])
    return await workers_of(call).submit(
        job, api=API, actor=call.actor, max_waiting=config.max_length, keyed=keyed
    )


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


async def find(call: Call, task_id: str) -> Task:
    """A task of this interface. Raises RobotqError task_not_found, store_unavailable."""
    task = await call.engine.reads.task(task_id)
    if task.api != API:
        raise RobotqError("task_not_found", task_id=task_id)
    return task


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


async def take_result(call: Call, task_id: str, body: dict[str, Any]) -> Task:
    """Take what a worker answers. Raises Refused; RobotqError task_not_found, wrong_state,
    stale_claim, store_unavailable."""
    worker = worker_of(body)
    token = body.get("lease_token")
    if token is not None and (not isinstance(token, int) or isinstance(token, bool)):
        raise Refused("lease_token must be a whole number")
    ending = _ending(body)
    task = await find(call, task_id)
    workers = workers_of(call)
    if worker is not None:
        workers.seen(API, worker, address=call.request.remote)
    elif task.fence == 0:
        worker = WORKER
    return await workers.finish(task_id, Holder(worker=worker, token=token), ending, unclaimed=True)


def _ending(body: dict[str, Any]) -> JobEnding:
    status = body.get("status")
    if status is not None and not isinstance(status, str):
        raise Refused("status must be a string")
    message = body.get("error_message", body.get("error"))
    if message is not None and not isinstance(message, str):
        raise Refused("error_message must be a string")
    data = body.get("data")
    data = {} if data is None else data
    good = body.get("success") is not False if status is None else status == "success"
    return succeeded(data) if good else failed_with(message or "", data)


def _text(value: Any, name: str, limit: int, default: str | None = None) -> str:
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise Refused(f"{name} must be a string")
    if not value or len(value) > limit:
        raise Refused(f"{name} must have 1 to {limit} characters")
    return value


def _object(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(f"{name} must be an object")
    return value
