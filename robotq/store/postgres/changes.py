"""Mutations of any number of calls as the statements of one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec.structs import replace

from robotq.model.event import Event
from robotq.model.task import Task, TaskState
from robotq.store.kept import rows
from robotq.store.kept.plain import plain
from robotq.store.port import (
    AddToTally,
    Answer,
    AppendEvent,
    Mutation,
    SaveAnswer,
    SaveTask,
    StaleRevision,
)
from robotq.system.statements import load

BELL = "robotq_waiting"
"""Where daemons hear that something waits where nothing did before."""

WRITE = load(__package__, "write.sql", bell=BELL)

Row: TypeAlias = tuple[Any, ...]
Statement: TypeAlias = tuple[str, Sequence[Any] | Mapping[str, Any]]

_WITHOUT_NUL = "PostgreSQL keeps no NUL in a text"


class Changes:
    """Mutations in their order. Rows that can be written together are gathered: one statement
    for all new tasks, one for all changed ones."""

    def __init__(self) -> None:
        self.events = 0
        """Rows of the journal."""
        self.last_seq = 0
        """The highest number of arrival of a new task."""
        self._done: list[Statement] = []
        self._new: list[Row] = []
        self._changed: dict[int, Row] = {}
        self._steps: list[Row] = []
        self._programs: list[Row] = []
        self._files: list[Row] = []
        self._events: list[Row] = []
        self._answers: list[Row] = []
        self._counts: dict[tuple[str, str, str], int] = {}
        self._waiting: set[Row] = set()
        """Queue and match key of tasks that wait for workers now."""
        self._tallies: dict[tuple[str, int, str], int] = {}

    def add(self, mutations: Sequence[Mutation]) -> list[Event]:
        """Returns the appended events, numbered from 1 by their place in this transaction.

        Raises StaleRevision, and TypeError or ValueError for what cannot be written.
        """
        appended = []
        for mutation in mutations:
            match mutation:
                case SaveTask(task, None):
                    self._new_task(task)
                case SaveTask():
                    self._update_task(mutation)
                case AppendEvent(event):
                    self.events += 1
                    appended.append(replace(event, id=self.events))
                    self._events.append(rows.event_to_row(event, self.events))
                case SaveAnswer(answer):
                    self._answers.append(answer_to_row(answer))
                case AddToTally(tally):
                    sum_of = (tally.api, tally.hour_ms, tally.name)
                    self._tallies[sum_of] = self._tallies.get(sum_of, 0) + tally.value
                case _:
                    name, row = plain(mutation)
                    self._done.append((WRITE[name], tuple(map(_kept, row))))
        return appended

    def statements(self) -> Iterator[Statement]:
        """All of them, after `begin` and before the commit."""
        self._flush_tasks()
        yield from self._done
        for name, gathered in (
            ("answers", self._answers),
            ("counts", [(*key, by) for key, by in sorted(self._counts.items()) if by]),
            ("tallies", [(*key, by) for key, by in sorted(self._tallies.items()) if by]),
            ("ring", sorted(self._waiting)),
            ("events", [(*row[:-1], self.events - row[-1]) for row in self._events]),
        ):
            if gathered:
                yield WRITE[name], _columns(gathered)

    def _new_task(self, task: Task) -> None:
        if task.revision != 1:
            raise StaleRevision(task.id)
        self.insert(task)

    def insert(self, task: Task) -> None:
        """A task that is not there, at whatever revision."""
        self.last_seq = max(self.last_seq, task.seq)
        self._new.append((*_task_to_row(task), task.repeat_of))
        self._waits(task)
        if rows.names_programs(task.command.params):
            self._programs += rows.programs_to_rows(task)
        self._steps += rows.steps_to_rows(task.seq, task.steps)
        self._name_files(task)
        self._count(task.api, task.queue, task.state, 1)

    def _update_task(self, saving: SaveTask) -> None:
        task, was = saving.task, saving.was
        assert was is not None
        if task.revision != was.revision + 1:
            raise StaleRevision(task.id)
        if task.seq in self._changed or (task.work is None and task.state is TaskState.RUNNING):
            # the command before it has ended, and an index refuses two that run
            self._flush_tasks()
        self._changed[task.seq] = (*_task_to_row(task), was.revision, str(was.state))
        self._waits(task)
        if task.steps is not was.steps:
            if len(task.steps) < len(was.steps):
                self._flush_tasks()
                self._done.append((WRITE["drop_steps"], (task.seq, len(task.steps))))
            self._steps += rows.steps_to_rows(task.seq, task.steps, was.steps)
        if task.artifacts != was.artifacts:
            self._flush_tasks()
            self._done.append((WRITE["unname_files"], (task.seq,)))
            self._name_files(task)
        if was.state is not task.state or was.queue != task.queue:
            self._count(task.api, was.queue, was.state, -1)
            self._count(task.api, task.queue, task.state, 1)

    def _waits(self, task: Task) -> None:
        if task.work is not None and task.state is TaskState.PENDING:
            self._waiting.add((task.queue, task.work.match))

    def _name_files(self, task: Task) -> None:
        kept = {(task.seq, one.sha256, one.size) for one in task.artifacts if one.not_kept is None}
        self._files += sorted(kept)

    def _count(self, api: str, queue: str, state: TaskState, by: int) -> None:
        key = (api, queue, str(state))
        self._counts[key] = self._counts.get(key, 0) + by

    def _flush_tasks(self) -> None:
        """Tasks, and what hangs on them, so that what comes next finds them as they are now."""
        steps = {(task, number): (task, number, text) for task, number, text in self._steps}
        for name, gathered in (
            ("insert_tasks", self._new),
            ("update_tasks", list(self._changed.values())),
            ("steps", list(steps.values())),
            ("programs", self._programs),
            ("name_files", self._files),
        ):
            if gathered:
                self._done.append((WRITE[name], _columns(gathered)))
        self._new, self._changed = [], {}
        self._steps, self._programs, self._files = [], [], []


def _task_to_row(task: Task) -> Row:
    """The parameters of `insert_tasks`, but for the last."""
    tags = task.command.extra.get("tags") if task.work is not None else None
    return (
        *rows.task_to_row(task),
        task.priority,
        task.rank,
        None if task.work is None else task.work.match,
        None if not isinstance(tags, list | tuple) else tag_text(tags),
    )


def tag_text(tags: Sequence[Any]) -> str:
    """How tags are kept, and how they are found in what is kept."""
    return "\n" + "".join(rows.json_text(tag) + "\n" for tag in tags)


def answer_to_row(answer: Answer) -> Row:
    """The parameters of `answers`."""
    ids = answer.body.get("task_ids")
    return (*rows.answer_to_row(answer), " ".join(ids) if isinstance(ids, list | tuple) else "")


def _columns(gathered: Sequence[Row]) -> Sequence[list[Any]]:
    return [list(map(_kept, column)) for column in zip(*gathered, strict=True)]


def _kept(value: Any) -> Any:
    """`value`, where the database can hold it."""
    if isinstance(value, str) and "\0" in value:
        raise ValueError(_WITHOUT_NUL)
    return value
