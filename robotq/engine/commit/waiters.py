"""Those who wait for a task to end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from robotq.model.errors import RobotqError
from robotq.model.task import Task


class Waiters:
    """Everyone who waits, by task."""

    def __init__(self, limit: Callable[[], int]) -> None:
        """`limit`: how many may wait right now."""
        self._limit = limit
        self._waiting = 0
        self._of_task: dict[str, set[asyncio.Future[Task]]] = {}

    async def ended(self, task_id: str, timeout_s: float | None) -> Task | None:
        """The task when `tell` brings it, None after `timeout_s` of wall time.

        Raises RobotqError too_many_requests.
        """
        if self._waiting >= self._limit():
            raise RobotqError("too_many_requests", what="waiting requests", limit=self._limit())
        future: asyncio.Future[Task] = asyncio.get_running_loop().create_future()
        of_task = self._of_task.setdefault(task_id, set())
        of_task.add(future)
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1
            of_task.discard(future)
            if not of_task:
                del self._of_task[task_id]

    def tell(self, task: Task) -> None:
        """Let everyone go on who waits for this task, which has ended."""
        for future in self._of_task.get(task.id, ()):
            if not future.done():
                future.set_result(task)
