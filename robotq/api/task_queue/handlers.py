"""The endpoints of the task queue interface."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from itertools import islice
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from robotq.api.access.scopes import Scope, allows
from robotq.api.http.call import Call
from robotq.api.http.errors import Refused
from robotq.api.http.routes import REPLAYED
from robotq.api.http.times import utc_ms
from robotq.api.http.worker_tasks import submit, task_of, workers_of
from robotq.api.task_queue import requests
from robotq.api.task_queue.answers import (
    API,
    handed_out,
    lease_view,
    pending_view,
    result_view,
    task_view,
)
from robotq.api.task_queue.context import ENDPOINTS, FOLDERS
from robotq.api.task_queue.models import CreateQuery, ListQuery, NextQuery
from robotq.config import TaskQueueConfig
from robotq.model.errors import RobotqError
from robotq.model.job import Holder
from robotq.model.task import Task
from robotq.model.version import __version__
from robotq.wire.remote_work import task_queue as wire

_PRIORITIES = {"urgent": 5, "high": 5, "normal": 0, "low": -5}


async def home(call: Call) -> web.StreamResponse:
    return call.answer(
        wire.Home(
            name="Task Queue API",
            version=__version__,
            description="Tasks for workers that poll: robotq's task queue.",
            endpoints=call.app[ENDPOINTS],
        )
    )


async def health(call: Call) -> web.StreamResponse:
    well = call.engine.accepts
    body = wire.Health(status="ok" if well else "unavailable")
    if allows(call.caller.scopes, Scope.READ):
        # where the files are is not for everybody
        body = replace(body, **asdict(call.app[FOLDERS]))
    return call.answer(body, 200 if well else 503)


async def service_health(call: Call) -> web.StreamResponse:
    """The same by the words of another server that documented clients look for."""
    well = call.engine.accepts
    body = wire.ServiceHealth(
        status="ok" if well else "unavailable",
        service="task-queue",
        timestamp=utc_ms(call.engine.clock.now_ms()),
    )
    if allows(call.caller.scopes, Scope.READ):
        counts = call.engine.reads.counts(api=API)
        body = replace(
            body,
            queue_size=counts.pending,
            results_count=counts.completed + counts.failed + counts.cancelled,
            **asdict(call.app[FOLDERS]),
        )
    return call.answer(body, 200 if well else 503)


async def stats(call: Call) -> web.StreamResponse:
    counts = call.engine.reads.counts(api=API)
    return call.answer(
        wire.Stats(
            completed_tasks=counts.completed + counts.failed + counts.cancelled,
            pending_tasks=counts.pending,
            **asdict(call.app[FOLDERS]),
        )
    )


async def create(call: Call) -> web.StreamResponse:
    body = await call.json()
    if not body:
        raise Refused(400, "No JSON data provided")
    if not isinstance(body, dict):
        raise Refused(400, "A JSON object is required")
    if body.get("task_type") in (None, ""):
        raise Refused(400, "task_type is required")
    task, repeated = await _submit(call, body["task_type"], body)
    message = f"Task created: {task.command.cmd_type}"
    answer = wire.Created(success=True, task_id=task.id, message=message)
    return call.answer(answer, 201, REPLAYED if repeated else None)


async def create_in_line(call: Call) -> web.StreamResponse:
    """The same by the words of another server that documented clients look for."""
    body = await requests.body_of(call)
    priority = call.query(CreateQuery).priority
    task_type = body.get("type", body.get("task_type"))
    if task_type in (None, ""):
        raise Refused(400, "type is required")
    task, repeated = await _submit(call, task_type, body, _PRIORITIES[priority])
    return call.answer(
        wire.CreatedInLine(
            success=True,
            task_id=task.id,
            message="Task created",
            priority=priority,
            queue_position=call.engine.reads.position(task),
        ),
        headers=REPLAYED if repeated else None,
    )


async def list_tasks(call: Call) -> web.StreamResponse:
    query = call.query(ListQuery)
    worker_queue = workers_of(call).worker_queue(API)
    if query.type is None:
        total, tasks = worker_queue.waiting, list(islice(worker_queue, query.limit))
    else:
        found = [task for task in worker_queue if task.command.cmd_type == query.type]
        total, tasks = len(found), found[: query.limit]
    return call.answer(
        wire.Tasks(
            count=len(tasks),
            total_pending=total,
            tasks=tuple(pending_view(task) for task in tasks),
        )
    )


async def get_task(call: Call) -> web.StreamResponse:
    return call.answer(task_view(await task_of(call, API, call.path("task_id"))))


async def get_result(call: Call) -> web.StreamResponse:
    """404 until it is there, and for an unknown task."""
    task = await _ended(call)
    if task is None:
        return call.answer(wire.Error(error="Result not found"), 404)
    return call.answer(result_view(task))


async def get_result_by_id(call: Call) -> web.StreamResponse:
    task = await _ended(call)
    if task is None:
        text = f"Result for task {call.path('task_id')} not found"
        return call.answer(wire.Error(error=text, detail=text), 404)
    return call.answer(result_view(task))


async def next_task(call: Call) -> web.StreamResponse:
    task = await _next(call, requests.worker_of(await requests.body_of(call)))
    return call.answer(wire.Next(task=None if task is None else handed_out(task)))


async def next_bare(call: Call) -> web.StreamResponse:
    """As documented browser extensions ask for it: the task itself, in their words."""
    task = await _next(call, requests.worker_in_header(call))
    if task is None:
        return call.answer(wire.Next(task=None))
    return call.answer(
        wire.BareTask(
            task_id=task.id,
            type=task.command.cmd_type,
            data=task.command.params,
            lease=lease_view(task),
        )
    )


async def _next(call: Call, named: str | None) -> Task | None:
    worker = named or requests.WORKER
    wait_s = call.query(NextQuery).wait
    workers = workers_of(call)
    workers.seen(API, worker, match="", address=call.request.remote)
    # a name that several may share says nothing about a lost answer
    return await workers.claim(
        API, worker, wait_s=wait_s, still_there=call.still_there, named=named is not None
    )


async def claim(call: Call) -> web.StreamResponse:
    body = await requests.body_of(call)
    worker = requests.worker_of(body) or "unknown"
    try:
        found = await task_of(call, API, call.path("task_id"))
        workers_of(call).seen(API, worker, address=call.request.remote)
        task = await call.engine.queue.claim_this_job(found.id, worker)
    except RobotqError as error:
        if error.code.name not in ("task_not_found", "wrong_state", "queue_held"):
            raise
        return call.answer(wire.Error(error="Task not available"), 404)
    view = wire.ClaimedTask(
        id=task.id,
        type=task.command.cmd_type,
        data=task.command.params,
        assigned_to=task.worker or worker,
        lease=lease_view(task),
    )
    return call.answer(wire.Claimed(success=True, task=view))


async def post_result(call: Call) -> web.StreamResponse:
    task_id, body = call.path("task_id"), await requests.body_of(call)
    worker, token = requests.worker_of(body), requests.token_of(body)
    ending = requests.ending_of(body)
    task, workers = await task_of(call, API, task_id), workers_of(call)
    if worker is not None:
        workers.seen(API, worker, address=call.request.remote)
    elif task.fence == 0:
        worker = requests.WORKER
    await workers.finish(task_id, Holder(worker=worker, token=token), ending, unclaimed=True)
    return call.answer(
        wire.ResultSaved(
            success=True,
            task_id=task_id,
            message="Result saved successfully",
        )
    )


async def _submit(
    call: Call, task_type: Any, body: dict[str, Any], priority: int = 0
) -> tuple[Task, bool]:
    """As `worker_tasks.submit`."""
    config: TaskQueueConfig = call.engine.config.interfaces.task_queue
    job = requests.job_of(task_type, body, config, task_id=str(uuid.uuid4()), priority=priority)
    return await submit(call, job, [body, priority], max_waiting=config.max_length)


async def _ended(call: Call) -> Task | None:
    try:
        task = await task_of(call, API, call.path("task_id"))
    except RobotqError as error:
        if error.code.name != "task_not_found":
            raise
        return None
    return task if task.state.final else None
