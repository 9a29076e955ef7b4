"""What robotq migrate moves: something of each kind, and what a store has of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from robotq.model.delivery import Delivery, DeliveryState, Receiver
from robotq.model.event import Event
from robotq.model.item import Item, ItemBatch
from robotq.model.task import Command, Step, StepState, Task, TaskState, Work
from robotq.model.transitions import Action, transition
from robotq.postgres import Database
from robotq.store.port import (
    AddToTally,
    Answer,
    AppendEvent,
    DeliveryQuery,
    ItemBatchQuery,
    ItemQuery,
    Mutation,
    Restored,
    SaveAnswer,
    SaveDelivery,
    SaveItem,
    SaveItemBatch,
    SaveTask,
    Store,
    Tally,
    TaskQuery,
)
from robotq.store.postgres import PostgresStore
from robotq.store.sqlite.store import SqliteStore

from .records import NOON_MS, change, checklist, claimed, completed, everything, failed, pending

APIS = ("task_queue", "orchestrator", "dispatcher")
SCOPE = "task_queue:anonymous"


class Held(NamedTuple):
    """All of it, without the numbers that only say when something came to this store."""

    tasks: Any
    lines: Any
    """Ids of what waits, in the order in which workers get it."""
    answers: Any
    items: Any
    batches: Any
    deliveries: Any
    tallies: Any
    counts: Any


def of_workers(number: int) -> Iterator[list[Mutation]]:
    """The lives of so many tasks, a commit each."""
    for at in range(1, number + 1):
        api = APIS[at % 3]
        first = pending(
            at + 10,
            id=f"job_{at:06}",
            api=api,
            queue=api,
            command=Command(cmd_type="PRINT", params={"page": at}, extra={"tags": [str(at % 4)]}),
            priority=at % 3,
            work=Work(match=f"group {at % 2}", lease_s=30.0),
        )
        states = [first]
        if at % 4:
            states.append(claimed(first))
        if at % 4 == 1:
            states.append(completed(states[-1]))
        if at % 8 == 2:
            states.append(failed(states[-1], "worker_error"))
        if at % 8 == 3:
            step = Step(name="print", state=StepState.RUNNING, started_at_ms=NOON_MS)
            states.append(transition(states[-1], Action.PROGRESS, fence=1, steps=(step,)))
        yield list(_life(api, at, states))


def _life(api: str, at: int, states: Sequence[Task]) -> Iterator[Mutation]:
    first, last = states[0], states[-1]
    yield SaveTask(first, None)
    for before, after in itertools.pairwise(states):
        yield from change(before, after)
    yield SaveAnswer(
        Answer(
            scope=SCOPE if at % 2 else f"{api}:ann",
            key=f"key {at}",
            fingerprint="ab" * 32,
            body={"task_ids": [first.id], "batch_id": None, "queue_size": 1},
            at_ms=NOON_MS,
        )
    )
    tally = Tally(api=api, name="submitted", hour_ms=NOON_MS + at % 5 * 3_600_000, value=1)
    yield AddToTally(tally)
    if last.state.final and at % 3 == 0:
        yield SaveDelivery(
            Delivery(
                task_id=first.id,
                receiver=Receiver.SITE,
                url="http://127.0.0.1:9/",
                created_at_ms=NOON_MS + at,
                state=DeliveryState.PENDING,
                attempts=0,
                next_attempt_at_ms=NOON_MS,
            )
        )
    yield SaveItem(
        Item(id=f"item {at:06}", title=f"sweep {at}", created_at_ms=at, updated_at_ms=at + 1)
    )
    yield SaveItemBatch(
        ItemBatch(id=f"batch {at:06}", session_id=None, reason="tidy", created_at_ms=at)
    )


async def filled(folder: Path, number: int) -> None:
    """A data folder with robots' tasks, and so many for workers."""
    store = SqliteStore(folder)
    await store.open(finished=0)
    robots = [
        one
        for one in [*everything(), *checklist()]
        if not (isinstance(one, SaveTask) and one.task.api != "robot")
        and not (isinstance(one, AppendEvent) and one.event.api != "robot")
        and not isinstance(one, SaveItemBatch)
        and not (isinstance(one, SaveItem) and one.item.task_id is None)
    ]
    await store.apply(robots)
    gathered: list[Mutation] = []
    for mutations in of_workers(number):
        gathered += mutations
    await store.apply(gathered)
    # retention has removed one, and its count stays
    await store.prune(
        tasks_before_ms=NOON_MS + 12_000, events_before_ms=0, answers_before_ms=0, limit=10
    )
    await store.close()


async def held(store: Store, keys: int) -> Held:
    """What an open store has. `keys`: how many tasks there were."""
    restored = await store.open(finished=0)
    try:
        tasks = [
            task for api in APIS for task in await store.list(TaskQuery(api=api, limit=100_000))
        ]
        answers = [
            await store.answer(scope, f"key {at}")
            for at in range(1, keys + 1, max(1, keys // 100))
            for scope in (SCOPE if at % 2 else f"{APIS[at % 3]}:ann",)
        ]
        items, _ = await store.items(ItemQuery(of_steps=False))
        batches, _ = await store.item_batches(ItemBatchQuery(limit=100_000))
        deliveries = await store.deliveries(DeliveryQuery(limit=100_000))
        tallies = [one for api in APIS for one in await store.tallies(api, from_ms=0, to_ms=2**52)]
    finally:
        await store.close()
    return Held(
        tasks=sorted((replace(one, seq=0, rank=0.0) for one in tasks), key=lambda one: one.id),
        lines=_lines(tasks),
        answers=[None if one is None else msgspec.to_builtins(one) for one in answers],
        items=sorted(items, key=lambda one: one.id),
        batches=sorted(batches, key=lambda one: one.id),
        deliveries=sorted(
            (one for one in deliveries if one.task_id.startswith("job_")),
            key=lambda one: one.task_id,
        ),
        tallies=sorted((one.api, one.hour_ms, one.name, one.value) for one in tallies),
        counts=_counts(restored),
    )


def _counts(restored: Restored) -> dict[Any, int]:
    return {key: n for key, n in restored.counts.items() if key[0] in APIS and n}


def _lines(tasks: Sequence[Task]) -> dict[Any, list[str]]:
    lines: dict[Any, list[Task]] = {}
    for task in tasks:
        if task.state is TaskState.PENDING and task.work is not None:
            lines.setdefault((task.queue, task.work.match), []).append(task)
    return {
        key: [one.id for one in sorted(line, key=lambda one: one.order)]
        for key, line in lines.items()
    }


async def in_folder(folder: Path, keys: int) -> Held:
    return await held(SqliteStore(folder), keys)


async def in_postgres(dsn: str, folder: Path, keys: int) -> Held:
    return await held(PostgresStore(Database(dsn, connections=1), folder), keys)


async def events_of(folder: Path) -> list[Event]:
    store = SqliteStore(folder)
    await store.open(finished=0)
    try:
        return list(await store.events_since(0, limit=100_000))
    finally:
        await store.close()
