"""The two pages, and the numbers that the first one shows."""

from __future__ import annotations

from itertools import islice

from aiohttp import web

from robotq.api.dispatcher.answers import API, group_of
from robotq.api.dispatcher.context import HUB, LOG, PAGES
from robotq.api.http.bodies.page_file import file_answer
from robotq.api.http.call import Call
from robotq.api.http.worker_tasks import workers_of
from robotq.model.errors import RobotqError
from robotq.model.task import Task
from robotq.wire.remote_work import dispatcher as wire

_LINES = 100


async def dashboard(call: Call) -> web.StreamResponse:
    return await _file(call, "dashboard.html")


async def test_worker(call: Call) -> web.StreamResponse:
    return await _file(call, "test-worker.html")


async def page_file(call: Call) -> web.StreamResponse:
    return await _file(call, call.path("file"))


async def metrics(call: Call) -> web.StreamResponse:
    hub = call.app[HUB]
    found = workers_of(call).registry.of(API)
    busy = {task.worker for task in hub.worker_queue.running.values()}
    return call.answer(
        wire.Metrics(
            total_workers=len(found),
            busy_workers=sum(worker.name in busy for worker in found),
            queue_length=hub.worker_queue.waiting,
            executing=len(hub.worker_queue.running),
            avg_wait_time=hub.average_wait_ms,
            timestamp=call.engine.clock.now_ms(),
        )
    )


async def workers(call: Call) -> web.StreamResponse:
    worker_queue = call.app[HUB].worker_queue
    has = {task.worker: task.id for task in worker_queue.running.values()}
    return call.answer(
        wire.WorkersAnswer(
            workers=tuple(
                wire.WorkerLine(
                    id=worker.name,
                    ip=worker.address,
                    group=worker.match,
                    status="busy" if worker.name in has else "idle",
                    current_task_id=has.get(worker.name),
                    connected_since=worker.since_ms,
                )
                for worker in workers_of(call).registry.of(API)
            ),
            timestamp=call.engine.clock.now_ms(),
        )
    )


async def tasks(call: Call) -> web.StreamResponse:
    worker_queue, log = call.app[HUB].worker_queue, call.app[LOG]
    now_ms = call.engine.clock.now_ms()
    return call.answer(
        wire.TasksAnswer(
            queue_length=worker_queue.waiting,
            pending_count=worker_queue.waiting,
            tasks=tuple(
                wire.WaitingLine(
                    task_id=task.id,
                    type=_model(task),
                    group=group_of(task),
                    enqueued_at=task.submitted_at_ms,
                    timeout=task.command.extra["timeout_ms"],
                    is_async=task.command.extra["async"],
                    position=position,
                    wait_time=now_ms - task.submitted_at_ms,
                    payload=log.payload(task),
                )
                for position, task in enumerate(islice(worker_queue, _LINES), 1)
            ),
            executing_tasks=tuple(
                wire.ExecutingLine(
                    task_id=task.id,
                    worker_id=task.worker,
                    group=group_of(task),
                    started_at=task.started_at_ms or now_ms,
                    execution_time=now_ms - (task.started_at_ms or now_ms),
                    payload=log.payload(task),
                )
                for task in islice(worker_queue.running.values(), _LINES)
            ),
            timestamp=now_ms,
        )
    )


async def logs(call: Call) -> web.StreamResponse:
    latest = call.app[LOG].newest_first()
    return call.answer(wire.LogsAnswer(logs=latest, timestamp=call.engine.clock.now_ms()))


async def _file(call: Call, name: str) -> web.StreamResponse:
    file = await call.app[PAGES].get(name)
    if file is None:
        raise RobotqError("not_found", path=call.request.rel_url.path_safe[:200])
    return file_answer(call, file)


def _model(task: Task) -> str:
    params = task.command.params
    return str(params.get("model", "")) if isinstance(params, dict) else ""
