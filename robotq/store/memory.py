"""A store that forgets everything with the process: for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from robotq.model.delivery import Delivery, DeliveryState
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode, Occupancy
from robotq.model.item import Item, ItemBatch, ItemStatus
from robotq.model.json import JsonObject
from robotq.model.task import Task, TaskState
from robotq.store.job_query import JobQuery, listed_jobs
from robotq.store.memory_items import listed, listed_batches
from robotq.store.port import (
    AddToTally,
    Answer,
    AppendEvent,
    Committed,
    DeliveryQuery,
    DropHold,
    DropItem,
    DropOccupancy,
    DuplicateKey,
    ItemBatchQuery,
    ItemQuery,
    MarkItemOf,
    Mutation,
    Restored,
    SaveAnswer,
    SaveDelivery,
    SaveHold,
    SaveItem,
    SaveItemBatch,
    SaveOccupancy,
    SaveTask,
    SetFact,
    StaleRevision,
    StoreStatistics,
    StoreUnavailable,
    Tally,
    TaskQuery,
)

_ABSENT = object()


class MemoryStore:
    """The Store protocol in dicts. Survives `close` and another `open`, not the object."""

    def __init__(self) -> None:
        self._is_open = False
        self._applied = 0
        self._last_seq = 0
        self._last_event_id = 0
        self._tasks: dict[str, Task] = {}
        self._ids: dict[int, str] = {}
        """Task ids by number of arrival."""
        self._running: dict[str, str] = {}
        """The running task of each robot."""
        self._counts: dict[tuple[str, str, TaskState], int] = {}
        self._events: dict[int, Event] = {}
        self._holds: dict[tuple[str, HoldCode], Hold] = {}
        self._occupancies: dict[str, Occupancy] = {}
        self._answers: dict[tuple[str, str], Answer] = {}
        self._facts: dict[str, JsonObject] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._tallies: dict[tuple[str, int, str], int] = {}
        self._items: dict[str, Item] = {}
        self._items_of: dict[str, str] = {}
        """The item that a task has made, by task."""
        self._item_batches: dict[str, ItemBatch] = {}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        """Table, key and former value of every change of the call under way, latest last."""

    async def open(self, *, finished: int) -> Restored:
        self._is_open = True
        ended = sorted(
            (
                task
                for task in self._tasks.values()
                if task.state.final and task.ended_at_ms is not None
            ),
            key=lambda task: (task.ended_at_ms, task.seq),
        )
        return Restored(
            unfinished=sorted(
                (task for task in self._tasks.values() if not task.state.final),
                key=lambda task: task.seq,
            ),
            finished=ended[max(0, len(ended) - finished) :],
            counts={key: tasks for key, tasks in self._counts.items() if tasks},
            holds=sorted(
                self._holds.values(), key=lambda hold: (hold.since_ms, hold.robot, hold.code)
            ),
            occupancies=sorted(self._occupancies.values(), key=lambda held: held.resource),
            facts=dict(self._facts),
            deliveries=[
                delivery
                for delivery in sorted(self._deliveries.values(), key=_age)
                if delivery.state is DeliveryState.PENDING
            ],
            last_seq=self._last_seq,
            last_event_id=self._last_event_id,
        )

    async def apply(
        self, mutations: Sequence[Mutation], committed: Committed | None = None
    ) -> Sequence[Event]:
        self._check_open()
        last_seq, last_event_id = self._last_seq, self._last_event_id
        try:
            appended = [event for mutation in mutations if (event := self._write(mutation))]
        except (StaleRevision, DuplicateKey):
            for table, key, former in reversed(self._undo):
                if former is _ABSENT:
                    del table[key]
                else:
                    table[key] = former
            self._last_seq, self._last_event_id = last_seq, last_event_id
            raise
        finally:
            self._undo.clear()
        self._applied += 1
        if committed is not None:
            committed(appended)
        return appended

    async def get(self, task_id: str) -> Task | None:
        return self._tasks.get(task_id)

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        newest_first = (self._tasks[self._ids[seq]] for seq in sorted(self._ids, reverse=True))
        return [task for task in newest_first if _matches(task, query)][: query.limit]

    async def events_since(
        self,
        event_id: int,
        *,
        limit: int,
        task_id: str | None = None,
        api: str | None = None,
    ) -> Sequence[Event]:
        return [
            event
            for event in self._events.values()
            if event.id > event_id and task_id in (None, event.task_id) and api in (None, event.api)
        ][:limit]

    async def answer(self, scope: str, key: str) -> Answer | None:
        return self._answers.get((scope, key))

    async def deliveries(self, query: DeliveryQuery) -> Sequence[Delivery]:
        return [
            delivery
            for delivery in sorted(self._deliveries.values(), key=_age, reverse=True)
            if query.state in (None, delivery.state)
            and query.task_id in (None, delivery.task_id)
            and (query.before is None or _age(delivery) < query.before)
        ][: query.limit]

    async def tallies(self, api: str, *, from_ms: int, to_ms: int) -> Sequence[Tally]:
        return [
            Tally(api=of_api, hour_ms=hour_ms, name=name, value=value)
            for (of_api, hour_ms, name), value in sorted(self._tallies.items())
            if of_api == api and from_ms <= hour_ms <= to_ms
        ]

    async def jobs(self, query: JobQuery) -> tuple[Sequence[Task], int]:
        return listed_jobs(self._tasks.values(), query)

    async def items(self, query: ItemQuery) -> tuple[Sequence[Item], int]:
        return listed(self._items.values(), query)

    async def item_batches(self, query: ItemBatchQuery) -> tuple[Sequence[ItemBatch], int]:
        return listed_batches(self._item_batches.values(), query)

    async def prune(
        self, *, tasks_before_ms: int, events_before_ms: int, answers_before_ms: int, limit: int
    ) -> int:
        self._check_open()
        tasks = [
            (task.ended_at_ms, task)
            for task in self._tasks.values()
            if task.state.final
            and task.ended_at_ms is not None
            and task.ended_at_ms < tasks_before_ms
            and not task.outcome_unknown
        ]
        events = [
            (event.at_ms, event)
            for event in self._events.values()
            if event.at_ms < events_before_ms
        ]
        answers = [
            (answer.at_ms, answer)
            for answer in self._answers.values()
            if answer.at_ms < answers_before_ms
        ]
        deliveries = [
            (delivery.created_at_ms, delivery)
            for delivery in self._deliveries.values()
            if delivery.created_at_ms < tasks_before_ms
            and delivery.state is not DeliveryState.PENDING
        ]
        tallies = [(key[1], key) for key in self._tallies if 0 < key[1] < events_before_ms]
        items = [
            (item.updated_at_ms, item)
            for item in self._items.values()
            if item.updated_at_ms < tasks_before_ms
            and item.task_id is not None
            and item.status is ItemStatus.COMPLETED
        ]
        for old in (tasks, events, answers, deliveries, tallies, items):
            old.sort(key=lambda row: row[0])
            del old[limit:]
        for _, task in tasks:
            del self._tasks[task.id], self._ids[task.seq]
        for _, event in events:
            del self._events[event.id]
        for _, answer in answers:
            del self._answers[answer.scope, answer.key]
        for _, delivery in deliveries:
            del self._deliveries[delivery.id]
        for _, key in tallies:
            del self._tallies[key]
        for _, item in items:
            del self._items[item.id], self._items_of[item.task_id or ""]
        return len(tasks) + len(events) + len(answers) + len(deliveries) + len(tallies) + len(items)

    async def probe(self) -> None:
        self._check_open()

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
        self._is_open = False

    def _check_open(self) -> None:
        if not self._is_open:
            raise StoreUnavailable("the store is not open")

    def _write(self, mutation: Mutation) -> Event | None:
        match mutation:
            case SaveTask(task, before):
                self._save_task(task, before)
            case AppendEvent(event):
                self._last_event_id += 1
                numbered = msgspec.structs.replace(event, id=self._last_event_id)
                self._put(self._events, numbered.id, numbered)
                return numbered
            case SaveAnswer(answer):
                if (answer.scope, answer.key) in self._answers:
                    raise DuplicateKey(answer.key)
                self._put(self._answers, (answer.scope, answer.key), answer)
            case SaveItem() | DropItem() | SaveItemBatch() | MarkItemOf():
                self._write_item(mutation)
            case _:
                self._write_row(mutation)
        return None

    def _write_row(
        self,
        mutation: SaveHold
        | DropHold
        | SaveOccupancy
        | DropOccupancy
        | SaveDelivery
        | SetFact
        | AddToTally,
    ) -> None:
        match mutation:
            case SaveHold(hold):
                self._put(self._holds, (hold.robot, hold.code), hold)
            case DropHold(robot, code):
                self._drop(self._holds, (robot, code))
            case SaveOccupancy(occupancy):
                self._put(self._occupancies, occupancy.resource, occupancy)
            case DropOccupancy(resource):
                self._drop(self._occupancies, resource)
            case SaveDelivery(delivery):
                self._put(self._deliveries, delivery.id, delivery)
            case SetFact(name, None):
                self._drop(self._facts, name)
            case SetFact(name, value):
                self._put(self._facts, name, value)
            case AddToTally(tally):
                key = (tally.api, tally.hour_ms, tally.name)
                self._put(self._tallies, key, self._tallies.get(key, 0) + tally.value)

    def _write_item(self, mutation: SaveItem | DropItem | SaveItemBatch | MarkItemOf) -> None:
        match mutation:
            case SaveItem(item):
                self._check_item(item.id, item.revision - 1)
                if item.task_id is not None:
                    if self._items_of.get(item.task_id, item.id) != item.id:
                        raise StaleRevision(item.id)
                    self._put(self._items_of, item.task_id, item.id)
                self._put(self._items, item.id, item)
            case DropItem(item_id, revision):
                self._check_item(item_id, revision)
                self._drop_item(self._items[item_id])
            case SaveItemBatch(batch):
                if batch.id in self._item_batches:
                    raise StaleRevision(batch.id)
                self._put(self._item_batches, batch.id, batch)
            case MarkItemOf(task_id, status, at_ms):
                self._mark_item(self._items_of.get(task_id), status, at_ms)

    def _check_item(self, item_id: str, revision: int) -> None:
        known = self._items.get(item_id)
        if (known.revision if known is not None else 0) != revision:
            raise StaleRevision(item_id)

    def _drop_item(self, item: Item) -> None:
        self._drop(self._items, item.id)
        self._drop(self._items_of, item.task_id)

    def _mark_item(self, item_id: str | None, status: ItemStatus | None, at_ms: int) -> None:
        item = self._items[item_id] if item_id is not None else None
        if item is None or item.status in (status, ItemStatus.COMPLETED):
            return
        if status is None:
            self._drop_item(item)
            return
        marked = replace(
            item,
            status=status,
            updated_at_ms=at_ms,
            completed_at_ms=at_ms if status is ItemStatus.COMPLETED else None,
            revision=item.revision + 1,
        )
        self._put(self._items, item.id, marked)

    def _save_task(self, task: Task, before: TaskState | None) -> None:
        known = self._tasks.get(task.id)
        found = (
            (known.revision, known.state, known.seq) if known is not None else (0, None, task.seq)
        )
        if found != (task.revision - 1, before, task.seq):
            raise StaleRevision(task.id)
        if self._ids.get(task.seq, task.id) != task.id:
            raise StaleRevision(task.id)
        if known is not None and _runs_on_robot(known):
            self._drop(self._running, known.queue)
        if _runs_on_robot(task):
            if task.queue in self._running:
                raise StaleRevision(task.id)
            self._put(self._running, task.queue, task.id)
        self._put(self._tasks, task.id, task)
        self._put(self._ids, task.seq, task.id)
        self._last_seq = max(self._last_seq, task.seq)
        if before is not None:
            self._count(task, before, -1)
        self._count(task, task.state, 1)

    def _count(self, task: Task, state: TaskState, by: int) -> None:
        key = (task.api, task.queue, state)
        self._put(self._counts, key, self._counts.get(key, 0) + by)

    def _put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    def _drop(self, table: dict[Any, Any], key: Any) -> None:
        if key in table:
            self._undo.append((table, key, table.pop(key)))


def _runs_on_robot(task: Task) -> bool:
    return task.state is TaskState.RUNNING and task.api == "robot"


def _age(delivery: Delivery) -> tuple[int, str, str]:
    return (delivery.created_at_ms, delivery.task_id, delivery.receiver)


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
