"""What the memory store lists of the checklist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from robotq.model.item import Item, ItemBatch, ItemPriority, ItemStatus
from robotq.store.port import ItemBatchQuery, ItemOrder, ItemQuery

_PRIORITIES = tuple(ItemPriority)
_STATUSES = tuple(ItemStatus)


def listed(items: Iterable[Item], query: ItemQuery) -> tuple[Sequence[Item], int]:
    """See `Store.items`."""
    found = sorted(
        (item for item in items if _matches(item, query)),
        key=lambda item: (item.created_at_ms, item.id),
    )
    # sorting is stable, so each step keeps the order of the one before among equals
    found.sort(key=lambda item: _value(item, query.order) or 0, reverse=query.descending)
    found.sort(key=lambda item: _value(item, query.order) is None)
    if query.limit is None:
        return found, len(found)
    return found[query.offset : query.offset + query.limit], len(found)


def listed_batches(
    batches: Iterable[ItemBatch], query: ItemBatchQuery
) -> tuple[Sequence[ItemBatch], int]:
    """See `Store.item_batches`."""
    found = sorted(
        (
            batch
            for batch in batches
            if query.batch_id in (None, batch.id) and query.session_id in (None, batch.session_id)
        ),
        key=lambda batch: (batch.created_at_ms, batch.id),
        reverse=True,
    )
    return found[query.offset : query.offset + query.limit], len(found)


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
