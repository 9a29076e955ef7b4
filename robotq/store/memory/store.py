"""The memory store as the engine sees it, with the tables that are nothing but rows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from robotq.model.delivery import Delivery, DeliveryState
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode, Occupancy
from robotq.model.item import Item, ItemBatch
from robotq.model.json import JsonObject
from robotq.model.task import Task
from robotq.store.job_query import JobQuery, listed_jobs
from robotq.store.memory.items import MemoryItems
from robotq.store.memory.tables import Undo, oldest
from robotq.store.memory.tasks import MemoryTasks
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


class MemoryStore:
    """The Store protocol in dicts. Survives `close` and another `open`, not the object."""

    def __init__(self) -> None:
        self._is_open = False
        self._applied = 0
        self._last_event_id = 0
        self._undo = Undo()
        self._tasks = MemoryTasks(self._undo)
        self._items = MemoryItems(self._undo)
        self._events: dict[int, Event] = {}
        self._holds: dict[tuple[str, HoldCode], Hold] = {}
        self._occupancies: dict[str, Occupancy] = {}
        self._answers: dict[tuple[str, str], Answer] = {}
        self._facts: dict[str, JsonObject] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._tallies: dict[tuple[str, int, str], int] = {}

    async def open(self, *, finished: int) -> Restored:
        self._is_open = True
        return Restored(
            unfinished=self._tasks.unfinished(),
            finished=self._tasks.finished(finished),
            counts=self._tasks.counts(),
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
            last_seq=self._tasks.last_seq,
            last_event_id=self._last_event_id,
        )

    async def apply(
        self, mutations: Sequence[Mutation], committed: Committed | None = None
    ) -> Sequence[Event]:
        self._check_open()
        last_seq, last_event_id = self._tasks.last_seq, self._last_event_id
        try:
            appended = [event for mutation in mutations if (event := self._write(mutation))]
        except (StaleRevision, DuplicateKey):
            self._undo.roll_back()
            self._tasks.last_seq, self._last_event_id = last_seq, last_event_id
            raise
        finally:
            self._undo.forget()
        self._applied += 1
        if committed is not None:
            committed(appended)
        return appended

    async def get(self, task_id: str) -> Task | None:
        return self._tasks.get(task_id)

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        return self._tasks.listed(query)

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
        return listed_jobs(self._tasks.all(), query)

    async def items(self, query: ItemQuery) -> tuple[Sequence[Item], int]:
        return self._items.listed(query)

    async def item_batches(self, query: ItemBatchQuery) -> tuple[Sequence[ItemBatch], int]:
        return self._items.batches(query)

    async def prune(
        self, *, tasks_before_ms: int, events_before_ms: int, answers_before_ms: int, limit: int
    ) -> int:
        self._check_open()
        events = oldest(
            ((event.at_ms, event.id) for event in self._events.values()), events_before_ms, limit
        )
        answers = oldest(
            (
                (answer.at_ms, key)
                for key, answer in self._answers.items()
                if not self._in_use(answer, answers_before_ms)
            ),
            answers_before_ms,
            limit,
        )
        deliveries = oldest(
            (
                (delivery.created_at_ms, delivery.id)
                for delivery in self._deliveries.values()
                if delivery.state is not DeliveryState.PENDING
            ),
            tasks_before_ms,
            limit,
        )
        # hour 0 stands for all time
        tallies = oldest(
            ((key[1], key) for key in self._tallies if key[1] > 0), events_before_ms, limit
        )
        for event_id in events:
            del self._events[event_id]
        for answer_key in answers:
            del self._answers[answer_key]
        for delivery_id in deliveries:
            del self._deliveries[delivery_id]
        for tally_key in tallies:
            del self._tallies[tally_key]
        return (
            self._tasks.prune(tasks_before_ms, limit)
            + self._items.prune(tasks_before_ms, limit)
            + len(events)
            + len(answers)
            + len(deliveries)
            + len(tallies)
        )

    def _in_use(self, answer: Answer, before_ms: int) -> bool:
        """Whether a task of this key is unfinished, or ended at `before_ms` or later."""
        tasks = (self._tasks.get(task_id) for task_id in answer.body.get("task_ids", ()))
        return any(
            task.ended_at_ms is None or task.ended_at_ms >= before_ms
            for task in tasks
            if task is not None
        )

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
                self._tasks.save(task, before)
            case AppendEvent(event):
                self._last_event_id += 1
                numbered = msgspec.structs.replace(event, id=self._last_event_id)
                self._undo.put(self._events, numbered.id, numbered)
                return numbered
            case SaveAnswer(answer):
                if (answer.scope, answer.key) in self._answers:
                    raise DuplicateKey(answer.key)
                self._undo.put(self._answers, (answer.scope, answer.key), answer)
            case SaveItem() | DropItem() | SaveItemBatch() | MarkItemOf():
                self._items.write(mutation)
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
                self._undo.put(self._holds, (hold.robot, hold.code), hold)
            case DropHold(robot, code):
                self._undo.drop(self._holds, (robot, code))
            case SaveOccupancy(occupancy):
                self._undo.put(self._occupancies, occupancy.resource, occupancy)
            case DropOccupancy(resource):
                self._undo.drop(self._occupancies, resource)
            case SaveDelivery(delivery):
                self._undo.put(self._deliveries, delivery.id, delivery)
            case SetFact(name, None):
                self._undo.drop(self._facts, name)
            case SetFact(name, value):
                self._undo.put(self._facts, name, value)
            case AddToTally(tally):
                key = (tally.api, tally.hour_ms, tally.name)
                self._undo.put(self._tallies, key, self._tallies.get(key, 0) + tally.value)


def _age(delivery: Delivery) -> tuple[int, str, str]:
    return (delivery.created_at_ms, delivery.task_id, delivery.receiver)
