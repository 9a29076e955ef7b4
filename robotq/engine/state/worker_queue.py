"""A queue for a kind of workers in memory: many wait, many run, some are called for."""

from __future__ import annotations

import asyncio
import heapq
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator, Mapping

from robotq.model.task import Task, TaskState


class WorkerQueue:
    """The unfinished tasks of one kind of workers. Follows what was written; decides nothing
    durable."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.running: dict[str, Task] = {}
        """By id."""
        self.incoming = 0
        """Accepted tasks on their way to the disk."""
        self._waiting: dict[str, Task] = {}
        self._lines: dict[str, list[tuple[tuple[int, float, int], str]]] = {}
        """The order of the waiting tasks, by what their workers have to match."""
        self._calls: dict[str, deque[asyncio.Future[None]]] = {}
        self._changes: dict[str, asyncio.Future[None]] = {}
        """Of the tasks whose next change somebody waits for."""
        self._due: list[tuple[int, str]] = []
        self._due_of: dict[str, int] = {}
        """The earliest entry of each task in `_due`."""
        self._due_changed = asyncio.Event()

    def __len__(self) -> int:
        """Waiting and running tasks."""
        return len(self._waiting) + len(self.running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def waiting_for(self, match: str) -> int:
        """Waiting tasks that a worker with this match key can get."""
        return len(self._lines.get(match, ()))

    def standing(self) -> Iterator[str]:
        """The match keys with tasks that wait while nothing with the same key is at work."""
        at_work = {_match(task) for task in self.running.values()}
        return (match for match in self._lines if match not in at_work)

    def __iter__(self) -> Iterator[Task]:
        """Waiting tasks of all match keys, next first."""
        for _, task_id in heapq.merge(*self._lines.values()):
            yield self._waiting[task_id]

    def line(self, match: str) -> Iterator[Task]:
        """Waiting tasks that a worker with this match key can get, next first."""
        for _, task_id in self._lines.get(match, ()):
            yield self._waiting[task_id]

    def get(self, task_id: str) -> Task | None:
        return self._waiting.get(task_id) or self.running.get(task_id)

    def position(self, task: Task) -> int | None:
        """1 for the task at the head of all that wait, whatever they match; None for one that
        does not wait."""
        known = self._waiting.get(task.id)
        if known is None:
            return None
        place = (known.order, known.id)
        return sum(bisect_left(line, place) for line in self._lines.values()) + 1

    def update(self, task: Task) -> None:
        """Take over a task as it was written."""
        known = self._waiting.pop(task.id, None)
        if known is not None:
            self._leave_line(known)
        self.running.pop(task.id, None)
        if task.state is TaskState.PENDING:
            self._waiting[task.id] = task
            insort(self._lines.setdefault(_match(task), []), (task.order, task.id))
            self.call(_match(task))
        elif task.state is TaskState.RUNNING:
            self.running[task.id] = task
        self._note_due(task)
        change = self._changes.pop(task.id, None)
        if change is not None:
            change.set_result(None)

    def changed(self, task: Task) -> asyncio.Future[None]:
        """Done as soon as this task is no more as it is given here. Many wait for the same
        one, so it is not to be cancelled."""
        known = self.get(task.id)
        change = self._changes.get(task.id)
        if known is None or known.revision != task.revision:
            change = asyncio.get_running_loop().create_future()
            change.set_result(None)
        elif change is None:
            change = self._changes[task.id] = asyncio.get_running_loop().create_future()
        return change

    # -- what becomes due ------------------------------------------------------------------

    @property
    def armed(self) -> Mapping[str, int]:
        """Unfinished tasks with a lease or a deadline, each with when it is looked at: at its
        time or before."""
        return self._due_of

    def due(self, now_ms: int) -> list[Task]:
        """The tasks whose lease or deadline is over. Each is told once until it changes or
        `look_again` is called."""
        found = []
        while self._due and self._due[0][0] <= now_ms:
            at_ms, task_id = heapq.heappop(self._due)
            if self._due_of.get(task_id) != at_ms:
                continue
            del self._due_of[task_id]
            task = self.get(task_id)
            if task is None:
                continue
            due_ms = due_at_ms(task)
            if due_ms is not None and due_ms <= now_ms:
                found.append(task)
            else:
                # it was given more time since
                self._note_due(task)
        return found

    def look_again(self, task_id: str) -> None:
        """Tell this task once more where it is still due."""
        task = self.get(task_id)
        if task is not None:
            self._note_due(task)

    async def until_due(self, now_ms: int, timeout_s: float) -> None:
        """Wait until the next task becomes due, or another one is the next."""
        if self._due:
            timeout_s = min(timeout_s, max(0.0, (self._due[0][0] - now_ms) / 1000))
        try:
            async with asyncio.timeout(timeout_s):
                await self._due_changed.wait()
        except TimeoutError:
            return
        finally:
            self._due_changed.clear()

    # -- workers that wait -----------------------------------------------------------------

    def idle(self, match: str) -> int:
        """Calls that wait for a task with this match key."""
        return sum(not call.done() for call in self._calls.get(match, ()))

    @property
    def idle_calls(self) -> int:
        """Calls that wait, with whatever match key."""
        return sum(self.idle(match) for match in self._calls)

    async def called(self, match: str, timeout_s: float) -> bool:
        """Wait for a task with this match key; those who wait are called in their order, one
        for each task. False where the time is up."""
        call: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = self._calls.setdefault(match, deque())
        line.append(call)
        try:
            async with asyncio.timeout(timeout_s):
                await call
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            if call.done() and not call.cancelled():
                # somebody else can have what this one was called for
                self.call(match)
            raise
        finally:
            line.remove(call)
            if not line:
                self._calls.pop(match, None)
        return True

    def call(self, match: str) -> None:
        """Call the one who has waited longest for this match key."""
        for call in self._calls.get(match, ()):
            if not call.done():
                call.set_result(None)
                return

    def wake(self) -> None:
        """Call everybody who waits: something that decides what may run has changed."""
        for line in self._calls.values():
            for call in line:
                if not call.done():
                    call.set_result(None)

    def _leave_line(self, task: Task) -> None:
        match = _match(task)
        line = self._lines[match]
        del line[bisect_left(line, (task.order, task.id))]
        if not line:
            del self._lines[match]

    def _note_due(self, task: Task) -> None:
        due_ms = None if task.state.final else due_at_ms(task)
        known = self._due_of.get(task.id)
        if due_ms is None:
            self._due_of.pop(task.id, None)
        # a later time is found out when the earlier one has come, so that a worker which gives
        # a sign of life every second costs nothing here
        elif known is None or due_ms < known:
            self._due_of[task.id] = due_ms
            heapq.heappush(self._due, (due_ms, task.id))
            if self._due[0] == (due_ms, task.id):
                self._due_changed.set()


def due_at_ms(task: Task) -> int | None:
    """When the lease or the deadline of an unfinished task is over, whichever is first."""
    deadline_ms = None if task.work is None else task.work.deadline_ms
    if task.lease_until_ms is None or deadline_ms is None:
        return task.lease_until_ms if deadline_ms is None else deadline_ms
    return min(task.lease_until_ms, deadline_ms)


def _match(task: Task) -> str:
    return "" if task.work is None else task.work.match
