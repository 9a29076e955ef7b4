"""The endpoints of the task queue interface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import wraps
from itertools import islice
from typing import Any

from aiohttp import web

from robotq.api.access.scopes import Scope, allows
from robotq.api.http.call import Call
from robotq.api.http.keyed import REPLAYED
from robotq.api.task_queue import service
from robotq.api.task_queue.context import ENDPOINTS, FOLDERS
from robotq.api.task_queue.models import CreateQuery, ListQuery, NextQuery
from robotq.api.task_queue.service import Refused
from robotq.api.task_queue.view import (
    API,
    handed_out,
    iso_time,
    lease_view,
    pending_view,
    result_view,
    task_view,
)
from robotq.model.errors import RobotqError
from robotq.model.task import Task
from robotq.model.version import __version__

Handler = Callable[[Call], Awaitable[web.StreamResponse]]

_PRIORITIES = {"urgent": 5, "high": 5, "normal": 0, "low": -5}


def refusing(handler: Handler) -> Handler:
    """Answers a bad request with its text."""

    @wraps(handler)
    async def answered(call: Call) -> web.StreamResponse:
        try:
            return await handler(call)
        except Refused as refusal:
            return call.answer({"error": str(refusal)}, 400)

    return answered


async def home(call: Call) -> web.StreamResponse:
    return call.answer(
        {
            "name": "Task Queue API",
            "version": __version__,
            "description": "Tasks for workers that poll: robotq's task queue.",
            "endpoints": call.request.app[ENDPOINTS],
        }
    )


async def health(call: Call) -> web.StreamResponse:
    well = call.engine.accepts
    body = {"status": "ok" if well else "unavailable"}
    if allows(call.caller.scopes, Scope.READ):
        # where the files are is not for everybody
        body.update(asdict(call.request.app[FOLDERS]))
    return call.answer(body, 200 if well else 503)


async def service_health(call: Call) -> web.StreamResponse:
    """The same by the words of another server that documented clients look for."""
    well = call.engine.accepts
    body: dict[str, Any] = {
        "status": "ok" if well else "unavailable",
        "service": "task-queue",
        "timestamp": iso_time(call.engine.clock.now_ms()),
    }
    if allows(call.caller.scopes, Scope.READ):
        counts = call.engine.reads.counts(api=API)
        body["queue_size"] = counts.pending
        body["results_count"] = counts.completed + counts.failed + counts.cancelled
        body.update(asdict(call.request.app[FOLDERS]))
    return call.answer(body, 200 if well else 503)


async def stats(call: Call) -> web.StreamResponse:
    counts = call.engine.reads.counts(api=API)
    return call.answer(
        {
            "completed_tasks": counts.completed + counts.failed + counts.cancelled,
            "pending_tasks": counts.pending,
            **asdict(call.request.app[FOLDERS]),
        }
    )


@refusing
async def create(call: Call) -> web.StreamResponse:
    body = await call.json()
    if not body:
        raise Refused("No JSON data provided")
    if not isinstance(body, dict):
        raise Refused("A JSON object is required")
    if body.get("task_type") in (None, ""):
        raise Refused("task_type is required")
    task, repeated = await service.submit(call, body["task_type"], body)
    message = f"Task created: {task.command.cmd_type}"
    answer = {"success": True, "task_id": task.id, "message": message}
    return call.answer(answer, 201, REPLAYED if repeated else None)


@refusing
async def create_in_line(call: Call) -> web.StreamResponse:
    """The same by the words of another server that documented clients look for."""
    body = await service.body_of(call)
    priority = call.query(CreateQuery).priority
    task_type = body.get("type", body.get("task_type"))
    if task_type in (None, ""):
        raise Refused("type is required")
    task, repeated = await service.submit(call, task_type, body, _PRIORITIES[priority])
    return call.answer(
        {
            "success": True,
            "task_id": task.id,
            "message": "Task created",
            "priority": priority,
            "queue_position": call.engine.reads.position(task),
        },
        headers=REPLAYED if repeated else None,
    )


async def list_tasks(call: Call) -> web.StreamResponse:
    query = call.query(ListQuery)
    pool = service.workers_of(call).pool(API)
    if query.type is None:
        total, tasks = pool.waiting, list(islice(pool, query.limit))
    else:
        found = [task for task in pool if task.command.cmd_type == query.type]
        total, tasks = len(found), found[: query.limit]
    return call.answer(
        {
            "count": len(tasks),
            "total_pending": total,
            "tasks": [pending_view(task) for task in tasks],
        }
    )


async def get_task(call: Call) -> web.StreamResponse:
    return call.answer(task_view(await service.find(call, call.path("task_id"))))


async def get_result(call: Call) -> web.StreamResponse:
    """404 until it is there, and for an unknown task."""
    task = await _ended(call)
    if task is None:
        return call.answer({"error": "Result not found"}, 404)
    return call.answer(result_view(task))


async def get_result_by_id(call: Call) -> web.StreamResponse:
    task = await _ended(call)
    if task is None:
        text = f"Result for task {call.path('task_id')} not found"
        return call.answer({"error": text, "detail": text}, 404)
    return call.answer(result_view(task))


@refusing
async def next_task(call: Call) -> web.StreamResponse:
    task = await _next(call, service.worker_of(await service.body_of(call)))
    return call.answer({"task": None if task is None else handed_out(task)})


@refusing
async def next_bare(call: Call) -> web.StreamResponse:
    """As documented browser extensions ask for it: the task itself, in their words."""
    task = await _next(call, service.worker_in_header(call))
    if task is None:
        return call.answer({"task": None})
    return call.answer(
        {
            "task_id": task.id,
            "type": task.command.cmd_type,
            "data": task.command.params,
            "lease": lease_view(task),
        }
    )


async def _next(call: Call, named: str | None) -> Task | None:
    worker = named or service.WORKER
    wait_s = call.query(NextQuery).wait
    workers = service.workers_of(call)
    workers.seen(API, worker, match="", address=call.request.remote)
    # a name that several may share says nothing about a lost answer
    return await workers.claim(
        API, worker, wait_s=wait_s, still_there=call.still_there, named=named is not None
    )


@refusing
async def claim(call: Call) -> web.StreamResponse:
    body = await service.body_of(call)
    worker = service.worker_of(body) or "unknown"
    try:
        found = await service.find(call, call.path("task_id"))
        service.workers_of(call).seen(API, worker, address=call.request.remote)
        task = await call.engine.queue.claim_this_job(found.id, worker)
    except RobotqError as error:
        if error.code.name not in ("task_not_found", "wrong_state", "queue_held"):
            raise
        return call.answer({"error": "Task not available"}, 404)
    view = {
        "id": task.id,
        "type": task.command.cmd_type,
        "data": task.command.params,
        "assigned_to": task.worker,
        "lease": lease_view(task),
    }
    return call.answer({"success": True, "task": view})


@refusing
async def post_result(call: Call) -> web.StreamResponse:
    task_id = call.path("task_id")
    await service.take_result(call, task_id, await service.body_of(call))
    body = {"success": True, "task_id": task_id, "message": "Result saved successfully"}
    return call.answer(body)


def error_form(call: Call, error: RobotqError) -> web.StreamResponse:
    """`{"error": text}`, English as in the document."""
    headers: dict[str, str] = {}
    match error.code.http_status:
        case 401:
            headers["WWW-Authenticate"] = 'Bearer realm="robotq"'
        case 405:
            headers["Allow"] = str(error.args_["allowed"])
        case 503 if error.code.retry:
            headers["Retry-After"] = "1"
    return call.answer({"error": _text(error)}, error.code.http_status, headers)


def _text(error: RobotqError) -> str:
    match error.code.name:
        case "task_not_found":
            return "Task not found"
        case "not_found":
            return "Not found"
        case "method_not_allowed":
            return f"Method not allowed; allowed: {error.args_['allowed']}"
        case "wrong_state" if "state" in error.args_:
            return f"The task is {error.args_['state']} already; this result is not taken"
        case _:
            return str(error)


async def _ended(call: Call) -> Task | None:
    try:
        task = await service.find(call, call.path("task_id"))
    except RobotqError as error:
        if error.code.name != "task_not_found":
            raise
        return None
    return task if task.state.final else None
