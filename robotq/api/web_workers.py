"""Who takes tasks over HTTP or WebSocket, and what they have."""

from __future__ import annotations

from itertools import islice
from typing import Any

from aiohttp import web

from robotq.api.call import Call
from robotq.api.context import WORKERS
from robotq.config import WORKER_QUEUES
from robotq.model.task import Task
from robotq.workers import Worker

_WORKERS = 200
_TASKS = 20
"""Most of each in one answer."""


async def workers(call: Call) -> web.StreamResponse:
    """From memory alone."""
    known = call.request.app[WORKERS]
    memory = call.engine.queue.memory
    queues = []
    for queue in WORKER_QUEUES:
        counts = memory.counts(queue=queue)
        running = list(known.pool(queue).running.values())
        queues.append(
            {
                "queue": queue,
                "waiting": counts.pending,
                "running": counts.running,
                "tasks": [_task(task) for task in running[:_TASKS]],
            }
        )
    return call.answer(
        {
            "at_ms": call.engine.clock.now_ms(),
            "queues": queues,
            "workers": [
                _worker(worker, [task.id for task in known.tasks_of(worker.queue, worker.name)])
                for worker in islice(known.registry, _WORKERS)
            ],
            "more": max(0, len(known.registry) - _WORKERS),
        }
    )


def _worker(worker: Worker, tasks: list[str]) -> dict[str, Any]:
    return {
        "queue": worker.queue,
        "name": worker.name,
        "group": worker.match,
        "transport": worker.transport,
        "address": worker.address,
        "since_ms": worker.since_ms,
        "seen_ms": worker.seen_ms,
        "completed": worker.completed,
        "failed": worker.failed,
        "tasks": tasks[:_TASKS],
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "cmd_type": task.command.cmd_type,
        "worker": task.worker,
        "started_at_ms": task.started_at_ms,
        "progress": task.progress,
    }
