"""Calls one task off: a waiting one never runs, a running one is stopped."""

from __future__ import annotations

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.commit.waiters import Waiters
from robotq.engine.events.rows import saving_end
from robotq.engine.reads import Reads
from robotq.engine.settings import Settings
from robotq.engine.signals import Signals
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.repeats import Repeats
from robotq.engine.worker_tasks.jobs import Jobs
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.task import Task, TaskError, TaskState
from robotq.model.transitions import Action, transition


class Cancelling:
    """A stop is asked for at once, by a signal; its executor writes how the task ended."""

    def __init__(
        self,
        *,
        commit: Commit,
        reads: Reads,
        memory: TaskMemory,
        jobs: Jobs,
        repeats: Repeats,
        waiters: Waiters,
        signals: Signals,
        settings: Settings,
        clock: WallClock,
    ) -> None:
        self._commit = commit
        self._reads = reads
        self._memory = memory
        self._jobs = jobs
        self._repeats = repeats
        self._waiters = waiters
        self._signals = signals
        self._settings = settings
        self._clock = clock

    async def wait_ended(self, task_id: str, timeout_s: float | None) -> Task:
        """The task once it has ended, or as it is after `timeout_s` of wall time.

        Raises RobotqError task_not_found, too_many_requests, store_unavailable.
        """
        task = await self._reads.task(task_id)
        if task.state.final or timeout_s == 0:
            return task
        return await self._waiters.ended(task_id, timeout_s) or await self._reads.task(task_id)

    async def cancel(self, task_id: str, *, actor: str, reason: str = "") -> Task:
        """Call a task off. A waiting one never runs; a running one is stopped, and this
        returns when it has ended, however that was.

        Raises RobotqError task_not_found, wrong_state (ended already), store_unavailable.
        """
        cancelled = await self.cancel_waiting(task_id, actor, reason)
        if cancelled is not None:
            return cancelled
        limit_s = self._settings.config.limits.stop_timeout_s + self._settings.timings.cancel_s
        task = await self.wait_ended(task_id, limit_s)
        if not task.state.final and not self._commit.disk.available:
            raise RobotqError("store_unavailable", reason="told to stop, its end is not written")
        return task

    @unbroken
    async def cancel_waiting(self, task_id: str, actor: str, reason: str) -> Task | None:
        """None where the task runs; it was told to stop then."""
        known = self._memory.get(task_id)
        if known is not None and known.work is None and known.state is TaskState.RUNNING:
            # at once: whoever changes it now may wait for the disk
            self._stop(known, actor, reason)
            return None
        async with self._commit.of(task_id) as task:
            if task.work is not None:
                return await self._jobs.cancel(task, actor=actor, reason=reason)
            if task.state is TaskState.RUNNING:
                self._stop(task, actor, reason)
                return None
            cancelled = transition(
                task,
                Action.CANCEL,
                error=TaskError(code="cancelled", args={"actor": actor, "reason": reason}),
                ended_at_ms=self._clock.now_ms(),
            )
            await self._commit.write(saving_end(task, cancelled, actor))
            crash_point(CrashPoint.CANCELLED)
            return cancelled

    def _stop(self, task: Task, actor: str, reason: str) -> None:
        """Have a running task stopped. Acts at once and never waits for the disk; who asked is in
        the end's record."""
        self._repeats.call_off(task)
        self._signals.stop_wanted.tell(task, actor, reason)
