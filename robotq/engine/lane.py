"""One queue in memory: its waiting tasks in order, its running one, and what comes next."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections.abc import Iterator

from robotq.model.task import Task, TaskState


class Lane:
    """The unfinished tasks of one robot. Follows what was written; decides nothing durable."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.running: Task | None = None
        self.open_batch: str | None = None
        """A contiguous batch of which a task has started and others still wait."""
        self._order: list[tuple[tuple[int, float, int], str]] = []
        self._waiting: dict[str, Task] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """Waiting and running tasks."""
        return len(self._waiting) + (self.running is not None)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Task]:
        """Waiting tasks, next first."""
        for _, task_id in self._order:
            yield self._waiting[task_id]

    def head(self) -> Task | None:
        return self._waiting[self._order[0][1]] if self._order else None

    def position(self, task: Task) -> int | None:
        """1 for the task at the head; None for one that does not wait here."""
        if task.id not in self._waiting:
            return None
        return bisect_left(self._order, (self._waiting[task.id].order, task.id)) + 1

    def update(self, task: Task) -> None:
        """Take over a task as it was written."""
        known = self._waiting.pop(task.id, None)
        if known is not None:
            del self._order[bisect_left(self._order, (known.order, known.id))]
        if self.running is not None and self.running.id == task.id:
            self.running = None
        if task.state is TaskState.PENDING:
            self._waiting[task.id] = task
            insort(self._order, (task.order, task.id))
        elif task.state is TaskState.RUNNING:
            self.running = task
            if task.contiguous:
                self.open_batch = task.batch_id
        if self.open_batch is not None and not self._batch_goes_on():
            self.open_batch = None
        self._changed.set()

    def candidates(self) -> Iterator[Task]:
        """Waiting tasks that may be next, in order; while a contiguous batch is open, its own.

        Of a contiguous batch only the first: they keep their order among themselves too.
        """
        passed: set[str] = set()
        for task in self:
            if self.open_batch is not None and task.batch_id != self.open_batch:
                continue
            if task.contiguous and task.batch_id is not None:
                if task.batch_id in passed:
                    continue
                passed.add(task.batch_id)
            yield task

    def batch(self, batch_id: str) -> list[Task]:
        """The waiting tasks of a batch, in order."""
        return [task for task in self if task.batch_id == batch_id]

    def wake(self) -> None:
        """Something that decides what may run has changed."""
        self._changed.set()

    async def changed(self, timeout_s: float | None = None) -> None:
        """Wait until `wake` or `update` was called since the last call, or the time is up."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return
        finally:
            self._changed.clear()

    def _batch_goes_on(self) -> bool:
        if self.running is not None and self.running.batch_id == self.open_batch:
            return True
        return any(task.batch_id == self.open_batch for task in self)
