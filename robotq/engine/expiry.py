"""Ends waiting tasks whose `expires_at` has come, whether or not their queue is held."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

from robotq.engine.batches import cancelled_with
from robotq.engine.memory import TaskMemory
from robotq.engine.task_events import saving_end
from robotq.engine.unbroken import unbroken
from robotq.model.clock import WallClock
from robotq.model.task import Task, TaskError, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import Mutation

_LOOK_S = 5.0
"""Wall seconds after which the clock is looked at again: somebody may have set it."""

_TICK_S = 0.02
"""Wall seconds between two looks at the least, however many expire one after the other."""

_AT_ONCE = 256
"""Tasks that are ended at once; they share a commit."""


class Expiry:
    """Knows which waiting tasks can expire. One that was started once does not any more."""

    def __init__(
        self,
        *,
        memory: TaskMemory,
        clock: WallClock,
        changing: Callable[[str], AbstractAsyncContextManager[Task]],
        written: Callable[[Sequence[Mutation]], Coroutine[Any, Any, bool]],
        until_available: Callable[[], Coroutine[Any, Any, None]],
        following: Callable[[Task], Sequence[Mutation]],
    ) -> None:
        """`written` is False where the disk takes no writes; `following`: what else to write
        where this task has expired."""
        self._memory = memory
        self._clock = clock
        self._changing = changing
        self._written = written
        self._until_available = until_available
        self._following = following
        self._due_ms: dict[str, int] = {}
        self._changed = asyncio.Event()
        for task in (task for lane in memory.lanes.values() for task in lane):
            self.look(task)

    def look(self, task: Task) -> None:
        """Take over a task as it was written."""
        waits = task.state is TaskState.PENDING and task.attempt == 0 and task.work is None
        if waits and task.expires_at_ms is not None:
            self._due_ms[task.id] = task.expires_at_ms
            self._changed.set()
        else:
            self._due_ms.pop(task.id, None)

    async def run(self) -> None:
        """For ever: end what has expired, at its time. Waits for the disk."""
        while True:
            self._changed.clear()
            now_ms = self._clock.now_ms()
            due = [task_id for task_id, at_ms in self._due_ms.items() if at_ms <= now_ms]
            for start in range(0, len(due), _AT_ONCE):
                await asyncio.gather(*map(self._expire, due[start : start + _AT_ONCE]))
            await self._until_available()
            await self._wait()

    async def _wait(self) -> None:
        next_ms = min(self._due_ms.values(), default=None)
        left_s = None
        if next_ms is not None:
            left_s = min(max((next_ms - self._clock.now_ms()) / 1000, _TICK_S), _LOOK_S)
        try:
            async with asyncio.timeout(left_s):
                await self._changed.wait()
                await asyncio.sleep(_TICK_S)
        except TimeoutError:
            return

    @unbroken
    async def _expire(self, task_id: str) -> None:
        async with AsyncExitStack() as changing:
            # everybody who locks several tasks goes by arrival, so nobody waits in a ring
            held = [
                await changing.enter_async_context(self._changing(one.id))
                for one in sorted(self._together(task_id), key=lambda one: one.seq)
            ]
            task = next((one for one in held if one.id == task_id), None)
            if task is None or not expired(task, self._clock.now_ms()):
                return
            ended = ended_by_expiry(task, self._clock.now_ms())
            rest = [one for one in held if one is not task and one.state is TaskState.PENDING]
            await self._written(
                [
                    *saving_end(task, ended, "robotq"),
                    *(mutation for one in rest for mutation in cancelled_with(one, ended)),
                    *self._following(ended),
                ]
            )

    def _together(self, task_id: str) -> Sequence[Task]:
        task = self._memory.get(task_id)
        if task is None:
            return ()
        if not task.contiguous or task.batch_id is None:
            return (task,)
        return self._memory.lane(task.queue).batch(task.batch_id)


def expired(task: Task, now_ms: int) -> bool:
    """Whether a task has not been started in time and is not to be started any more."""
    return (
        task.expires_at_ms is not None
        and task.expires_at_ms <= now_ms
        and task.state is TaskState.PENDING
        and task.attempt == 0
    )


def ended_by_expiry(task: Task, now_ms: int) -> Task:
    return transition(task, Action.EXPIRE, error=TaskError(code="expired"), ended_at_ms=now_ms)
