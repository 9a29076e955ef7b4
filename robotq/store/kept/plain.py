"""Which statement writes what is no task, and with which parameters: the same in every store."""

from __future__ import annotations

from typing import TypeAlias

from robotq.store.kept import rows, state_rows
from robotq.store.kept.state_rows import item_to_row
from robotq.store.mutations import (
    DropAnswer,
    DropHold,
    DropItem,
    DropOccupancy,
    MarkItemOf,
    SaveDelivery,
    SaveHold,
    SaveItem,
    SaveItemBatch,
    SaveOccupancy,
    SetFact,
)

Plain: TypeAlias = (
    SaveHold
    | DropHold
    | SaveOccupancy
    | DropOccupancy
    | SaveDelivery
    | SetFact
    | DropAnswer
    | SaveItem
    | DropItem
    | SaveItemBatch
    | MarkItemOf
)

MUST_CHANGE = frozenset({"insert_item", "update_item", "drop_item"})
"""Statements that say that a row is there: where they change none, somebody else was first."""


def plain(mutation: Plain) -> tuple[str, rows.Row]:
    """Its name in `write.sql`, and its parameters."""
    match mutation:
        case SaveHold(hold):
            return "save_hold", state_rows.hold_to_row(hold)
        case DropHold(robot, code):
            return "drop_hold", (robot, code.value)
        case SaveOccupancy(occupancy):
            return "save_occupancy", state_rows.occupancy_to_row(occupancy)
        case DropOccupancy(resource):
            return "drop_occupancy", (resource,)
        case SaveDelivery(delivery):
            return "save_delivery", state_rows.delivery_to_row(delivery)
        case SetFact(name, None):
            return "forget_fact", (name,)
        case SetFact(name, value):
            return "set_fact", (name, rows.json_text(value))
        case DropAnswer(answer):
            given = (answer.scope, answer.key, answer.fingerprint, answer.at_ms)
            return "drop_answer", given
        case _:
            return _of_the_checklist(mutation)


def _of_the_checklist(
    mutation: SaveItem | DropItem | SaveItemBatch | MarkItemOf,
) -> tuple[str, rows.Row]:
    match mutation:
        case SaveItem(item) if item.revision == 1:
            return "insert_item", item_to_row(item)
        case SaveItem(item):
            return "update_item", (*item_to_row(item), item.revision - 1)
        case DropItem(item_id, revision):
            return "drop_item", (item_id, revision)
        case SaveItemBatch(batch):
            made = (batch.id, batch.session_id, batch.reason, batch.created_at_ms)
            return "insert_item_batch", made
        case MarkItemOf(task_id, None):
            return "drop_item_of", (task_id,)
        case MarkItemOf(task_id, status, at_ms):
            assert status is not None
            return "mark_item_of", (status.value, at_ms, task_id)
