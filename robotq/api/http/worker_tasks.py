"""What the interfaces for workers do alike: tasks come in, and are found again."""

from __future__ import annotations

from typing import Any

from robotq.api.context import WORKERS
from robotq.api.http.call import Call
from robotq.model.errors import RobotqError
from robotq.model.job import Job
from robotq.model.task import Task
from robotq.workers import Workers


def workers_of(call: Call) -> Workers:
    return call.app[WORKERS]


async def submit(call: Call, job: Job, content: Any, *, max_waiting: int) -> tuple[Task, bool]:
    """Take a task in. Returns it, and whether that was done before under the same
    Idempotency-Key; `content` is what has to be the same then.

    Raises RobotqError queue_full, store_unavailable, shutting_down, bad_parameter,
    idempotency_conflict.
    """
    return await call.engine.queue.submit_job(
        job,
        api=job.queue,
        actor=call.actor,
        max_waiting=max_waiting,
        keyed=call.keyed(job.queue, content),
    )


async def task_of(call: Call, api: str, task_id: str) -> Task:
    """A task of this interface. Raises RobotqError task_not_found, store_unavailable."""
    task = await call.engine.reads.task(task_id)
    if task.api != api:
        raise RobotqError("task_not_found", task_id=task_id)
    return task
