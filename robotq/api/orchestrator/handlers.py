"""The endpoints of the orchestrator interface."""

from __future__ import annotations

import uuid
from functools import wraps

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.http.errors import Refused
from robotq.api.http.routes import REPLAYED, Handler
from robotq.api.http.times import rfc3339
from robotq.api.http.worker_tasks import submit, task_of, workers_of
from robotq.api.orchestrator import requests
from robotq.api.orchestrator.answers import (
    API,
    CMD_TYPE,
    STATUS,
    created,
    detail,
    handed_out,
    prompt_of,
)
from robotq.api.orchestrator.context import RATE_LIMIT
from robotq.api.orchestrator.errors import done, invalid
from robotq.api.orchestrator.statistics import GRANULARITIES, PERIODS
from robotq.api.orchestrator.statistics import statistics as all_statistics
from robotq.config import OrchestratorConfig
from robotq.model.errors import RobotqError
from robotq.model.job import Holder, Job, failed_with, succeeded
from robotq.model.task import Command, Task, TaskState, Work
from robotq.store.queries import JobQuery
from robotq.wire.remote_work import orchestrator as wire

_WAIT_S = 60.0


def limited(handler: Handler) -> Handler:
    """Refuses a caller who has sent too many requests within a minute."""

    @wraps(handler)
    async def answered(call: Call) -> web.StreamResponse:
        limit = _config(call).rate_limit_per_minute
        if limit is not None:
            caller = f"{call.account} {call.request.remote}"
            if not call.app[RATE_LIMIT].allows(caller, limit):
                raise Refused(429, "Rate limit exceeded")
        return await handler(call)

    return answered


@limited
async def create(call: Call) -> web.StreamResponse:
    body = await requests.object_of(call)
    config = _config(call)
    job = Job(
        queue=API,
        work=Work(
            match=requests.work_directory(body.get("work_directory")),
            lease_s=config.task_timeout_s,
            max_retries=config.max_retries,
        ),
        command=Command(
            cmd_type=CMD_TYPE,
            params={"prompt": requests.prompt(body.get("prompt"))},
            extra={
                "tags": requests.tags(body.get("tags")),
                "metadata": requests.metadata(body.get("metadata")),
            },
        ),
        priority=requests.priority(body.get("priority")),
        task_id=str(uuid.uuid4()),
    )
    task, repeated = await submit(call, job, body, max_waiting=config.max_length)
    return done(call, created(task), headers=REPLAYED if repeated else None)


@limited
async def next_task(call: Call) -> web.StreamResponse:
    """Take the next task of a work directory; null where there is none."""
    query = call.request.query
    directory = requests.work_directory(query.get("work_path"), "work_path")
    worker = requests.worker(query.get("worker_id"))
    wait_s = requests.seconds(query, "wait", _WAIT_S)
    workers = workers_of(call)
    if worker is not None:
        workers.seen(API, worker, match=directory, address=call.request.remote)
    task = await workers.claim(
        API,
        worker or "",
        match=directory,
        wait_s=wait_s,
        still_there=call.still_there,
        named=worker is not None,
    )
    return done(call, None if task is None else handed_out(task))


@limited
async def complete(call: Call) -> web.StreamResponse:
    """Take the result of a task from the worker that has it."""
    body = await requests.object_of(call)
    prompt = requests.original_prompt(body.get("original_prompt"))
    result = requests.result(body.get("result"))
    worker = requests.worker(body.get("worker_id", call.request.query.get("worker_id")))
    task = await _find(call)
    failed = result["status"] == "failed"
    wanted = TaskState.FAILED if failed else TaskState.COMPLETED
    # the same end once more, because its answer was lost, is no error
    if not task.state.final:
        _check_state(task, TaskState.RUNNING, wanted)
    if worker is not None and worker != task.worker:
        raise Refused(409, "Task already acquired by another worker")
    if prompt is not None and prompt not in prompt_of(task):
        raise invalid("original_prompt", "Original prompt does not match")
    ending = failed_with(result["error"] or "", result) if failed else succeeded(result)
    # its documented workers need not say who they are; one who does not is believed as long as
    # nobody else ever had the task
    try:
        ended = await workers_of(call).finish(task.id, Holder(worker=worker), ending)
    except RobotqError as error:
        if error.code.name not in ("wrong_state", "stale_claim"):
            raise
        if task.state.final:
            raise _transition(task, wanted) from error
        raise Refused(409, "Concurrency conflict") from error
    return done(
        call,
        wire.Completed(
            task_id=ended.id,
            status=STATUS[ended.state],
            completed_at=rfc3339(ended.ended_at_ms or 0),
            worker_id=ended.worker or None,
        ),
    )


