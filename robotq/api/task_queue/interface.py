"""Every route of the task queue interface, and how it is mounted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from robotq.api.access.scopes import Scope, worker_scope
from robotq.api.http.interface import Contents, OpenApiInfo, Shared
from robotq.api.http.routes import IDEMPOTENCY_KEY, KEYED_ERRORS, RequestHeader, Route
from robotq.api.openapi.page import DOCS
from robotq.api.task_queue import handlers, models
from robotq.api.task_queue.answers import API
from robotq.api.task_queue.context import ENDPOINTS, FOLDERS, Folders
from robotq.api.task_queue.errors import error_form
from robotq.wire.remote_work import task_queue as wire

_STORE = ("store_unavailable",)
_NEW_TASK = ("queue_full", "queue_bytes_full", "shutting_down", *_STORE)
_TASK = ("task_not_found", *_STORE)
_WORKER = worker_scope(API)

_WORKER_NAME = RequestHeader(
    name="X-Worker-Name",
    text="Who works. A worker with a name that asks again gets the task that it has.",
    schema={"type": "string", "minLength": 1, "maxLength": 200},
)

ROUTES = (
    Route(
        method="GET",
        path="/",
        handler=handlers.home,
        scope=Scope.READ,
        summary="This list.",
        response=wire.Home,
    ),
    Route(
        method="GET",
        path="/health",
        handler=handlers.health,
        scope=Scope.OPEN,
        summary="Whether the queue takes tasks.",
        response=wire.Health,
        answers={503: wire.Health},
    ),
    Route(
        method="GET",
        path="/api/health",
        handler=handlers.service_health,
        scope=Scope.OPEN,
        summary="The same, where older clients look for it, and in their words.",
        response=wire.ServiceHealth,
        answers={503: wire.ServiceHealth},
    ),
    Route(
        method="GET",
        path="/api/stats",
        handler=handlers.stats,
        scope=Scope.READ,
        summary="How many tasks have a result, and how many wait.",
        response=wire.Stats,
    ),
    Route(
        method="POST",
        path="/api/tasks",
        handler=handlers.create,
        scope=Scope.SUBMIT,
        summary="Create a task.",
        headers=(IDEMPOTENCY_KEY,),
        request=models.NewTaskBody,
        status=201,
        response=wire.Created,
        errors=(*_NEW_TASK, *KEYED_ERRORS),
    ),
    Route(
        method="GET",
        path="/api/tasks",
        handler=handlers.list_tasks,
        scope=Scope.READ,
        summary="Waiting tasks, next first.",
        query=models.ListQuery,
        response=wire.Tasks,
        errors=("bad_parameter",),
    ),
    Route(
        method="POST",
        path="/api/tasks/next",
        handler=handlers.next_task,
        scope=_WORKER,
        summary="Take the next task (for workers); null where there is none.",
        query=models.NextQuery,
        request=models.WorkerBody,
        response=wire.Next,
        errors=("too_many_requests", *_STORE),
    ),
    Route(
        method="GET",
        path="/api/tasks/next",
        handler=handlers.next_bare,
        acts=True,
        scope=_WORKER,
        summary="The same as browser extensions ask for it: the task itself. It takes the task.",
        query=models.NextQuery,
        headers=(_WORKER_NAME,),
        response=wire.BareTask,
        responses=(wire.Next,),
        errors=("too_many_requests", *_STORE),
    ),
    Route(
        method="POST",
        path="/api/tasks/create",
        handler=handlers.create_in_line,
        scope=Scope.SUBMIT,
        summary="Create a task, with a priority, as older clients do.",
        query=models.CreateQuery,
        headers=(IDEMPOTENCY_KEY,),
        request=models.CreateBody,
        response=wire.CreatedInLine,
        errors=(*_NEW_TASK, *KEYED_ERRORS),
    ),
    Route(
        method="GET",
        path="/api/tasks/{task_id}",
        handler=handlers.get_task,
        scope=Scope.READ,
        summary="One task.",
        response=wire.Task,
        errors=_TASK,
    ),
    Route(
        method="POST",
        path="/api/tasks/{task_id}/claim",
        handler=handlers.claim,
        scope=_WORKER,
        summary="Take exactly this task (for workers).",
        request=models.WorkerBody,
        response=wire.Claimed,
        errors=("too_many_requests", *_TASK),
    ),
    Route(
        method="GET",
        path="/api/tasks/{task_id}/result",
        handler=handlers.get_result,
        scope=Scope.READ,
        summary="The result of a task; 404 until it is there.",
        response=wire.Result,
        errors=_TASK,
    ),
    Route(
        method="POST",
        path="/api/tasks/{task_id}/result",
        handler=handlers.post_result,
        scope=_WORKER,
        summary="Hand in the result of a task (for workers).",
        request=models.ResultBody,
        response=wire.ResultSaved,
        errors=("wrong_state", "stale_claim", "too_many_requests", *_TASK),
    ),
    Route(
        method="GET",
        path="/api/results/{task_id}",
        handler=handlers.get_result_by_id,
        scope=Scope.READ,
        summary="The same, where older clients look for it.",
        response=wire.Result,
        errors=_TASK,
    ),
    *DOCS,
)


def _services(shared: Shared) -> Mapping[web.AppKey[Any], Any]:
    folder = shared.engine.config.data.absolute() / "task_queue"
    return {
        ENDPOINTS: {f"{route.method} {route.path}": route.summary for route in ROUTES},
        FOLDERS: Folders(tasks_dir=str(folder / "tasks"), results_dir=str(folder / "results")),
    }


CONTENTS = Contents(
    routes=ROUTES,
    about=OpenApiInfo(
        title="robotq task queue",
        summary="Tasks for workers that poll.",
        description='Every error is `{"error": text}`.',
        error=wire.Error,
    ),
    error=error_form,
    services=_services,
)
