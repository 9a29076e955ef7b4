"""One queue in memory: its waiting tasks in order, its running one, and what comes next."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, ValuesView

from robotq.model.task import Task, TaskState


class RobotQueue:
    """The unfinished tasks of one robot. Follows what was written; decides nothing durable."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.running: Task | None = None
        self._open_batch: str | None = None
        self._opened_by: str | None = None
        """The task whose claim has begun the open batch."""
        self.changes = 0
        """Raised by every update: who has seen the same number twice has missed nothing."""
        self._order: list[tuple[bool, tuple[int, float, int], str]] = []
        self._waiting: dict[str, Task] = {}
        self._undecided: dict[str, dict[str, Task]] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """Waiting and running tasks."""
        return len(self._waiting) + (self.running is not None)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def undecided(self) -> ValuesView[Mapping[str, Task]]:
        """What waits for a person's approval: by id, the tasks that are decided about as one."""
        return self._undecided.values()

    def __iter__(self) -> Iterator[Task]:
        """Waiting tasks, next first."""
        for _, _, task_id in self._order:
            yield self._waiting[task_id]

    def part(self, offset: int, tasks: int) -> list[Task]:
        """So many waiting tasks behind the first `offset`."""
        return [self._waiting[one] for _, _, one in self._order[offset : offset + tasks]]

    @property
    def open_batch(self) -> str | None:
        """A contiguous batch that has begun and goes on; what waits of it comes before all."""
        return self._open_batch

    @open_batch.setter
    def open_batch(self, batch_id: str | None) -> None:
        if batch_id == self._open_batch:
            return
        moving = [
            task
            for task in self._waiting.values()
            if task.batch_id is not None and task.batch_id in (batch_id, self._open_batch)
        ]
        for task in moving:
            del self._order[bisect_left(self._order, self._place(task))]
        self._open_batch = batch_id
        self._opened_by = None
        for task in moving:
            insort(self._order, self._place(task))

    def head(self) -> Task | None:
        """The first waiting task that another can be put before."""
        return next((task for task in self if not self.in_open_batch(task)), None)

    def last_retried(self) -> Task | None:
        """The last of the retries that stand at the head, one behind the other."""
        last = None
        for task in self:
            if self.in_open_batch(task):
                continue
            if task.retry_of is None:
                break
            last = task
        return last

    def find(self, task_id: str) -> Task | None:
        """A waiting task."""
        return self._waiting.get(task_id)

    def in_open_batch(self, task: Task) -> bool:
        return self._open_batch is not None and task.batch_id == self._open_batch

    def position(self, task: Task) -> int | None:
        """1 for the task at the head; None for one that does not wait here."""
        known = self._waiting.get(task.id)
        return None if known is None else bisect_left(self._order, self._place(known)) + 1

    def add(self, task: Task) -> None:
        """Take over a new task that waits."""
        self.changes += 1
        self._wait(task)
        self._changed.set()

    def _wait(self, task: Task) -> None:
        self._waiting[task.id] = task
        place = self._place(task)
        # most come behind all others, and there may be thousands
        if self._order and place < self._order[-1]:
            insort(self._order, place)
        else:
            self._order.append(place)
        if task.awaits_approval:
            self._undecided.setdefault(_decision(task), {})[task.id] = task

    def update(self, task: Task) -> None:
        """Take over a task as it was written."""
        self.changes += 1
        if task.id in self._waiting:
            self._drop(task.id)
        if self.running is not None and self.running.id == task.id:
            self.running = None
        if task.state is TaskState.PENDING:
            if self._opened_by == task.id:
                # its claim was given back: the batch has not begun after all
                self.open_batch = None
            self._wait(task)
        elif task.state is TaskState.RUNNING:
            self.running = task
            if task.contiguous and task.batch_id != self._open_batch:
                self.open_batch = task.batch_id
                self._opened_by = task.id
        if self._open_batch is not None and not self._batch_goes_on():
            self.open_batch = None
        self._changed.set()

    def give_up(self, task_id: str) -> None:
        """A waiting task goes to another queue."""
        self.changes += 1
        if task_id in self._waiting:
            self._drop(task_id)
        if self.open_batch is not None and not self._batch_goes_on():
            self.open_batch = None
        self._changed.set()

    def _drop(self, task_id: str) -> None:
        known = self._waiting.pop(task_id)
        del self._order[bisect_left(self._order, self._place(known))]
        if known.awaits_approval:
            self._decided(known)

    def candidates(self) -> Iterator[Task]:
        """Waiting tasks that may be next, in order; while a contiguous batch is open, its own.

        Of a contiguous batch only the first: they keep their order among themselves too.
        """
        passed: set[str] = set()
        for task in self:
            if self._open_batch is not None and task.batch_id != self._open_batch:
                return
            if task.contiguous and task.batch_id is not None:
                if task.batch_id in passed:
                    continue
                passed.add(task.batch_id)
            yield task

    def first(self) -> Task | None:
        """The first of `candidates`."""
        if not self._order:
            return None
        task = self._waiting[self._order[0][-1]]
        if self._open_batch is not None and task.batch_id != self._open_batch:
            return None
        return task

    def batch(self, batch_id: str) -> list[Task]:
        """The waiting tasks of a batch, in order."""
        return [task for task in self if task.batch_id == batch_id]

    def in_front(self, task: Task) -> Task | None:
        """The waiting task of a contiguous batch that has to start before this one can: the next
        one of a batch that has begun, else the first of its own."""
        if self._open_batch is not None:
            first = next(iter(self), None)
            if first is None or first.id == task.id or not self.in_open_batch(first):
                return None
            return first
        if not task.contiguous or task.batch_id is None or task.id not in self._waiting:
            return None
        index = bisect_left(self._order, self._place(self._waiting[task.id]))
        first = None
        while index:
            index -= 1
            before = self._waiting[self._order[index][-1]]
            if before.batch_id != task.batch_id:
                break
            first = before
        return first

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
        return bool(self._order) and not self._order[0][0]

    def _decided(self, task: Task) -> None:
        unit = self._undecided[_decision(task)]
        del unit[task.id]
        if not unit:
            del self._undecided[_decision(task)]

    def _place(self, task: Task) -> tuple[bool, tuple[int, float, int], str]:
        begun = self._open_batch is not None and task.batch_id == self._open_batch
        # as `Task.order`
        return (not begun, (-task.priority, task.rank, task.seq), task.id)


def _decision(task: Task) -> str:
    """What tells the decision about this task from others: a contiguous batch is one."""
    return task.batch_id if task.contiguous and task.batch_id is not None else task.id
