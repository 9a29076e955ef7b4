"""Submitting tasks and asking for them."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
import uuid
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from robotq.api.dispatcher import requests
from robotq.api.dispatcher.answers import API, CMD_TYPE, completed, failure, status
from robotq.api.dispatcher.context import HUB, LOG
from robotq.api.dispatcher.errors import error_form
from robotq.api.dispatcher.log import cut, shown
from robotq.api.http import worker_tasks
from robotq.api.http.call import Call
from robotq.api.http.errors import Refused
from robotq.api.http.worker_tasks import task_of, workers_of
from robotq.config import DispatcherConfig
from robotq.model.errors import RobotqError
from robotq.model.job import Job
from robotq.model.task import Command, Task, TaskState, Work
from robotq.wire.remote_work import dispatcher as wire

_TASK_ID = web.RequestKey("dispatcher_task_id", str)
"""Under which a request knows the task that came of it."""
_SEEN_MS = 60_000
"""How long a worker that polls counts as connected after its last sign of life."""
_TAKEN_S = 1.0
"""Wall seconds in which an idle worker should have been given a task."""
_LOOK_S = 5.0
"""Wall seconds after which a waiting request looks whether its client is still there."""
_LATE_S = 5.0
"""Wall seconds after its time is up in which a task has failed, if that can be written."""


async def submit(call: Call) -> web.StreamResponse:
    """Take a task, and answer with its result or with where to ask for it."""
    began = time.perf_counter()
    body: Any = None
    answer: web.StreamResponse
    try:
        body = await call.json()
        answer = await _submitted(call, body)
    except RobotqError as error:
        answer = error_form(call, error)
    content = answer.body if isinstance(answer, web.Response) else None
    call.app[LOG].add(
        call.engine.clock.now_ms(),
        method="POST",
        path="/api/openai",
        status=answer.status,
        latency_ms=round((time.perf_counter() - began) * 1000, 1),
        request=None if body is None else shown(body),
        response=cut(content) if isinstance(content, bytes) else None,
        task_id=call.request.get(_TASK_ID),
    )
    return answer


async def get_task(call: Call) -> web.StreamResponse:
    task_id = requests.task_id(call.path("task_id").lower())
    if task_id is None:
        raise RobotqError("task_not_found", task_id="")
    task = await task_of(call, API, task_id)
    if _is_over(call, task):
        raise RobotqError("task_not_found", task_id=task_id)
    return call.answer(status(task, call.app[HUB].worker_queue))


async def _submitted(call: Call, body: Any) -> web.Response:
    config = _config(call)
    asked = requests.wanted(body, config)
    hub = call.app[HUB]
    if not _anybody_there(call) and not await workers_of(call).presence.anybody_elsewhere(API):
        raise Refused(503, "No worker available", headers={"Retry-After": "1"})
    worker_queue = hub.worker_queue
    handed_out = call.engine.queue.hands_out(API)
    free = handed_out and worker_queue.idle(asked.group) > worker_queue.waiting_for(asked.group)
    lease_s, max_retries = hub.lease
    job = Job(
        queue=API,
        work=Work(
            match=asked.group,
            lease_s=lease_s,
            max_retries=max_retries,
            deadline_ms=call.engine.clock.steady_ms() + round(asked.timeout_s * 1000),
        ),
        command=Command(
            cmd_type=CMD_TYPE,
            params=asked.payload,
            extra={"async": not asked.waits, "timeout_ms": round(asked.timeout_s * 1000)},
        ),
        task_id=str(uuid.uuid4()),
    )
    task, _ = await worker_tasks.submit(call, job, body, max_waiting=config.max_length)
    call.request[_TASK_ID] = task.id
    if asked.waits:
        return _result(call, await _ended(call, task, asked.timeout_s))
    if free and worker_queue.get(task.id) is not None:
        await asyncio.wait({worker_queue.changed(task)}, timeout=_TAKEN_S)
    now = worker_queue.get(task.id)
    queued = now is not None and now.state is TaskState.PENDING
    return call.answer(wire.Accepted(task_id=task.id, status="queued" if queued else "executing"))


async def _ended(call: Call, task: Task, timeout_s: float) -> Task:
    """The task when it has ended, or when the client or the daemon has left."""
    queue, hub = call.engine.queue, call.app[HUB]
    until = time.monotonic() + timeout_s + _LATE_S
    while True:
        left_s = until - time.monotonic()
        try:
            waiting = queue.wait_ended(task.id, min(max(left_s, 0.0), _LOOK_S))
            task = await _unless(hub.stopped, waiting) or task
        except RobotqError as error:
            if error.code.name == "too_many_requests":
                # nobody would get its result; where it has ended meanwhile, that is so, too
                with contextlib.suppress(RobotqError):
                    await queue.cancel(task.id, actor="robotq", reason=str(error))
            raise
        if task.state.final or left_s <= 0 or hub.stopped.is_set() or not call.still_there():
            return task


async def _unless(stopped: asyncio.Event, waiting: Coroutine[Any, Any, Task]) -> Task | None:
    """What `waiting` gives; None where it was stopped first."""
    both = (asyncio.ensure_future(waiting), asyncio.ensure_future(stopped.wait()))
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        return both[0].result() if both[0].done() else None
    finally:
        for one in both:
            one.cancel()
        await asyncio.gather(*both, return_exceptions=True)


def _result(call: Call, task: Task) -> web.Response:
    if not task.state.final:
        # it goes on; the daemon ends, or its end could not be written
        stopped = call.app[HUB].stopped.is_set()
        unavailable = "shutting_down" if stopped else "store_unavailable"
        raise RobotqError(unavailable, reason="the end of the task is not known yet")
    if task.state is TaskState.COMPLETED:
        return call.answer(completed(task))
    raise Refused(500, failure(task))


def _anybody_there(call: Call) -> bool:
    """Whether any worker is connected, of whatever group."""
    if len(call.app[HUB]):
        return True
    since_ms = call.engine.clock.now_ms() - _SEEN_MS
    return any(worker.seen_ms >= since_ms for worker in workers_of(call).registry.of(API))


def _is_over(call: Call, task: Task) -> bool:
    """Whether nobody is told of it any more."""
    ended_ms = task.ended_at_ms if task.state.final else None
    ttl_ms = _config(call).result_ttl_s * 1000
    return (math.inf if ended_ms is None else ended_ms + ttl_ms) <= call.engine.clock.now_ms()


def _config(call: Call) -> DispatcherConfig:
    return call.engine.config.interfaces.dispatcher
