"""How the checklist interface answers: its headers, and items and batches as it shows them."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping, Sequence
from functools import wraps
from typing import Any

from aiohttp import web

from robotq.api.checklist.models import PAGE
from robotq.api.http.call import Call
from robotq.api.http.errors import encoded
from robotq.api.http.routes import JSON_TYPE, Handler
from robotq.api.http.times import iso_time
from robotq.model.item import Item, ItemBatch
from robotq.wire import checklist as wire

_BEGAN = web.RequestKey("checklist_began", float)
_REQUEST_ID = web.RequestKey("checklist_request_id", str)
_GOOD_ID = re.compile(r"[\x20-\x7e]{1,200}")


def carrying(handler: Handler) -> Handler:
    """The handler, with the headers that every answer carries."""

    @wraps(handler)
    async def answered(call: Call) -> web.StreamResponse:
        call.request[_BEGAN] = time.perf_counter()
        response = await handler(call)
        response.headers.update(own_headers(call))
        return response

    return answered


def answer(body: Any, status: int = 200) -> web.Response:
    return encoded_answer(encoded(body), status)


def encoded_answer(body: bytes, status: int = 200) -> web.Response:
    """The same for what is JSON already."""
    return web.Response(body=body, status=status, content_type=JSON_TYPE)


def redirect(call: Call, location: str) -> web.Response:
    return web.Response(status=307, headers={**own_headers(call), "Location": location})


def own_headers(call: Call) -> Mapping[str, str]:
    now = time.perf_counter()
    # what was refused before its handler was reached took no time worth telling
    seconds = now - call.request.get(_BEGAN, now)
    return {"X-Request-ID": request_id(call), "X-Process-Time": f"{seconds:.3f}"}


def request_id(call: Call) -> str:
    """The client's own where it sent one."""
    request = call.request
    if _REQUEST_ID not in request:
        given = request.headers.get("X-Request-ID", "")
        request[_REQUEST_ID] = given if _GOOD_ID.fullmatch(given) else str(uuid.uuid4())
    return request[_REQUEST_ID]


def item_view(item: Item) -> wire.Task:
    return wire.Task(
        id=item.id,
        session_id=item.session_id,
        batch_id=item.batch_id,
        title=item.title,
        description=item.description,
        status=item.status,
        priority=item.priority,
        due_date=iso_time(item.due_date_ms),
        completed_at=iso_time(item.completed_at_ms),
        created_at=str(iso_time(item.created_at_ms)),
        updated_at=str(iso_time(item.updated_at_ms)),
        robot_task_id=item.task_id or "",
    )


def batch_view(batch: ItemBatch, items: Sequence[Item]) -> wire.Batch:
    """`items`: those that it still has."""
    return wire.Batch(
        id=batch.id,
        session_id=batch.session_id,
        reason=batch.reason,
        created_at=str(iso_time(batch.created_at_ms)),
        tasks=tuple(item_view(item) for item in items),
    )


def page_of(total: int, page: int) -> dict[str, Any]:
    """Which page it is of how many."""
    pages = -(-total // PAGE)
    return {
        "total": total,
        "page": page,
        "limit": PAGE,
        "total_pages": pages,
        "has_next": page < pages,
        "has_prev": page > 1,
    }
