"""What robotq's own workers speak, for every queue of workers; and who is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from robotq.api.access.scopes import worker_scope
from robotq.api.context import WORKERS
from robotq.api.http.call import Call
from robotq.api.robot.answers.holds import hold_views, reason_views
from robotq.api.robot.models.workers import (
    HeartbeatBody,
    NextBody,
    ReleaseBody,
    ResultBody,
    WorkersQuery,
)
from robotq.model.errors import RobotqError
from robotq.model.job import Holder, failed_with, succeeded
from robotq.model.task import Task
from robotq.wire.remote_work import workers as wire
from robotq.workers import TaskReport, Workers
from robotq.workers.registry import Worker

_NAME = 200
"""Characters of the name of a worker."""


async def list_workers(call: Call) -> web.StreamResponse:
    wanted = call.query(WorkersQuery).queue
    workers = _workers(call)
    worker_queues = call.engine.reads.worker_queues
    now_ms = call.engine.clock.now_ms()
    running = _by_worker(call)
    return call.answer(
        wire.Workers(
            workers=tuple(
                _worker(worker, running.get((worker.queue, worker.name), ()), now_ms)
                for worker in workers.registry
                if wanted in (None, worker.queue)
            ),
            queues={
                name: wire.WorkerQueue(
                    waiting=worker_queue.waiting,
                    running=len(worker_queue.running),
                    idle=worker_queue.idle_calls,
                    held=call.engine.holds.held(name),
                    holds=hold_views(call.engine.holds.of(name), call.language),
                    why=reason_views(call.engine.why.of(name).reasons, call.language),
                    elsewhere=tuple(
                        wire.WorkersElsewhere(
                            match=match,
                            workers=there.workers,
                            busy=there.busy,
                            seen_ms=there.seen_ms,
                        )
                        for match, there in workers.presence.elsewhere(name)
                    ),
                )
                for name, worker_queue in worker_queues.items()
                if wanted in (None, name)
            },
            refused=workers.refused,
            expired=workers.expired,
        )
    )


def _by_worker(call: Call) -> Mapping[tuple[str, str], Sequence[Task]]:
    found: dict[tuple[str, str], list[Task]] = {}
    for worker_queue in call.engine.reads.worker_queues.values():
        for task in worker_queue.running.values():
            found.setdefault((task.queue, task.worker or ""), []).append(task)
    return found


def _worker(worker: Worker, running: Sequence[Task], now_ms: int) -> wire.Worker:
    # one that has a task may work for as long as its lease without a word
    state = "busy" if running else "silent" if worker.silent(now_ms) else "idle"
    return wire.Worker(
        worker_id=worker.name,
        queue=worker.queue,
        state=state,
        match=worker.match,
        transport=worker.transport,
        address=worker.address,
        since_ms=worker.since_ms,
        seen_ms=worker.seen_ms,
        tasks=tuple(task.id for task in running),
        running=tuple(
            wire.WorkerRuns(
                task_id=task.id,
                cmd_type=task.command.cmd_type,
                attempt=task.attempt,
                progress=task.progress,
                started_at_ms=task.started_at_ms,
                lease_until_ms=task.lease_until_ms,
            )
            for task in running
        ),
        completed=worker.completed,
        failed=worker.failed,
        expired=worker.expired,
        expired_ms=worker.expired_ms,
    )


async def next_task(call: Call) -> web.StreamResponse:
    body = await call.body(NextBody)
    name = _named(call, body.queue)
    workers = _workers(call)
    workers.seen(body.queue, name, match=body.match, address=call.request.remote)
    task = await workers.claim(
        body.queue,
        name,
        match=body.match,
        wait_s=body.wait_s,
        still_there=call.still_there,
    )
    return call.answer(wire.Next(task=None if task is None else _view(task)))


async def heartbeat(call: Call) -> web.StreamResponse:
    body = await call.body(HeartbeatBody)
    name = _named(call, body.queue)
    reports = [
        TaskReport(
            task_id=report.task_id,
            token=report.token,
            progress=report.progress,
            partial=report.partial,
        )
        for report in body.tasks
    ]
    answer = await _workers(call).heartbeat(body.queue, name, reports)
    holds = hold_views(answer.holds, call.language)
    return call.answer(
        wire.Heartbeat(
            paused=bool(holds),
            reason="; ".join(hold.reason for hold in holds),
            tasks=tuple(
                wire.TaskOrder(
                    task_id=order.task_id,
                    order=order.order.value,
                    reason=order.reason,
                    lease_until_ms=order.lease_until_ms,
                )
                for order in answer.orders
            ),
        )
    )


async def result(call: Call) -> web.StreamResponse:
    body = await call.body(ResultBody)
    name = _named(call, body.queue)
    await _of_queue(call, body.task_id, body.queue)
    workers = _workers(call)
    workers.seen(body.queue, name, address=call.request.remote)
    ending = succeeded(body.data) if body.success else failed_with(body.error or "", body.data)
    holder = Holder(worker=name, token=body.token)
    return _done(call, await workers.finish(body.task_id, holder, ending))


async def release(call: Call) -> web.StreamResponse:
    """The worker has not begun, and will not."""
    body = await call.body(ReleaseBody)
    name = _named(call, body.queue)
    await _of_queue(call, body.task_id, body.queue)
    holder = Holder(worker=name, token=body.token)
    return _done(call, await call.engine.queue.give_back_job(body.task_id, holder))


def _workers(call: Call) -> Workers:
    return call.app[WORKERS]


def _named(call: Call, queue: str) -> str:
    """The worker, who may work for this queue. Raises RobotqError forbidden, bad_parameter."""
    call.require(worker_scope(queue))
    name = call.path("worker_id")
    if len(name) > _NAME:
        reason = f"expected at most {_NAME} characters"
        raise RobotqError("bad_parameter", field="worker_id", reason=reason)
    return name


async def _of_queue(call: Call, task_id: str, queue: str) -> None:
    # a key for one queue says nothing about another
    task = await call.engine.reads.task(task_id)
    if task.queue != queue or task.work is None:
        raise RobotqError("task_not_found", task_id=task_id)


def _view(task: Task) -> wire.WorkerTask:
    assert task.work is not None
    return wire.WorkerTask(
        task_id=task.id,
        queue=task.queue,
        cmd_type=task.command.cmd_type,
        params=task.command.params,
        extra=task.command.extra,
        priority=task.priority,
        attempt=task.attempt,
        token=task.fence,
        submitted_at_ms=task.submitted_at_ms,
        lease_s=task.work.lease_s,
        lease_until_ms=task.lease_until_ms,
        deadline_ms=task.work.deadline_ms,
    )


def _done(call: Call, task: Task) -> web.Response:
    return call.answer(wire.WorkerDone(success=True, task_id=task.id, state=task.state.value))
