"""The tasks of the memory store."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from robotq.model.task import Task, TaskState
from robotq.store.memory.tables import Undo, oldest
from robotq.store.port import StaleRevision, TaskQuery


class MemoryTasks:
    """Every task by its id, and by number of arrival; how many there are of each state."""

    def __init__(self, undo: Undo) -> None:
        self._undo = undo
        self._tasks: dict[str, Task] = {}
        self._ids: dict[int, str] = {}
        """Task ids by number of arrival."""
        self._running: dict[str, str] = {}
        """The running task of each robot."""
        self._counts: dict[tuple[str, str, TaskState], int] = {}
        self.last_seq = 0
        """The latest number of arrival, also of a task that is pruned since."""

    def get(self, task_id: str) -> Task | None:
        return self._tasks.get(task_id)

    def all(self) -> Collection[Task]:
        return self._tasks.values()

    def listed(self, query: TaskQuery) -> Sequence[Task]:
        """See `Store.list`."""
        newest_first = (self._tasks[self._ids[seq]] for seq in sorted(self._ids, reverse=True))
        return [task for task in newest_first if _matches(task, query)][: query.limit]

    def unfinished(self) -> Sequence[Task]:
        """By arrival."""
        return sorted(
            (task for task in self._tasks.values() if not task.state.final),
            key=lambda task: task.seq,
        )

    def finished(self, limit: int) -> Sequence[Task]:
        """Those that ended last, the latest of them last."""
        ended = sorted(
            (
                task
                for task in self._tasks.values()
                if task.state.final and task.ended_at_ms is not None
            ),
            key=lambda task: (task.ended_at_ms, task.seq),
        )
        return ended[max(0, len(ended) - limit) :]

    def counts(self) -> dict[tuple[str, str, TaskState], int]:
        """By interface, queue and state, where there are any."""
        return {key: tasks for key, tasks in self._counts.items() if tasks}

    def save(self, task: Task, before: TaskState | None) -> None:
        """See `SaveTask`. Raises StaleRevision."""
        known = self._tasks.get(task.id)
        found = (
            (known.revision, known.state, known.seq) if known is not None else (0, None, task.seq)
        )
        if found != (task.revision - 1, before, task.seq):
            raise StaleRevision(task.id)
        if self._ids.get(task.seq, task.id) != task.id:
            raise StaleRevision(task.id)
        if known is not None and _runs_on_robot(known):
            self._undo.drop(self._running, known.queue)
        if _runs_on_robot(task):
            if task.queue in self._running:
                raise StaleRevision(task.id)
            self._undo.put(self._running, task.queue, task.id)
        self._undo.put(self._tasks, task.id, task)
        self._undo.put(self._ids, task.seq, task.id)
        self.last_seq = max(self.last_seq, task.seq)
        if known is not None and before is not None:
            # by what it was: it may have gone to another queue
            self._count(known, before, -1)
        self._count(task, task.state, 1)

    def prune(self, before_ms: int, limit: int) -> int:
        """Forget what ended before a time with a known outcome; how many those were."""
        old = oldest(
            (
                (task.ended_at_ms, task)
                for task in self._tasks.values()
                if task.state.final and task.ended_at_ms is not None and not task.outcome_unknown
            ),
            before_ms,
            limit,
        )
        for task in old:
            del self._tasks[task.id], self._ids[task.seq]
        return len(old)

    def _count(self, task: Task, state: TaskState, by: int) -> None:
        key = (task.api, task.queue, state)
        self._undo.put(self._counts, key, self._counts.get(key, 0) + by)


def _runs_on_robot(task: Task) -> bool:
    return task.state is TaskState.RUNNING and task.api == "robot"


def _matches(task: Task, query: TaskQuery) -> bool:
    error_code = task.error.code if task.error is not None else None
    return (
        query.api in (None, task.api)
        and query.queue in (None, task.queue)
        and (not query.states or task.state in query.states)
        and query.cmd_type in (None, task.command.cmd_type)
        and query.cmd_id in (None, task.command.cmd_id)
        and query.batch_id in (None, task.batch_id)
        and query.repeat_of in (None, task.repeat_of, task.id)
        and query.error_code in (None, error_code)
        and (query.submitted_from_ms is None or task.submitted_at_ms >= query.submitted_from_ms)
        and (query.submitted_to_ms is None or task.submitted_at_ms <= query.submitted_to_ms)
        and (query.before_seq is None or task.seq < query.before_seq)
    )
