"""The checklist of the memory store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from robotq.model.item import Item, ItemBatch, ItemPriority, ItemStatus
from robotq.store.memory.tables import Undo, oldest
from robotq.store.port import (
    DropItem,
    ItemBatchQuery,
    ItemOrder,
    ItemQuery,
    MarkItemOf,
    SaveItem,
    SaveItemBatch,
    StaleRevision,
)

_PRIORITIES = tuple(ItemPriority)
_STATUSES = tuple(ItemStatus)


class MemoryItems:
    """Items, which of them each task has made, and the batches they came in."""

    def __init__(self, undo: Undo) -> None:
        self._undo = undo
        self._items: dict[str, Item] = {}
        self._of_tasks: dict[str, str] = {}
        """The item that a task has made, by task."""
        self._batches: dict[str, ItemBatch] = {}

    def listed(self, query: ItemQuery) -> tuple[Sequence[Item], int]:
        """See `Store.items`."""
        found = sorted(
            (item for item in self._items.values() if _matches(item, query)),
            key=lambda item: (item.created_at_ms, item.id),
        )
        # sorting is stable, so each step keeps the order of the one before among equals
        found.sort(key=lambda item: _value(item, query.order) or 0, reverse=query.descending)
        found.sort(key=lambda item: _value(item, query.order) is None)
        if query.limit is None:
            return found, len(found)
        return found[query.offset : query.offset + query.limit], len(found)

    def batches(self, query: ItemBatchQuery) -> tuple[Sequence[ItemBatch], int]:
        """See `Store.item_batches`."""
        found = sorted(
            (
                batch
                for batch in self._batches.values()
                if query.batch_id in (None, batch.id)
                and query.session_id in (None, batch.session_id)
            ),
            key=lambda batch: (batch.created_at_ms, batch.id),
            reverse=True,
        )
        return found[query.offset : query.offset + query.limit], len(found)

    def write(self, mutation: SaveItem | DropItem | SaveItemBatch | MarkItemOf) -> None:
        """See there. Raises StaleRevision."""
        match mutation:
            case SaveItem(item):
                self._check(item.id, item.revision - 1)
                if item.task_id is not None:
                    if self._of_tasks.get(item.task_id, item.id) != item.id:
                        raise StaleRevision(item.id)
                    self._undo.put(self._of_tasks, item.task_id, item.id)
                self._undo.put(self._items, item.id, item)
            case DropItem(item_id, revision):
                self._check(item_id, revision)
                self._drop(self._items[item_id])
            case SaveItemBatch(batch):
                if batch.id in self._batches:
                    raise StaleRevision(batch.id)
                self._undo.put(self._batches, batch.id, batch)
            case MarkItemOf(task_id, status, at_ms):
                self._mark(self._of_tasks.get(task_id), status, at_ms)

    def prune(self, before_ms: int, limit: int) -> int:
        """Forget the items of tasks that were completed before a time; how many those were."""
        old = oldest(
            (
                (item.updated_at_ms, item)
                for item in self._items.values()
                if item.task_id is not None and item.status is ItemStatus.COMPLETED
            ),
            before_ms,
            limit,
        )
        for item in old:
            del self._items[item.id], self._of_tasks[item.task_id or ""]
        return len(old)

    def _check(self, item_id: str, revision: int) -> None:
        known = self._items.get(item_id)
        if (known.revision if known is not None else 0) != revision:
            raise StaleRevision(item_id)

    def _drop(self, item: Item) -> None:
        self._undo.drop(self._items, item.id)
        self._undo.drop(self._of_tasks, item.task_id)

    def _mark(self, item_id: str | None, status: ItemStatus | None, at_ms: int) -> None:
        item = self._items[item_id] if item_id is not None else None
        if item is None or item.status in (status, ItemStatus.COMPLETED):
            return
        if status is None:
            self._drop(item)
            return
        marked = replace(
            item,
            status=status,
            updated_at_ms=at_ms,
            completed_at_ms=at_ms if status is ItemStatus.COMPLETED else None,
            revision=item.revision + 1,
        )
        self._undo.put(self._items, item.id, marked)


def _matches(item: Item, query: ItemQuery) -> bool:
    return (
        (query.ids is None or item.id in query.ids)
        and (query.batch_ids is None or item.batch_id in query.batch_ids)
        and query.status in (None, item.status)
        and query.session_id in (None, item.session_id)
        and query.task_id in (None, item.task_id)
    )


def _value(item: Item, order: ItemOrder) -> int | None:
    match order:
        case ItemOrder.UPDATED:
            return item.updated_at_ms
        case ItemOrder.CREATED:
            return item.created_at_ms
        case ItemOrder.DUE:
            return item.due_date_ms
        case ItemOrder.PRIORITY:
            return None if item.priority is None else _PRIORITIES.index(item.priority)
        case ItemOrder.STATUS:
            return _STATUSES.index(item.status)
