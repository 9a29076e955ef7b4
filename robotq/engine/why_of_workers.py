"""Why nothing of a queue of workers moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import msgspec

from robotq.engine.holds.board import HoldBoard
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.state.worker_queue import WorkerQueue
from robotq.model.hold import Reason, Wait, WaitCode
from robotq.model.task import Task

_MOST = 8
"""Match keys that are told of one queue."""


class WorkersThere(msgspec.Struct, frozen=True, kw_only=True):
    """Who could take a task of one queue with one match key."""

    workers: int
    """Those that are there, whether or not they have a task."""
    busy: int
    """Those of them that have one."""
    seen_ms: int = 0
    """When one was seen last, whether or not it is still there."""

    def plus(self, other: WorkersThere) -> WorkersThere:
        return WorkersThere(
            workers=self.workers + other.workers,
            busy=self.busy + other.busy,
            seen_ms=max(self.seen_ms, other.seen_ms),
        )


class WorkerQueues:
    def __init__(self, memory: TaskMemory, holds: HoldBoard) -> None:
        self._memory = memory
        self._holds = holds
        self.there: Callable[[str, str], WorkersThere] = self._idle
        """Says who is there for a queue and a match key."""

    def _idle(self, queue: str, match: str) -> WorkersThere:
        """Those who wait at this moment: all that is known without anybody who knows workers."""
        return WorkersThere(workers=self._memory.worker_queue(queue).idle(match), busy=0)

    def of(self, worker_queue: WorkerQueue) -> Sequence[Reason]:
        """Tasks with one match key are a line of their own: others do not help them."""
        lines = list(islice(worker_queue.standing(), _MOST))
        if not lines:
            return ()
        holds = self._holds.of(worker_queue.name)
        if holds:
            return holds
        return [
            self._of_line(worker_queue, match, next(worker_queue.line(match))) for match in lines
        ]

    def of_task(self, task: Task) -> Sequence[Reason]:
        """Why a waiting task of workers does not get on."""
        worker_queue = self._memory.worker_queue(task.queue)
        reasons: list[Reason] = [*self._holds.of(task.queue)]
        match = "" if task.work is None else task.work.match
        reasons.append(self._of_line(worker_queue, match, task))
        return reasons

    def _of_line(self, worker_queue: WorkerQueue, match: str, task: Task) -> Wait:
        there = self.there(worker_queue.name, match)
        since_ms = max(task.submitted_at_ms, task.retried_at_ms or 0)
        if not there.workers:
            code, since_ms = WaitCode.NO_WORKER, max(since_ms, there.seen_ms)
        elif there.busy >= there.workers:
            code = WaitCode.WORKERS_BUSY
        else:
            code = WaitCode.STARTING
        return Wait(
            code=code,
            args={"match": match},
            since_ms=since_ms,
            queue=worker_queue.name,
            task_id=task.id,
        )
