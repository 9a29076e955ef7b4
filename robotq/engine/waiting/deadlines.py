"""Which waiting tasks have to be started in time, and by when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from robotq.engine.settings import Settings
from robotq.model.clock import WallClock
from robotq.model.task import Task, TaskState


class Deadlines:
    """The `expires_at` of waiting tasks. One that was started once does not expire any more."""

    def __init__(self, clock: WallClock, settings: Settings, unfinished: Iterable[Task]) -> None:
        self._clock = clock
        self._settings = settings
        self._due_ms: dict[str, int] = {}
        self._changed = asyncio.Event()
        for task in unfinished:
            self.look(task)

    def look(self, task: Task) -> None:
        """Take over a task as it was written."""
        waits = task.state is TaskState.PENDING and task.attempt == 0 and task.work is None
        if waits and task.expires_at_ms is not None:
            self._due_ms[task.id] = task.expires_at_ms
            self._changed.set()
        else:
            self._due_ms.pop(task.id, None)

    @property
    def armed(self) -> Mapping[str, int]:
        """All of them, each with its time."""
        return self._due_ms

    def over(self) -> Sequence[str]:
        """The tasks whose time is over; `until_next` tells of every change after this."""
        self._changed.clear()
        now_ms = self._clock.now_ms()
        return [task_id for task_id, at_ms in self._due_ms.items() if at_ms <= now_ms]

    async def until_next(self) -> None:
        """Wait until another look is worth while."""
        next_ms = min(self._due_ms.values(), default=None)
        left_s = None
        if next_ms is not None:
            due_s = (next_ms - self._clock.now_ms()) / 1000
            timings = self._settings.timings
            left_s = min(max(due_s, timings.due_s), timings.look_s)
        try:
            async with asyncio.timeout(left_s):
                await self._changed.wait()
                await asyncio.sleep(self._settings.timings.due_s)
        except TimeoutError:
            return


def expired(task: Task, now_ms: int) -> bool:
    """Whether a task has not been started in time and is not to be started any more."""
    return (
        task.expires_at_ms is not None
        and task.expires_at_ms <= now_ms
        and task.state is TaskState.PENDING
        and task.attempt == 0
    )
