"""Every route of the orchestrator interface, and how it is mounted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from robotq.api.access.scopes import Scope, worker_scope
from robotq.api.http.interface import Contents, OpenApiInfo, Shared
from robotq.api.http.routes import IDEMPOTENCY_KEY, KEYED_ERRORS, Route
from robotq.api.openapi.page import DOCS
from robotq.api.orchestrator import handlers, models
from robotq.api.orchestrator.answers import API
from robotq.api.orchestrator.context import RATE_LIMIT, RateLimit
from robotq.api.orchestrator.errors import error_form
from robotq.api.orchestrator.health import health
from robotq.wire.remote_work import orchestrator as wire

_STORE = ("store_unavailable",)
_LIMITED = ("too_many_requests", *_STORE)
_TASK = ("bad_parameter", "task_not_found", *_LIMITED)
_WORKER = worker_scope(API)
_TASKS = "/api/v1/tasks"

ROUTES = (
    Route(
        method="POST",
        path=_TASKS,
        handler=handlers.create,
        scope=Scope.SUBMIT,
        summary="Create a task for a work directory.",
        headers=(IDEMPOTENCY_KEY,),
        request=models.NewTaskBody,
        response=wire.CreatedAnswer,
        errors=("queue_full", "queue_bytes_full", "shutting_down", *KEYED_ERRORS, *_LIMITED),
    ),
    Route(
        method="GET",
        path=_TASKS,
        handler=handlers.list_tasks,
        scope=Scope.READ,
        summary="Tasks, newest first, in pages.",
        query=models.ListQuery,
        response=wire.TasksAnswer,
        errors=("bad_parameter", *_LIMITED),
    ),
    Route(
        method="GET",
        path=f"{_TASKS}/next",
        handler=handlers.next_task,
        acts=True,
        scope=_WORKER,
        summary="Take the next task of a work directory (for workers); null where there is none.",
        query=models.NextQuery,
        response=wire.NextAnswer,
        errors=("bad_parameter", *_LIMITED),
    ),
    Route(
        method="GET",
        path=f"{_TASKS}/{{task_id}}",
        handler=handlers.get_task,
        scope=Scope.READ,
        summary="One task.",
        response=wire.TaskAnswer,
        errors=_TASK,
    ),
    Route(
        method="POST",
        path=f"{_TASKS}/{{task_id}}/complete",
        handler=handlers.complete,
        scope=_WORKER,
        summary="Hand in the result of a task (for workers).",
        query=models.CompleteQuery,
        request=models.CompleteBody,
        response=wire.CompletedAnswer,
        errors=("wrong_state", *_TASK),
    ),
    Route(
        method="POST",
        path=f"{_TASKS}/{{task_id}}/cancel",
        handler=handlers.cancel,
        scope=Scope.SUBMIT,
        summary="Call a task off, whether it waits or is worked on.",
        request=models.CancelBody,
        response=wire.CancelledAnswer,
        errors=("wrong_state", *_TASK),
    ),
    Route(
        method="POST",
        path=f"{_TASKS}/{{task_id}}/retry",
        handler=handlers.retry,
        scope=Scope.SUBMIT,
        summary="Let a failed task wait again under its own id.",
        response=wire.RetriedAnswer,
        errors=("wrong_state", "retries_used_up", *_TASK),
    ),
    Route(
        method="GET",
        path="/api/v1/statistics",
        handler=handlers.statistics,
        scope=Scope.READ,
        summary="How many tasks there were, how they ended, and how long they took.",
        query=models.StatisticsQuery,
        response=wire.StatisticsAnswer,
        errors=("bad_parameter", *_LIMITED),
    ),
    Route(
        method="GET",
        path="/health",
        handler=health,
        scope=Scope.OPEN,
        summary="Whether tasks are taken, and how each part is. Not in the envelope.",
        response=wire.Health,
        answers={503: wire.Health},
    ),
    *DOCS,
)


def _services(_shared: Shared) -> Mapping[web.AppKey[Any], Any]:
    return {RATE_LIMIT: RateLimit()}


CONTENTS = Contents(
    routes=ROUTES,
    about=OpenApiInfo(
        title="robotq orchestrator",
        summary="Prompts for workers of a work directory.",
        description="Every answer below /api/v1 is an envelope of success, data, error and "
        "timestamp; data is null in errors.",
        error=wire.Error,
    ),
    error=error_form,
    services=_services,
)
