"""Ends waiting tasks whose `expires_at` has come, whether or not their queue is held."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.events.rows import cancelled_with, saving_end
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.deadlines import Deadlines, expired
from robotq.engine.waiting.repeats import Repeats
from robotq.model.clock import WallClock
from robotq.model.task import Task, TaskError, TaskState
from robotq.model.transitions import Action, transition

_AT_ONCE = 256
"""Tasks that are ended at once; they share a commit."""


class Expiry:
    """Ends what was not started in time."""

    def __init__(
        self,
        *,
        commit: Commit,
        memory: TaskMemory,
        deadlines: Deadlines,
        repeats: Repeats,
        clock: WallClock,
    ) -> None:
        self._commit = commit
        self._memory = memory
        self._deadlines = deadlines
        self._repeats = repeats
        self._clock = clock

    @property
    def armed(self) -> Mapping[str, int]:
        """Waiting tasks that expire, each with its time."""
        return self._deadlines.armed

    async def run(self) -> None:
        """For ever: end what has expired, at its time. Waits for the disk."""
        while True:
            due = self._deadlines.over()
            for start in range(0, len(due), _AT_ONCE):
                await asyncio.gather(*map(self._expire, due[start : start + _AT_ONCE]))
            await self._commit.disk.until_available()
            await self._deadlines.until_next()

    @unbroken
    async def _expire(self, task_id: str) -> None:
        async with AsyncExitStack() as changing:
            # everybody who locks several tasks goes by arrival, so nobody waits in a ring
            held = [
                await changing.enter_async_context(self._commit.of(one.id))
                for one in sorted(self._together(task_id), key=lambda one: one.seq)
            ]
            task = next((one for one in held if one.id == task_id), None)
            if task is None or not expired(task, self._clock.now_ms()):
                return
            ended = ended_by_expiry(task, self._clock.now_ms())
            rest = [one for one in held if one is not task and one.state is TaskState.PENDING]
            await self._commit.written(
                [
                    *saving_end(task, ended, "robotq"),
                    *(mutation for one in rest for mutation in cancelled_with(one, ended)),
                    *self._repeats.following(ended),
                ]
            )

    def _together(self, task_id: str) -> Sequence[Task]:
        task = self._memory.get(task_id)
        if task is None:
            return ()
        if not task.contiguous or task.batch_id is None:
            return (task,)
        return self._memory.robot_queue(task.queue).batch(task.batch_id)


def ended_by_expiry(task: Task, now_ms: int) -> Task:
    return transition(task, Action.EXPIRE, error=TaskError(code="expired"), ended_at_ms=now_ms)
