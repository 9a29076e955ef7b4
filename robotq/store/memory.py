"""A store that forgets everything with the process: for tests and for trying things out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode, Occupancy
from robotq.model.json import JsonObject
from robotq.model.task import Task, TaskState
from robotq.store.port import (
    Answer,
    AppendEvent,
    DropHold,
    DropOccupancy,
    DuplicateKey,
    Mutation,
    Restored,
    SaveAnswer,
    SaveHold,
    SaveOccupancy,
    SaveTask,
    SetFact,
    StaleRevision,
    StoreStatistics,
    TaskQuery,
)


class MemoryStore:
    """The Store protocol in dicts. Nothing survives the object."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        self._counts: dict[tuple[str, str, TaskState], int] = {}
        self._events: list[Event] = []
        self._last_event_id = 0
        self._last_seq = 0
        self._holds: dict[tuple[str, HoldCode], Hold] = {}
        self._occupancies: dict[str, Occupancy] = {}
        self._answers: dict[tuple[str, str], Answer] = {}
        self._facts: dict[str, JsonObject] = {}
        self._applied = 0

    async def open(self, *, finished: int) -> Restored:
        ended = sorted(
            (task for task in self._tasks.values() if task.state.final),
            key=lambda task: task.ended_at_ms or 0,
        )
        return Restored(
            unfinished=[task for task in self._tasks.values() if not task.state.final],
            finished=ended[-finished:] if finished else [],
            counts=dict(self._counts),
            holds=list(self._holds.values()),
            occupancies=list(self._occupancies.values()),
            facts=dict(self._facts),
            last_seq=self._last_seq,
            last_event_id=self._last_event_id,
        )

    async def apply(self, mutations: Sequence[Mutation]) -> Sequence[Event]:
        self._check(mutations)
        events: list[Event] = []
        for mutation in mutations:
            match mutation:
                case SaveTask(task, before):
                    self._save(task, before)
                case AppendEvent(event):
                    self._last_event_id += 1
                    events.append(replace(event, id=self._last_event_id))
                case SaveHold(hold):
                    self._holds[hold.robot, hold.code] = hold
                case DropHold(robot, code):
                    self._holds.pop((robot, code), None)
                case SaveOccupancy(occupancy):
                    self._occupancies[occupancy.resource] = occupancy
                case DropOccupancy(resource):
                    self._occupancies.pop(resource, None)
                case SaveAnswer(answer):
                    self._answers[answer.scope, answer.key] = answer
                case SetFact(name, value):
                    if value is None:
                        self._facts.pop(name, None)
                    else:
                        self._facts[name] = value
        self._events += events
        self._applied += 1
        return events

    def _check(self, mutations: Sequence[Mutation]) -> None:
        """Find what would be refused before anything is changed: all or nothing."""
        saved: dict[str, int] = {}
        for mutation in mutations:
            if isinstance(mutation, SaveTask):
                task = mutation.task
                known = self._tasks.get(task.id)
                revision = saved.get(task.id, known.revision if known is not None else 0)
                if revision != task.revision - 1:
                    raise StaleRevision(task.id)
                saved[task.id] = task.revision
            elif isinstance(mutation, SaveAnswer):
                if (mutation.answer.scope, mutation.answer.key) in self._answers:
                    raise DuplicateKey(mutation.answer.key)

    def _save(self, task: Task, before: TaskState | None) -> None:
        self._tasks[task.id] = task
        self._last_seq = max(self._last_seq, task.seq)
        if before is not task.state:
            if before is not None:
                self._counts[task.api, task.queue, before] -= 1
            key = (task.api, task.queue, task.state)
            self._counts[key] = self._counts.get(key, 0) + 1

    async def get(self, task_id: str) -> Task | None:
        return self._tasks.get(task_id)

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        found = sorted(self._tasks.values(), key=lambda task: -task.seq)
        return [task for task in found if _matches(task, query)][: query.limit]

    async def events_since(
        self, event_id: int, *, limit: int, task_id: str | None = None
    ) -> Sequence[Event]:
        return [
            event
            for event in self._events
            if event.id > event_id and task_id in (None, event.task_id)
        ][:limit]

    async def answer(self, scope: str, key: str) -> Answer | None:
        return self._answers.get((scope, key))

    async def prune(
        self, *, tasks_before_ms: int, events_before_ms: int, answers_before_ms: int, limit: int
    ) -> int:
        tasks = [
            task.id
            for task in self._tasks.values()
            if task.ended_at_ms is not None
            and task.ended_at_ms < tasks_before_ms
            and not task.outcome_unknown
        ][:limit]
        answers = [
            slot for slot, answer in self._answers.items() if answer.at_ms < answers_before_ms
        ][:limit]
        old = [event.id for event in self._events if event.at_ms < events_before_ms][:limit]
        for task_id in tasks:
            del self._tasks[task_id]
        for slot in answers:
            del self._answers[slot]
        gone = frozenset(old)
        self._events = [event for event in self._events if event.id not in gone]
        return len(tasks) + len(answers) + len(old)

    async def probe(self) -> None:
        return None

    def statistics(self) -> StoreStatistics:
        return StoreStatistics(
            kind="memory",
            version="",
            commits=self._applied,
            applied=self._applied,
            waiting=0,
            last_commit_s=0.0,
        )

    async def close(self) -> None:
        return None


def _matches(task: Task, query: TaskQuery) -> bool:
    return (
        query.api in (None, task.api)
        and query.queue in (None, task.queue)
        and (not query.states or task.state in query.states)
        and query.cmd_type in (None, task.command.cmd_type)
        and query.cmd_id in (None, task.command.cmd_id)
        and query.batch_id in (None, task.batch_id)
        and query.error_code in (None, task.error.code if task.error is not None else None)
        and (query.submitted_from_ms is None or task.submitted_at_ms >= query.submitted_from_ms)
        and (query.submitted_to_ms is None or task.submitted_at_ms <= query.submitted_to_ms)
        and (query.before_seq is None or task.seq < query.before_seq)
    )
