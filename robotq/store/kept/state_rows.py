"""Records of what is known besides tasks and journal, to rows and back: holds, places,
webhooks, facts. A record that is read equals the one that was written."""

from __future__ import annotations

import orjson

from robotq.model.delivery import Delivery, DeliveryState, Problem, Receiver
from robotq.model.hold import Hold, HoldCode, Occupancy
from robotq.model.item import Item, ItemBatch, ItemPriority, ItemStatus
from robotq.model.json import JsonObject
from robotq.store.kept import rows
from robotq.store.kept.rows import Row

DELIVERY_COLUMNS = (
    "task_id, receiver, url, created_at_ms, state, attempts, problem, next_attempt_at_ms, "
    "ended_at_ms"
)

ITEM_COLUMNS = (
    "title, description, status, priority, session_id, batch_id, due_date_ms, completed_at_ms, "
    "created_at_ms, updated_at_ms, task_id, revision, id"
)
_HOLD_ID = "hold_id"
"""Stands among the arguments of a hold's row."""


def hold_to_row(hold: Hold) -> Row:
    return (
        hold.robot,
        hold.code.value,
        hold.since_ms,
        hold.actor,
        hold.task_id,
        rows.json_text({**hold.args, _HOLD_ID: hold.id}),
    )


def hold_from_row(row: Row) -> Hold:
    robot, code, since_ms, actor, task_id, text = row
    args = orjson.loads(text)
    return Hold(
        robot=robot,
        code=HoldCode(code),
        since_ms=since_ms,
        actor=actor,
        task_id=task_id,
        # one that an earlier robotq has written has no id; it is the same at each start
        id=args.pop(_HOLD_ID, f"hold_{since_ms}"),
        args=args,
    )


def occupancy_to_row(occupancy: Occupancy) -> Row:
    return (occupancy.resource, occupancy.robot, occupancy.since_ms, occupancy.task_id)


def occupancy_from_row(row: Row) -> Occupancy:
    resource, robot, since_ms, task_id = row
    return Occupancy(resource=resource, robot=robot, since_ms=since_ms, task_id=task_id)


def delivery_to_row(delivery: Delivery) -> Row:
    problem = delivery.problem
    return (
        delivery.task_id,
        delivery.receiver.value,
        delivery.url,
        delivery.created_at_ms,
        delivery.state.value,
        delivery.attempts,
        None if problem is None else rows.json_text({"code": problem.code, "args": problem.args}),
        delivery.next_attempt_at_ms,
        delivery.ended_at_ms,
    )


def delivery_from_row(row: Row) -> Delivery:
    """The delivery of a row of DELIVERY_COLUMNS."""
    task_id, receiver, url, created_at_ms, state, attempts, problem, next_attempt, ended = row
    return Delivery(
        task_id=task_id,
        receiver=Receiver(receiver),
        url=url,
        created_at_ms=created_at_ms,
        state=DeliveryState(state),
        attempts=attempts,
        problem=None if problem is None else Problem(**orjson.loads(problem)),
        next_attempt_at_ms=next_attempt,
        ended_at_ms=ended,
    )


def fact_from_row(row: Row) -> tuple[str, JsonObject]:
    name, value = row
    return name, orjson.loads(value)


def item_to_row(item: Item) -> Row:
    return (
        item.title,
        item.description,
        item.status.value,
        None if item.priority is None else item.priority.value,
        item.session_id,
        item.batch_id,
        item.due_date_ms,
        item.completed_at_ms,
        item.created_at_ms,
        item.updated_at_ms,
        item.task_id,
        item.revision,
        item.id,
    )


def item_from_row(row: Row) -> Item:
    """The item of a row of COLUMNS."""
    title, description, status, priority, session_id, batch_id, due_date, *rest = row
    completed_at, created_at, updated_at, task_id, revision, item_id = rest
    return Item(
        id=item_id,
        title=title,
        description=description,
        status=ItemStatus(status),
        priority=None if priority is None else ItemPriority(priority),
        session_id=session_id,
        batch_id=batch_id,
        due_date_ms=due_date,
        completed_at_ms=completed_at,
        created_at_ms=created_at,
        updated_at_ms=updated_at,
        task_id=task_id,
        revision=revision,
    )


def batch_from_row(row: Row) -> ItemBatch:
    batch_id, session_id, reason, created_at = row
    return ItemBatch(id=batch_id, session_id=session_id, reason=reason, created_at_ms=created_at)
