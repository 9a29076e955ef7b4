"""Lists of what lies in two stores: the daemon's own, and one that daemons share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec.structs import replace

from robotq.model.item import Item, ItemPriority, ItemStatus
from robotq.store.queries import ItemOrder, ItemQuery

Listing = Callable[[ItemQuery], Awaitable[tuple[Sequence[Item], int]]]

_PRIORITIES = list(ItemPriority)
_STATUSES = list(ItemStatus)

_KEYS: dict[ItemOrder, Callable[[Item], Any]] = {
    ItemOrder.UPDATED: lambda item: item.updated_at_ms,
    ItemOrder.CREATED: lambda item: item.created_at_ms,
    ItemOrder.DUE: lambda item: item.due_date_ms,
    ItemOrder.PRIORITY: lambda item: (
        None if item.priority is None else _PRIORITIES.index(item.priority)
    ),
    ItemOrder.STATUS: lambda item: _STATUSES.index(item.status),
}


async def items_of_both(own: Listing, shared: Listing, query: ItemQuery) -> tuple[list[Item], int]:
    """The page of a list, and how many there are on all pages. `own` are the few that steps of
    this daemon's robots have made: they are read whole."""
    ours, number = await own(replace(query, of_steps=True, offset=0, limit=None))
    if query.ids is not None and len(ours) == len(set(query.ids)):
        # no other store has to be there for the steps of robots
        return in_order(ours, query), number
    if query.limit is None:
        theirs, more = await shared(query)
        return in_order([*ours, *theirs], query), number + more
    # none of those before `passed` can be on the page, wherever the daemon's own come
    passed = max(0, query.offset - number)
    theirs, more = await shared(replace(query, offset=passed, limit=query.limit + number))
    at = query.offset - passed
    return in_order([*ours, *theirs], query)[at : at + query.limit], number + more


def in_order(items: Sequence[Item], query: ItemQuery) -> list[Item]:
    """As `ItemOrder` says."""
    key = _KEYS[query.order]
    by_making = sorted(items, key=lambda item: (item.created_at_ms, item.id))
    known = [item for item in by_making if key(item) is not None]
    known.sort(key=key, reverse=query.descending)
    return known + [item for item in by_making if key(item) is None]
