"""The endpoints of the checklist interface."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from robotq.api.access.scopes import Scope, allows
from robotq.api.checklist.answers import answer, batch_view, encoded_answer, item_view, page_of
from robotq.api.checklist.errors import invalid, validated
from robotq.api.checklist.models import (
    PAGE,
    BatchCreate,
    BatchesQuery,
    BulkDelete,
    BulkUpdate,
    LatestQuery,
    TaskCreate,
    TasksQuery,
    TaskUpdate,
)
from robotq.api.http.call import Call
from robotq.api.http.errors import encoded
from robotq.engine.checklist.events import API
from robotq.engine.intake.idempotency import KeyedRequest
from robotq.model.errors import RobotqError
from robotq.model.item import Item, ItemBatch, ItemChange, NewItem
from robotq.model.version import __version__
from robotq.store.port import ItemBatchQuery, ItemQuery
from robotq.wire import checklist as wire

_UUID = TypeAdapter(UUID)

_FAR = 2**62
"""As far as a page can be; nothing is there."""


async def create(call: Call) -> web.StreamResponse:
    given = await call.json()
    body = validated(TaskCreate, given, "body")
    item = await call.engine.checklist.create(
        _new(body), actor=call.actor, keyed=_keyed(call, given)
    )
    return answer(item_view(item), 201)


async def list_tasks(call: Call) -> web.StreamResponse:
    query = validated(TasksQuery, dict(call.request.query), "query")
    items, total = await call.engine.checklist.items(
        ItemQuery(
            status=query.status,
            session_id=_text(query.session_id),
            batch_ids=None if query.batch_id is None else [str(query.batch_id)],
            order=query.sort_by,
            descending=query.order == "desc",
            offset=min((query.page - 1) * PAGE, _FAR),
            limit=PAGE,
        )
    )
    return answer(
        wire.TaskPage(items=tuple(item_view(item) for item in items), **page_of(total, query.page))
    )


async def get_task(call: Call) -> web.StreamResponse:
    return answer(item_view(await call.engine.checklist.item(_id(call, "task_id"))))


async def update(call: Call) -> web.StreamResponse:
    item_id = _id(call, "task_id")
    body = validated(TaskUpdate, await call.json(), "body")
    changed = await _update(call, [_change(item_id, body)])
    if not changed:
        raise RobotqError("item_not_found", item_id=item_id)
    return answer(item_view(changed[0]))


async def delete(call: Call) -> web.StreamResponse:
    item_id = _id(call, "task_id")
    if not await call.engine.checklist.delete([item_id], actor=call.actor):
        raise RobotqError("item_not_found", item_id=item_id)
    return web.Response(status=204)


async def bulk_update(call: Call) -> web.StreamResponse:
    body = validated(BulkUpdate, await call.json(), "body")
    changes = [_change(str(task.id), task) for task in body.tasks]
    changed = await _update(call, changes)
    return answer(wire.Updated(updated=tuple(item_view(item) for item in changed)))


async def bulk_delete(call: Call) -> web.StreamResponse:
    body = validated(BulkDelete, await call.json(), "body")
    ids = list(dict.fromkeys(map(str, body.ids)))
    deleted = await call.engine.checklist.delete(ids, actor=call.actor)
    return answer(wire.Deleted(deleted_count=deleted))


async def create_batch(call: Call) -> web.StreamResponse:
    given = await call.json()
    body = validated(BatchCreate, given, "body")
    batch, items = await call.engine.checklist.create_batch(
        [_new(task) for task in body.tasks],
        session_id=_text(body.session_id),
        reason=body.reason,
        actor=call.actor,
        keyed=_keyed(call, given),
    )
    return answer(batch_view(batch, items), 201)


async def list_batches(call: Call) -> web.StreamResponse:
    query = validated(BatchesQuery, dict(call.request.query), "query")
    batches, total = await call.engine.checklist.batches(
        ItemBatchQuery(
            session_id=_text(query.session_id),
            offset=min((query.page - 1) * PAGE, _FAR),
            limit=PAGE,
        )
    )
    items = await _items_of(call, batches)

    def whole() -> bytes:
        views = tuple(
            batch_view(batch, [item for item in items if item.batch_id == batch.id])
            for batch in batches
        )
        return encoded(wire.BatchPage(items=views, **page_of(total, query.page)))

    # ten batches of a thousand items are more than the loop should do in one go
    return encoded_answer(await asyncio.to_thread(whole))


async def latest_batch(call: Call) -> web.StreamResponse:
    query = validated(LatestQuery, dict(call.request.query), "query")
    batches, _ = await call.engine.checklist.batches(
        ItemBatchQuery(session_id=_text(query.session_id), limit=1)
    )
    if not batches:
        return answer(None)
    return answer(batch_view(batches[0], await _items_of(call, batches)))


async def get_batch(call: Call) -> web.StreamResponse:
    batch = await call.engine.checklist.batch(_id(call, "batch_id"))
    return answer(batch_view(batch, await _items_of(call, [batch])))


async def health(call: Call) -> web.StreamResponse:
    """Always 200: it says how the daemon is, and not whether it is."""
    well = call.engine.store_available
    word = "healthy" if well else "degraded"
    if not allows(call.caller.scopes, Scope.READ):
        return answer(wire.Health(status=word))
    database = "healthy" if well else "unhealthy"
    return answer(wire.Health(status=word, version=__version__, database=database))


def _keyed(call: Call, body: Any) -> KeyedRequest | None:
    return call.keyed(API, [call.request.path.rpartition("/")[2], body])


async def _update(call: Call, changes: Sequence[ItemChange]) -> Sequence[Item]:
    def may_resolve() -> None:
        """To say what became of a step lifts the hold of a robot, here as anywhere."""
        call.require(Scope.CONTROL)
        call.refuse_agents("resolve")

    return await call.engine.checklist.update(changes, actor=call.actor, may_resolve=may_resolve)


async def _items_of(call: Call, batches: Sequence[ItemBatch]) -> Sequence[Item]:
    ids = [batch.id for batch in batches]
    items, _ = await call.engine.checklist.items(ItemQuery(batch_ids=ids))
    return items


def _id(call: Call, name: str) -> str:
    """The UUID in the path. Raises RobotqError bad_parameter."""
    try:
        return str(_UUID.validate_python(call.path(name)))
    except ValidationError as error:
        raise invalid(error, "path", name) from error


def _new(body: TaskCreate) -> NewItem:
    return NewItem(
        title=body.title,
        description=body.description,
        status=body.status,
        priority=body.priority,
        due_date_ms=_ms(body.due_date),
        session_id=_text(body.session_id),
    )


def _change(item_id: str, body: TaskUpdate) -> ItemChange:
    return ItemChange(
        item_id=item_id,
        title=body.title,
        description=body.description,
        status=body.status,
        priority=body.priority,
        due_date_ms=_ms(body.due_date),
    )


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _ms(due_date: Any) -> int | None:
    """The model has made milliseconds of it."""
    return None if due_date is None else int(due_date)
