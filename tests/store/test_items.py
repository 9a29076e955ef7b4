"""What every store keeps of the checklist."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotq.model.item import Item, ItemIds, ItemPriority, ItemStatus
from robotq.store.memory import MemoryStore
from robotq.store.port import (
    DropItem,
    ItemBatchQuery,
    ItemOrder,
    ItemQuery,
    MarkItemOf,
    SaveItem,
    SaveItemBatch,
    StaleRevision,
    Store,
)
from tests.slices import examples

from .conftest import Shelf
from .records import ITEM_BATCH, NOON_MS, checklist, item

FULL, BARE, OF_TASK = (m.item for m in checklist() if isinstance(m, SaveItem))


async def ids(store: Store, **query: Any) -> list[str]:
    found, _ = await store.items(ItemQuery(**query))
    return [item.id for item in found]


async def test_items__come_back_as_they_were_written(shelf: Shelf) -> None:
    await shelf.store.apply(checklist())
    await shelf.reopen()
    assert await shelf.store.items(ItemQuery()) == ([FULL, BARE, OF_TASK], 3)
    assert await shelf.store.item_batches(ItemBatchQuery()) == ([ITEM_BATCH], 1)


_ASKED: list[tuple[dict[str, Any], list[Item]]] = [
    ({"ids": [BARE.id, FULL.id, "nobody"]}, [FULL, BARE]),
    ({"ids": []}, []),
    ({"batch_ids": [ITEM_BATCH.id]}, [FULL]),
    ({"batch_ids": []}, []),
    ({"status": ItemStatus.IN_PROGRESS}, [OF_TASK]),
    ({"session_id": FULL.session_id}, [FULL]),
    ({"session_id": FULL.session_id, "status": ItemStatus.PENDING}, []),
    ({"task_id": OF_TASK.task_id}, [OF_TASK]),
    ({"order": ItemOrder.UPDATED, "descending": True}, [OF_TASK, BARE, FULL]),
    ({"order": ItemOrder.STATUS}, [BARE, OF_TASK, FULL]),
    ({"order": ItemOrder.DUE}, [FULL, BARE, OF_TASK]),
    ({"order": ItemOrder.DUE, "descending": True}, [FULL, BARE, OF_TASK]),
    ({"limit": 2, "offset": 1}, [BARE, OF_TASK]),
    ({"limit": 2, "offset": 7}, []),
    ({"limit": 10, "offset": 2**62}, []),
]


async def test_items__are_found_by_what_is_asked(store: Store) -> None:
    await store.apply(checklist())
    for query, expected in _ASKED:
        assert await ids(store, **query) == [item.id for item in expected], query


async def test_items__a_page_knows_how_many_there_are_in_all(store: Store) -> None:
    await store.apply(checklist())
    found, total = await store.items(ItemQuery(limit=1))
    assert (len(found), total) == (1, 3)


async def test_items__a_revision_that_is_not_the_latest_changes_nothing(store: Store) -> None:
    await store.apply(checklist())
    newer = replace(BARE, title="new", revision=2)
    await store.apply([SaveItem(newer)])
    for stale in (
        SaveItem(replace(BARE, title="stale", revision=2)),
        SaveItem(replace(BARE, title="from nowhere", revision=9)),
        SaveItem(BARE),
        SaveItem(replace(item(9), revision=2)),
        SaveItem(item(9, task_id=OF_TASK.task_id)),
        DropItem(BARE.id, 1),
        DropItem("nobody", 1),
        SaveItemBatch(ITEM_BATCH),
    ):
        with pytest.raises(StaleRevision):
            await store.apply([SaveItem(item(8)), stale])
    assert await store.items(ItemQuery()) == ([FULL, newer, OF_TASK], 3)


async def test_items__that_are_dropped_are_gone(shelf: Shelf) -> None:
    await shelf.store.apply(checklist())
    await shelf.store.apply([DropItem(FULL.id, 1), DropItem(OF_TASK.id, 1)])
    await shelf.reopen()
    assert await ids(shelf.store) == [BARE.id]
    assert OF_TASK.task_id is not None
    await shelf.store.apply([SaveItem(item(5, task_id=OF_TASK.task_id))])


@pytest.mark.parametrize("status", [ItemStatus.PENDING, ItemStatus.COMPLETED])
async def test_item_of_a_task__follows_it(store: Store, status: ItemStatus) -> None:
    await store.apply(checklist())
    assert OF_TASK.task_id is not None
    await store.apply([MarkItemOf(OF_TASK.task_id, status, NOON_MS + 99)])
    marked, _ = await store.items(ItemQuery(task_id=OF_TASK.task_id))
    completed = status is ItemStatus.COMPLETED
    assert marked == [
        replace(
            OF_TASK,
            status=status,
            updated_at_ms=NOON_MS + 99,
            completed_at_ms=NOON_MS + 99 if completed else None,
            revision=2,
        )
    ]


async def test_item_of_a_task__stays_as_it_is_once_it_is_completed(store: Store) -> None:
    await store.apply(checklist())
    assert OF_TASK.task_id is not None
    await store.apply([MarkItemOf(OF_TASK.task_id, ItemStatus.COMPLETED, NOON_MS + 99)])
    completed = await store.items(ItemQuery(task_id=OF_TASK.task_id))
    for status in (None, ItemStatus.PENDING, ItemStatus.COMPLETED):
        await store.apply([MarkItemOf(OF_TASK.task_id, status, NOON_MS + 100)])
    await store.apply([MarkItemOf("no such task", None, 0)])
    assert await store.items(ItemQuery(task_id=OF_TASK.task_id)) == completed


async def test_item_of_a_task__goes_when_nobody_has_to_do_it(store: Store) -> None:
    await store.apply(checklist())
    assert OF_TASK.task_id is not None
    await store.apply([MarkItemOf(OF_TASK.task_id, None, NOON_MS)])
    assert await ids(store) == [FULL.id, BARE.id]


async def test_prune__takes_only_what_tasks_have_made_and_people_have_done(store: Store) -> None:
    done = item(4, status=ItemStatus.COMPLETED, task_id="task_4", completed_at_ms=NOON_MS)
    young = item(60, status=ItemStatus.COMPLETED, task_id="task_5", completed_at_ms=NOON_MS)
    await store.apply([*checklist(), SaveItem(done), SaveItem(young)])
    removed = await store.prune(
        tasks_before_ms=NOON_MS + 10_000, events_before_ms=0, answers_before_ms=0, limit=10
    )
    assert removed == 1
    assert await ids(store) == [FULL.id, BARE.id, OF_TASK.id, young.id]


async def test_batches__are_listed_newest_first(store: Store) -> None:
    batches = [
        replace(ITEM_BATCH, id=f"b{number}", created_at_ms=NOON_MS + number // 2)
        for number in range(5)
    ]
    other = replace(ITEM_BATCH, id="other", session_id=None)
    await store.apply([SaveItemBatch(batch) for batch in (*batches, other)])
    found, total = await store.item_batches(
        ItemBatchQuery(session_id=ITEM_BATCH.session_id, limit=2, offset=1)
    )
    assert ([batch.id for batch in found], total) == (["b3", "b2"], 5)
    found, total = await store.item_batches(ItemBatchQuery(batch_id="other"))
    assert (found, total) == ([other], 1)


some_items = st.lists(
    st.builds(
        item,
        st.integers(1, 60),
        priority=st.none() | st.sampled_from(ItemPriority),
        status=st.sampled_from(ItemStatus),
        due_date_ms=st.none() | st.integers(NOON_MS, NOON_MS + 3),
        updated_at_ms=st.integers(NOON_MS, NOON_MS + 3),
        session_id=st.none() | st.sampled_from("ab"),
        batch_id=st.none() | st.sampled_from("cd"),
    ),
    unique_by=lambda item: item.id,
)
some_queries = st.builds(
    ItemQuery,
    status=st.none() | st.sampled_from(ItemStatus),
    session_id=st.none() | st.sampled_from("ab"),
    batch_ids=st.none() | st.lists(st.sampled_from("cde"), max_size=2),
    order=st.sampled_from(ItemOrder),
    descending=st.booleans(),
    offset=st.integers(0, 5),
    limit=st.integers(0, 5),
)


@settings(max_examples=examples(15))
@given(items=some_items, queries=st.lists(some_queries, max_size=20))
async def test_items__any_query_finds_what_a_look_through_all_finds(
    items: list[Item], queries: list[ItemQuery]
) -> None:
    store = MemoryStore()
    await store.open(finished=0)
    await store.apply([SaveItem(item) for item in items])
    for query in queries:
        wanted = looked_through(items, query)
        end = None if query.limit is None else query.offset + query.limit
        assert await store.items(query) == (wanted[query.offset : end], len(wanted))


def looked_through(items: list[Item], query: ItemQuery) -> list[Item]:
    found = sorted(
        (
            item
            for item in items
            if query.status in (None, item.status)
            and query.session_id in (None, item.session_id)
            and (query.batch_ids is None or item.batch_id in query.batch_ids)
        ),
        key=lambda item: (item.created_at_ms, item.id),
    )
    # sorting is stable, so each step keeps the order of the one before among equals
    found.sort(key=lambda item: value(item, query.order) or 0, reverse=query.descending)
    found.sort(key=lambda item: value(item, query.order) is None)
    return found


def value(item: Item, order: ItemOrder) -> int | None:
    match order:
        case ItemOrder.UPDATED:
            return item.updated_at_ms
        case ItemOrder.CREATED:
            return item.created_at_ms
        case ItemOrder.DUE:
            return item.due_date_ms
        case ItemOrder.PRIORITY:
            return None if item.priority is None else list(ItemPriority).index(item.priority)
        case ItemOrder.STATUS:
            return list(ItemStatus).index(item.status)


def test_ids__rise_within_a_millisecond_and_when_the_clock_goes_back() -> None:
    new = ItemIds()
    made = [new.next(at_ms) for at_ms in (5, 5, 5, 9, 2, 2, *([9] * 10_000), 10)]
    assert made == sorted(set(made))
    assert all(len(text) == 36 and text[14] == "7" and text[19] in "89ab" for text in made)
