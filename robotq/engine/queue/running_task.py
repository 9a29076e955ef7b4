"""What is written of the running task of a robot, until it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.events.rows import task_event
from robotq.engine.queue.step_recorder import Report
from robotq.engine.state.resources import Resources
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.json.safe import plain
from robotq.model.task import Asked, DeviceRun, Task, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import AppendEvent, Mutation, SaveTask


class RunningTask:
    """See `Claims`: the same promises. A task that runs is told by its fence; an older one is
    refused."""

    def __init__(self, commit: Commit, resources: Resources, clock: WallClock) -> None:
        self._commit = commit
        self._resources = resources
        self._clock = clock

    async def record(self, task: Task, report: Report) -> None:
        """Write what a running task has reported.

        Raises RobotqError stale_claim, wrong_state, store_unavailable.
        """
        async with self._commit.of(task.id, patient=True) as current:
            changed = transition(current, Action.PROGRESS, fence=task.fence, **report.changes)
            mutations = [
                SaveTask(changed, current),
                *(AppendEvent(event) for event in report.events),
                *report.occupancies,
            ]
            # not `write`: what it would give up could come twice
            if not await self._commit.written(mutations):
                raise RobotqError("store_unavailable", reason="not written yet")

    async def name_run(self, task: Task, run: DeviceRun) -> None:
        """Write by which id its device knows a running task. Waits for the disk.

        Raises RobotqError stale_claim, wrong_state.
        """
        while not await self._named(task, run, "task.run_id"):
            await self._commit.disk.until_available()

    @unbroken
    async def leave_run(self, task: Task, run: DeviceRun, still: Callable[[], bool]) -> bool:
        """Write that a running task is left to its device, where that is `still` so. False where
        the disk takes no writes. Who waits no longer leaves a write on its way behind: until it
        is answered nobody else changes the task, and what it was before is not taken for now.

        Raises RobotqError stale_claim, wrong_state.
        """
        return await self._named(
            task, run, "task.left_running", still, left_until_ms=run.left_until_ms
        )

    async def _named(
        self,
        task: Task,
        run: DeviceRun,
        kind: str,
        still: Callable[[], bool] = lambda: True,
        **more: Any,
    ) -> bool:
        async with self._commit.of(task.id, patient=True) as current:
            if not still():
                return False
            changed = transition(current, Action.PROGRESS, fence=task.fence, run=run)
            now_ms = self._clock.now_ms()
            data = {"run_id": run.id, "boot": run.boot, **more}
            event = task_event(kind, changed, now_ms, "robotq", before=current, **data)
            return await self._commit.written([SaveTask(changed, current), event])

    async def tell(self, task: Task, kind: str, **data: Any) -> None:
        """Write in the journal what is found out about a running task; lost where the disk takes
        no writes, since nothing follows from it."""
        # drivers' words are among it
        told, now_ms = plain(data), self._clock.now_ms()
        await self._commit.note(task_event(kind, task, now_ms, "robotq", before=task, **told).event)

    async def requeue(self, task: Task, **data: Any) -> None:
        """Have a running task wait again, since its device has never begun it. The attempt stays
        counted: the next one has another id. Waits for the disk."""
        data = plain(data)
        while True:
            async with self._commit.of(task.id, patient=True) as current:
                requeued = transition(
                    current, Action.REQUEUE, fence=task.fence, steps=(), progress=None, partial=None
                )
                now_ms = self._clock.now_ms()
                mutations: list[Mutation] = [
                    *self._resources.released(task.queue),
                    SaveTask(requeued, current),
                    task_event("task.requeued", requeued, now_ms, "robotq", before=current, **data),
                ]
                if await self._commit.written(mutations):
                    return
            await self._commit.disk.until_available()

    async def intend(self, task: Task, asked: Asked) -> None:
        """Write beside a running task that somebody has called it off; the first one counts.
        Waits for the disk, and for nothing where the task has ended meanwhile."""
        while True:
            async with self._commit.of(task.id, patient=True) as current:
                if current.state is not TaskState.RUNNING or current.fence != task.fence:
                    return
                if current.asked is not None:
                    return
                changed = transition(current, Action.PROGRESS, fence=task.fence, asked=asked)
                event = task_event(
                    "task.stop_asked",
                    changed,
                    asked.at_ms,
                    asked.actor,
                    before=current,
                    cause=asked.cause,
                    reason=asked.reason,
                )
                if await self._commit.written([SaveTask(changed, current), event]):
                    return
            await self._commit.disk.until_available()