@limited
async def get_task(call: Call) -> web.StreamResponse:
    return done(call, detail(await _find(call)))


@limited
async def list_tasks(call: Call) -> web.StreamResponse:
    query = call.request.query
    limit, offset = requests.page(query)
    order, descending = requests.order(query)
    asked = query.get("priority")
    wanted = JobQuery(
        api=API,
        states=requests.state(query),
        priority=None if asked is None else requests.priority(asked),
        match_contains=query.get("work_directory"),
        tags=requests.wanted_tags(query),
        submitted_from_ms=requests.time_ms(query, "created_after"),
        submitted_to_ms=requests.time_ms(query, "created_before"),
        order=order,
        descending=descending,
        limit=limit,
        offset=offset,
    )
    tasks, total = await call.engine.reads.jobs(wanted)
    return done(
        call,
        wire.Tasks(
            tasks=tuple(detail(task) for task in tasks),
            pagination=wire.Pagination(
                total=total,
                limit=limit,
                offset=offset,
                has_more=offset + limit < total,
            ),
        ),
    )


@limited
async def cancel(call: Call) -> web.StreamResponse:
    body = await requests.object_of(call)
    reason = requests.reason(body.get("reason"))
    task = await _find(call)
    if task.state.final:
        raise _transition(task, TaskState.CANCELLED)
    try:
        cancelled = await call.engine.queue.cancel(task.id, actor=call.actor, reason=reason)
    except RobotqError as error:
        if error.code.name != "wrong_state":
            raise
        raise _transition(await _find(call), TaskState.CANCELLED) from error
    return done(
        call,
        wire.Cancelled(
            task_id=cancelled.id,
            status=STATUS[cancelled.state],
            cancelled_at=rfc3339(cancelled.ended_at_ms or 0),
            reason=reason or None,
        ),
    )


@limited
async def retry(call: Call) -> web.StreamResponse:
    task = await _find(call)
    _check_state(task, TaskState.FAILED, TaskState.PENDING)
    try:
        again = await call.engine.queue.retry_job(task.id, actor=call.actor)
    except RobotqError as error:
        if error.code.name == "retries_used_up":
            used, limit = error.args_["retries"], error.args_["limit"]
            raise Refused(409, f"Max retries exceeded: {used}/{limit}") from error
        if error.code.name != "wrong_state":
            raise
        raise _transition(await _find(call), TaskState.PENDING) from error
    return done(
        call,
        wire.Retried(
            task_id=again.id,
            status=STATUS[again.state],
            retry_count=again.retries,
            max_retries=None if again.work is None else again.work.max_retries,
            last_retry_at=rfc3339(again.retried_at_ms or 0),
        ),
    )


@limited
async def statistics(call: Call) -> web.StreamResponse:
    query = call.request.query
    period, granularity = query.get("period", "24h"), query.get("granularity", "hour")
    if period not in PERIODS:
        raise invalid("period", f"Invalid period; expected one of {', '.join(PERIODS)}")
    if granularity not in GRANULARITIES:
        words = ", ".join(GRANULARITIES)
        raise invalid("granularity", f"Invalid granularity; numbers are kept by {words}")
    return done(call, await all_statistics(call.engine, period, granularity))


def _config(call: Call) -> OrchestratorConfig:
    return call.engine.config.interfaces.orchestrator


async def _find(call: Call) -> Task:
    """The task of the path. Raises Refused, RobotqError task_not_found, store_unavailable."""
    return await task_of(call, API, requests.task_id(call.path("task_id")))


def _check_state(task: Task, needed: TaskState, wanted: TaskState) -> None:
    if task.state is not needed:
        raise _transition(task, wanted)


def _transition(task: Task, wanted: TaskState) -> Refused:
    return Refused(409, f"Invalid status transition: {STATUS[task.state]} -> {STATUS[wanted]}")
