"""The core that interfaces with remote workers share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from robotq.engine.engine import Engine
from robotq.engine.state.worker_queue import WorkerQueue
from robotq.engine.upkeep.background import end
from robotq.model.errors import RobotqError
from robotq.model.job import Heartbeat, Holder, JobEnding, TaskOrder, TaskReport, Verdict
from robotq.model.task import Task, TaskState
from robotq.workers.presence import Presence
from robotq.workers.registry import Registry, Worker

_log = logging.getLogger(__name__)

_LOOK_S = 5.0
"""Wall seconds after which somebody who waits for a task looks by himself."""

_DUE_S = 1.0
"""Wall seconds after which leases are looked at: somebody may have set the clock."""

_RETRY_S = 1.0
"""Wall seconds until a lease is looked at again whose end could not be written."""

_GRACE_S = 60.0
"""Wall seconds after a start within which no lease runs out: the daemon was away, and not the
worker."""


class Chores(Protocol):
    """Somebody who has to do something for a queue from time to time."""

    async def sweep(self) -> None:
        """Called about every second of wall time."""

    async def stop(self) -> None:
        """Called when the daemon ends, while results can still be written."""


class Workers:
    """Hands tasks to workers and takes their answers. Made once, started with `start`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.registry = Registry(lambda: engine.config.limits.workers, self._busy)
        self._started_ms = engine.clock.steady_ms()
        self._sweeps: list[asyncio.Task[None]] = []
        self._chores: dict[str, Chores] = {}
        self._waiting = 0
        self.refused = 0
        """Results that came too late, or twice, since the start."""
        self.expired = 0
        """Leases and deadlines that were over, since the start."""
        self._closed = asyncio.Event()
        self.presence = Presence(engine, self.registry)

    # -- reading -----------------------------------------------------------------------------

    def worker_queue(self, queue: str) -> WorkerQueue:
        """The unfinished tasks of a queue, for reading only."""
        return self.engine.reads.worker_queue(queue)

    def tasks_of(self, queue: str, worker: str) -> Sequence[Task]:
        """What this worker has."""
        return [task for task in self.worker_queue(queue).running.values() if task.worker == worker]

    # -- for workers -------------------------------------------------------------------------

    def seen(
        self,
        queue: str,
        worker: str,
        *,
        match: str | None = None,
        transport: str = "http",
        address: str | None = None,
    ) -> Worker:
        """Take note of a sign of life. Raises RobotqError too_many_requests."""
        now_ms = self.engine.clock.now_ms()
        if self.registry.get(queue, worker) is None:
            self.presence.changed()
        return self.registry.seen(
            queue, worker, now_ms, match=match, transport=transport, address=address
        )

    async def claim(
        self,
        queue: str,
        worker: str,
        *,
        match: str = "",
        wait_s: float = 0,
        still_there: Callable[[], bool] = lambda: True,
        named: bool = False,
    ) -> Task | None:
        """The next task with this match key, in the hands of this worker from now on.

        Waits up to `wait_s` seconds (infinite is possible) for one, in turn with the others
        who wait for the same key. None where there is none, the queue is held, the daemon
        shuts down, or `still_there` says that nobody would get the answer. Its token is the
        `fence` of the task. `named`: nobody else goes by this name. Then a worker that has a
        task with this match key gets that one once more, with a new lease: the answer that
        gave it was lost.
        Raises RobotqError too_many_requests, store_unavailable.
        """
        tasks, worker_queue = self.engine.queue, self.worker_queue(queue)
        if named and (held := await self._given_again(queue, worker, match)) is not None:
            return held
        until = time.monotonic() + wait_s
        while still_there():
            task = await tasks.claim_job(queue, worker, match, named=named)
            if task is not None:
                return task
            left_s = until - time.monotonic()
            if left_s <= 0 or self._closed.is_set():
                return None
            # a task may have come while the claim was on its way back
            if not tasks.job_ready(queue, match):
                await self._called(worker_queue, match, min(left_s, _LOOK_S))
                if still_there():
                    self.registry.heard(queue, worker, self.engine.clock.now_ms())
        # what this one was called for may be another's
        worker_queue.call(match)
        return None

    async def heartbeat(
        self, queue: str, worker: str, reports: Sequence[TaskReport] = ()
    ) -> Heartbeat:
        """A sign of life of a worker and of the tasks that it has: their leases begin anew.

        Raises RobotqError too_many_requests, store_unavailable.
        """
        self.seen(queue, worker)
        orders = [await self._order(queue, worker, report) for report in reports]
        return Heartbeat(orders=orders, holds=self.engine.holds.of(queue))

    async def finish(
        self, task_id: str, holder: Holder, ending: JobEnding, *, unclaimed: bool = False
    ) -> Task:
        """See `Jobs.finish`. A result that is refused is logged."""
        before = self.engine.reads.known(task_id)
        try:
            task = await self.engine.queue.finish_job(task_id, holder, ending, unclaimed=unclaimed)
        except RobotqError as error:
            if error.code.name in ("wrong_state", "stale_claim"):
                self.refused += 1
                _log.warning("result of %s refused: %s", holder.worker or "a worker", error)
            raise
        if task.worker is not None and (before is None or not before.state.final):
            completed = task.state is TaskState.COMPLETED
            self.registry.ended(task.queue, task.worker, completed=completed)
        return task

    async def left(self, queue: str, worker: str) -> None:
        """A worker's connection has ended: what it had fails with worker_lost."""
        self.registry.gone(queue, worker)
        self.presence.changed()
        for task in self.tasks_of(queue, worker):
            holder = Holder(worker=worker, token=task.fence)
            try:
                await self.engine.queue.lose_job(task.id, holder)
            except RobotqError as error:
                if error.code.name == "store_unavailable":
                    raise
                _log.info("%s had ended when %s left: %s", task.id, worker, error)

    # -- start and stop ----------------------------------------------------------------------

    def attach(self, queue: str, chores: Chores) -> None:
        """Have `chores` called for as long as leases are looked after."""
        self._chores[queue] = chores

    def start(self) -> None:
        """Begin to look after leases and deadlines."""
        for name in list(self.engine.reads.worker_queues):
            self._sweeps.append(asyncio.create_task(self._sweep(name), name=f"leases {name}"))
        self.presence.start()

    async def stop(self) -> None:
        """Everybody who waits for a task goes away without; leases survive."""
        self._closed.set()
        for worker_queue in self.engine.reads.worker_queues.values():
            worker_queue.wake()
        for chores in self._chores.values():
            await chores.stop()
        await end(self._sweeps)
        self._sweeps.clear()
        await self.presence.stop()

    async def expire_due(self, queue: str) -> None:
        """Decide about every task of a queue whose lease or deadline is over.

        One that cannot be written is looked at again later.
        """
        worker_queue = self.worker_queue(queue)
        for task in worker_queue.due(self.engine.clock.steady_ms()):
            lease_s = task.work.lease_s if task.work is not None else None
            grace_ms = round(min(lease_s or 0.0, _GRACE_S) * 1000)
            not_before_ms = self._started_ms + grace_ms
            try:
                after = await self.engine.queue.expire_job(task.id, not_before_ms=not_before_ms)
            except RobotqError as error:
                _log.warning("the lease of %s: %s", task.id, error)
                self._later(worker_queue, task.id, _RETRY_S)
                continue
            if after.revision != task.revision and after.state is not TaskState.RUNNING:
                self.expired += 1
                if task.worker is not None and _lease_over(after):
                    self.registry.expired(queue, task.worker, self.engine.clock.now_ms())
                _log.info("%s of %s: time is up, now %s", task.id, task.worker, after.state.value)
            elif not after.state.final:
                wait_s = (not_before_ms - self.engine.clock.steady_ms()) / 1000
                self._later(worker_queue, task.id, max(wait_s, 0.01))
        if queue in self._chores:
            await self._chores[queue].sweep()

    # -- helpers -----------------------------------------------------------------------------

    async def _given_again(self, queue: str, worker: str, match: str) -> Task | None:
        for task in self.tasks_of(queue, worker):
            if task.work is None or task.work.match != match:
                continue
            try:
                holder = Holder(worker=worker, token=task.fence)
                return await self.engine.queue.renew_job(task.id, holder)
            except RobotqError as error:
                # it ended, or was taken away, in this moment
                if error.code.name not in ("task_not_found", "wrong_state", "stale_claim"):
                    raise
        return None

    async def _called(self, worker_queue: WorkerQueue, match: str, timeout_s: float) -> None:
        limit = self.engine.config.limits.waiting_requests
        if self._waiting >= limit:
            raise RobotqError("too_many_requests", what="waiting requests", limit=limit)
        self._waiting += 1
        try:
            await worker_queue.called(match, timeout_s)
        finally:
            self._waiting -= 1

    async def _order(self, queue: str, worker: str, report: TaskReport) -> TaskOrder:
        holder = Holder(worker=worker, token=report.token)
        try:
            task = await self.engine.reads.task(report.task_id)
            if task.queue != queue:
                raise RobotqError("task_not_found", task_id=report.task_id)
            task = await self.engine.queue.renew_job(
                report.task_id, holder, progress=report.progress, partial=report.partial
            )
        except RobotqError as error:
            if error.code.name not in ("task_not_found", "wrong_state", "stale_claim"):
                raise
            reason = str(error.args_.get("state", error.code.name))
            return TaskOrder(task_id=report.task_id, order=Verdict.CANCEL, reason=reason)
        return TaskOrder(task_id=task.id, order=Verdict.GO_ON, lease_until_ms=task.lease_until_ms)

    def _busy(self, queue: str, worker: str) -> bool:
        return any(task.worker == worker for task in self.worker_queue(queue).running.values())

    async def _sweep(self, queue: str) -> None:
        worker_queue = self.worker_queue(queue)
        unsure = list(worker_queue.running)
        while True:
            try:
                while unsure:
                    await self.engine.queue.count_job_anew(unsure[-1])
                    unsure.pop()
                await self.expire_due(queue)
            except Exception:  # noqa: BLE001 - logged whole; leases must be looked after
                _log.exception("looking after the leases of %s failed; it goes on", queue)
            await worker_queue.until_due(self.engine.clock.steady_ms(), _DUE_S)

    def _later(self, worker_queue: WorkerQueue, task_id: str, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, worker_queue.look_again, task_id)


def _lease_over(after: Task) -> bool:
    """Whether it was the lease that ended this attempt, and not the deadline."""
    return after.error is None or after.error.code == "lease_expired"
