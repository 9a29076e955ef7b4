"""Items and batches as the checklist interface shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from robotq.api.checklist.models import PAGE
from robotq.api.checklist.times import iso_time
from robotq.model.item import Item, ItemBatch


def item_view(item: Item) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": item.id,
        "session_id": item.session_id,
        "batch_id": item.batch_id,
        "title": item.title,
        "description": item.description,
        "status": item.status,
        "priority": item.priority,
        "due_date": iso_time(item.due_date_ms),
        "completed_at": iso_time(item.completed_at_ms),
        "created_at": iso_time(item.created_at_ms),
        "updated_at": iso_time(item.updated_at_ms),
    }
    if item.task_id is not None:
        view["robot_task_id"] = item.task_id
    return view


def batch_view(batch: ItemBatch, items: Sequence[Item]) -> dict[str, Any]:
    """`items`: those that it still has."""
    return {
        "id": batch.id,
        "session_id": batch.session_id,
        "reason": batch.reason,
        "created_at": iso_time(batch.created_at_ms),
        "tasks": [item_view(item) for item in items],
    }


def page_view(items: list[dict[str, Any]], total: int, page: int) -> dict[str, Any]:
    pages = -(-total // PAGE)
    return {
        "items": items,
        "total": total,
        "page": page,
        "limit": PAGE,
        "total_pages": pages,
        "has_next": page < pages,
        "has_prev": page > 1,
    }
