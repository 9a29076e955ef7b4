"""Numbers that are kept and never counted, in both stores."""

from __future__ import annotations

import pytest

from robotq.store.port import AddToTally, StaleRevision, Store, Tally

from .conftest import Shelf
from .records import pending, submit

HOUR_MS = 3_600_000


def add(name: str, hour: int, value: int, api: str = "task_queue") -> AddToTally:
    return AddToTally(Tally(api=api, name=name, hour_ms=hour * HOUR_MS, value=value))


async def test_tallies__add_up_by_interface_name_and_hour(shelf: Shelf) -> None:
    await shelf.store.apply([add("done", 0, 1), add("done", 1, 1), add("failed", 1, 2)])
    await shelf.store.apply([add("done", 0, 2), add("done", 2, 1), add("done", 1, 9, "other")])
    await shelf.reopen()
    found = await shelf.store.tallies("task_queue", from_ms=HOUR_MS, to_ms=2 * HOUR_MS)
    assert [(t.hour_ms // HOUR_MS, t.name, t.value) for t in found] == [
        (1, "done", 1),
        (1, "failed", 2),
        (2, "done", 1),
    ]
    (total,) = await shelf.store.tallies("task_queue", from_ms=0, to_ms=0)
    assert (total.name, total.value) == ("done", 3)


async def test_tallies__of_a_refused_write_are_not_added(store: Store) -> None:
    task = pending(1)
    await store.apply(submit(task))
    with pytest.raises(StaleRevision):
        await store.apply([add("done", 0, 1), *submit(task)])
    assert await store.tallies("task_queue", from_ms=0, to_ms=0) == []


async def test_prune__removes_old_hours_and_keeps_what_is_over_all_time(store: Store) -> None:
    await store.apply([add("done", hour, 1) for hour in (0, 1, 2, 3)])
    await store.prune(
        tasks_before_ms=0, events_before_ms=3 * HOUR_MS, answers_before_ms=0, limit=10
    )
    found = await store.tallies("task_queue", from_ms=0, to_ms=2**62)
    assert [t.hour_ms // HOUR_MS for t in found] == [0, 3]
