"""Every route of the dispatcher interface, and how it is mounted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from robotq.api.access.scopes import Scope, worker_scope
from robotq.api.connections.share import Share
from robotq.api.dispatcher import dashboard, handlers, models, socket
from robotq.api.dispatcher.answers import API
from robotq.api.dispatcher.context import LOG, PAGES, SHARE, Pages
from robotq.api.dispatcher.errors import error_form
from robotq.api.dispatcher.large import hard_limit
from robotq.api.dispatcher.log import DispatchLog
from robotq.api.http.interface import Contents, OpenApiInfo, Shared
from robotq.api.http.routes import IDEMPOTENCY_KEY, KEYED_ERRORS, Route
from robotq.api.openapi.page import DOCS
from robotq.wire.remote_work import dispatcher as wire

_SUBMIT = (
    "queue_full",
    "queue_bytes_full",
    "too_many_requests",
    "shutting_down",
    "store_unavailable",
)

HTTP_ROUTES = (
    Route(
        method="POST",
        path="/api/openai",
        handler=handlers.submit,
        scope=Scope.SUBMIT,
        summary="Hand in a task, and wait for its result or not.",
        headers=(IDEMPOTENCY_KEY,),
        request=models.NewTaskBody,
        response=wire.Done,
        responses=(wire.Accepted,),
        errors=(*_SUBMIT, *KEYED_ERRORS),
    ),
    Route(
        method="GET",
        path="/api/task/{task_id}",
        handler=handlers.get_task,
        scope=Scope.READ,
        summary="Where a task is, and its result for as long as that is kept.",
        response=wire.Queued,
        responses=(wire.Executing, wire.Completed, wire.Failed),
        errors=("task_not_found", "store_unavailable"),
    ),
    Route(
        method="GET",
        path="/dashboard",
        handler=dashboard.dashboard,
        scope=Scope.OPEN,
        summary="Workers, queue, executing tasks and log, as a page.",
        media_type="text/html",
    ),
    Route(
        method="GET",
        path="/test-worker",
        handler=dashboard.test_worker,
        scope=Scope.OPEN,
        summary="A page on which a person plays a worker.",
        media_type="text/html",
    ),
    Route(
        method="GET",
        path="/pages/{file}",
        handler=dashboard.page_file,
        scope=Scope.OPEN,
        summary="The styles and the scripts of these pages.",
        media_type="text/*",
    ),
    Route(
        method="GET",
        path="/api/dashboard/metrics",
        handler=dashboard.metrics,
        scope=Scope.READ,
        summary="How many workers and tasks there are.",
        response=wire.Metrics,
    ),
    Route(
        method="GET",
        path="/api/dashboard/workers",
        handler=dashboard.workers,
        scope=Scope.READ,
        summary="Every worker that is there, and what it has.",
        response=wire.WorkersAnswer,
    ),
    Route(
        method="GET",
        path="/api/dashboard/tasks",
        handler=dashboard.tasks,
        scope=Scope.READ,
        summary="What waits and what is executed.",
        response=wire.TasksAnswer,
    ),
    Route(
        method="GET",
        path="/api/dashboard/logs",
        handler=dashboard.logs,
        scope=Scope.READ,
        summary="The latest requests and answers, with their bodies.",
        response=wire.LogsAnswer,
    ),
    *DOCS,
)

ROUTES = (
    *HTTP_ROUTES,
    Route(
        method="GET",
        path="/ws",
        handler=socket.connect,
        scope=worker_scope(API),
        summary="The connection of a worker of a group.",
        query=models.SocketQuery,
        websocket=True,
        errors=("too_many_requests", "shutting_down"),
    ),
)


def _services(shared: Shared) -> Mapping[web.AppKey[Any], Any]:
    engine = shared.workers.engine

    def at_once() -> int:
        config = engine.config.interfaces.dispatcher
        return max(1, config.results_bytes // hard_limit(config.result_bytes))

    return {
        LOG: DispatchLog(),
        SHARE: Share(at_once),
        PAGES: Pages(),
    }


CONTENTS = Contents(
    routes=ROUTES,
    about=OpenApiInfo(
        title="robotq dispatcher",
        summary="Tasks for workers that are connected, in groups.",
        description="Workers connect to the WebSocket at `/ws?group=NAME`. Every error is "
        '`{"error": text}`.',
        error=wire.Error,
    ),
    error=error_form,
    services=_services,
)
