"""What the journal says of items."""

from __future__ import annotations

from typing import Any

from robotq.model.event import Event
from robotq.model.item import Item
from robotq.store.port import AppendEvent

API = "checklist"


def item_event(
    what: str, item: Item, actor: str, at_ms: int, *, before: Item | None = None
) -> AppendEvent:
    data: dict[str, Any] = {"item_id": item.id, "title": item.title}
    if item.batch_id is not None:
        data["batch_id"] = item.batch_id
    return AppendEvent(
        Event(
            kind=f"item.{what}",
            at_ms=at_ms,
            actor=actor,
            api=API,
            task_id=item.task_id,
            before=None if before is None else before.status.value,
            after=None if what == "deleted" else item.status.value,
            data=data,
        )
    )
