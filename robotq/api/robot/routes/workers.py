"""Routes of remote workers."""

from __future__ import annotations

from robotq.api.access.scopes import Scope
from robotq.api.http.routes import Route
from robotq.api.robot.handlers import workers
from robotq.api.robot.models import workers as models
from robotq.api.robot.routes.common import STORE, TASK
from robotq.wire.remote_work import workers as wire

ROUTES = (
    Route(
        method="GET",
        path="/workers",
        handler=workers.list_workers,
        scope=Scope.READ,
        summary="Remote workers: who is there, and who has what.",
        query=models.WorkersQuery,
        response=wire.Workers,
        errors=("bad_parameter",),
    ),
    Route(
        method="POST",
        path="/workers/{worker_id}/next",
        handler=workers.next_task,
        scope=Scope.WORKER,
        summary="Take the next task of a queue for workers; null where there is none.",
        request=models.NextBody,
        response=wire.Next,
        errors=("too_many_requests", *STORE),
    ),
    Route(
        method="POST",
        path="/workers/{worker_id}/heartbeat",
        handler=workers.heartbeat,
        scope=Scope.WORKER,
        summary="A worker is there: its leases begin anew, and it hears what to cancel.",
        request=models.HeartbeatBody,
        response=wire.Heartbeat,
        errors=("too_many_requests", *STORE),
    ),
    Route(
        method="POST",
        path="/workers/{worker_id}/result",
        handler=workers.result,
        scope=Scope.WORKER,
        summary="Hand in the result of a task.",
        request=models.ResultBody,
        response=wire.WorkerDone,
        errors=("wrong_state", "stale_claim", "too_many_requests", *TASK),
    ),
    Route(
        method="POST",
        path="/workers/{worker_id}/release",
        handler=workers.release,
        scope=Scope.WORKER,
        summary="Give a task back that was not begun.",
        request=models.ReleaseBody,
        response=wire.WorkerDone,
        errors=("stale_claim", *TASK),
    ),
)
