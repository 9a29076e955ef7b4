"""Every route of the checklist interface, and how it is mounted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from robotq.api.access.scopes import Scope
from robotq.api.checklist import answers, errors, handlers, models
from robotq.api.checklist.description import ABOUT
from robotq.api.http.call import Call
from robotq.api.http.interface import Contents
from robotq.api.http.routes import IDEMPOTENCY_KEY, RequestHeader, Route
from robotq.api.openapi.page import DOCS
from robotq.model.errors import RobotqError
from robotq.wire import checklist as wire

PREFIX = "/apis/checklist"

_BASE = "/api/v1"
_STORE = ("store_unavailable",)
_BODY = ("body_too_large",)
_INVALID: Mapping[int, Any] = {422: wire.Invalid}
_ITEM = ("item_not_found", *_STORE)
_STEP = ("wrong_state", "too_many_requests", "forbidden", "person_needed")
"""What can go wrong where a robot waits for an item."""
_REQUEST_ID = RequestHeader(
    name="X-Request-ID",
    text="Stands in the answer, and in the body of an error.",
    schema={"type": "string", "pattern": r"^[\x20-\x7e]{1,200}$"},
)

ROUTES = (
    Route(
        method="POST",
        path=f"{_BASE}/tasks",
        handler=handlers.create,
        scope=Scope.SUBMIT,
        summary="Create an item.",
        headers=(_REQUEST_ID, IDEMPOTENCY_KEY),
        request=models.TaskCreate,
        body_errors=_BODY,
        status=201,
        response=wire.Task,
        answers=_INVALID,
        errors=("idempotency_conflict", *_ITEM),
    ),
    Route(
        method="GET",
        path=f"{_BASE}/tasks",
        handler=handlers.list_tasks,
        scope=Scope.READ,
        summary="Items, ten on a page.",
        query=models.TasksQuery,
        response=wire.TaskPage,
        answers=_INVALID,
        errors=_STORE,
    ),
    # before those with {task_id}, for which `bulk` would be an id that is no UUID
    Route(
        method="PUT",
        path=f"{_BASE}/tasks/bulk",
        handler=handlers.bulk_update,
        scope=Scope.SUBMIT,
        summary="Change several items; those that are not there are passed over.",
        request=models.BulkUpdate,
        body_errors=_BODY,
        response=wire.Updated,
        answers=_INVALID,
        errors=(*_STEP, *_STORE),
    ),
    Route(
        method="DELETE",
        path=f"{_BASE}/tasks/bulk",
        handler=handlers.bulk_delete,
        scope=Scope.SUBMIT,
        summary="Delete several items; those that are not there are passed over.",
        request=models.BulkDelete,
        body_errors=_BODY,
        response=wire.Deleted,
        answers=_INVALID,
        errors=("item_in_use", "too_many_requests", *_STORE),
    ),
    Route(
        method="GET",
        path=f"{_BASE}/tasks/{{task_id}}",
        handler=handlers.get_task,
        scope=Scope.READ,
        summary="One item.",
        response=wire.Task,
        answers=_INVALID,
        errors=_ITEM,
    ),
    Route(
        method="PUT",
        path=f"{_BASE}/tasks/{{task_id}}",
        handler=handlers.update,
        scope=Scope.SUBMIT,
        summary="Change an item; to complete one that a robot waits for ends its task.",
        request=models.TaskUpdate,
        body_errors=_BODY,
        response=wire.Task,
        answers=_INVALID,
        errors=(*_STEP, *_ITEM),
    ),
    Route(
        method="DELETE",
        path=f"{_BASE}/tasks/{{task_id}}",
        handler=handlers.delete,
        scope=Scope.SUBMIT,
        summary="Delete an item; refused while a robot waits for it.",
        status=204,
        answers=_INVALID,
        errors=("item_in_use", "too_many_requests", *_ITEM),
    ),
    Route(
        method="POST",
        path=f"{_BASE}/batches",
        handler=handlers.create_batch,
        scope=Scope.SUBMIT,
        summary="Create several items as one batch, all or none.",
        headers=(IDEMPOTENCY_KEY,),
        request=models.BatchCreate,
        body_errors=_BODY,
        status=201,
        response=wire.Batch,
        answers=_INVALID,
        errors=("idempotency_conflict", "item_batch_not_found", *_STORE),
    ),
    Route(
        method="GET",
        path=f"{_BASE}/batches",
        handler=handlers.list_batches,
        scope=Scope.READ,
        summary="Batches with their items, newest first, ten on a page.",
        query=models.BatchesQuery,
        response=wire.BatchPage,
        answers=_INVALID,
        errors=_STORE,
    ),
    Route(
        method="GET",
        path=f"{_BASE}/batches/latest",
        handler=handlers.latest_batch,
        scope=Scope.READ,
        summary="The newest batch, of all or of one session; null where there is none.",
        query=models.LatestQuery,
        response=wire.LatestBatch,
        answers=_INVALID,
        errors=_STORE,
    ),
    Route(
        method="GET",
        path=f"{_BASE}/batches/{{batch_id}}",
        handler=handlers.get_batch,
        scope=Scope.READ,
        summary="One batch with its items as they are now.",
        response=wire.Batch,
        answers=_INVALID,
        errors=("item_batch_not_found", *_STORE),
    ),
    Route(
        method="GET",
        path="/health",
        handler=handlers.health,
        scope=Scope.OPEN,
        summary="Whether the checklist can be written to.",
        response=wire.Health,
    ),
    *DOCS,
)

_SLASHED = re.compile(
    f"(?:{PREFIX})?(?:"
    + "|".join(re.sub(r"\{\w+\}", "[^/]+", route.path) for route in ROUTES)
    + ")/"
)


def error_form(call: Call, error: RobotqError) -> web.StreamResponse:
    """The one form of errors; a path with a slash too many is sent to the right one."""
    url = call.request.rel_url
    if error.code.name == "not_found" and _SLASHED.fullmatch(url.raw_path):
        query = f"?{url.raw_query_string}" if url.raw_query_string else ""
        return answers.redirect(call, f"{url.raw_path[:-1]}{query}")
    return errors.error_form(call, error)


CONTENTS = Contents(
    routes=[replace(route, handler=answers.carrying(route.handler)) for route in ROUTES],
    about=ABOUT,
    error=error_form,
)
