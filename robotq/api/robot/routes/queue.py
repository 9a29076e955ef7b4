"""Routes of the queues."""

from __future__ import annotations

from robotq.api.access.scopes import Scope
from robotq.api.http.routes import Route
from robotq.api.robot.handlers import edits, queue
from robotq.api.robot.models import queue as models
from robotq.api.robot.routes.common import IF_MATCH, NAMED, STORE, TASK
from robotq.wire import robots as wire

ROUTES = (
    Route(
        method="GET",
        path="/queue/status",
        handler=queue.status,
        scope=Scope.READ,
        summary="How much waits and runs, and why nothing moves.",
        query=models.QueueStatusQuery,
        response=wire.QueueStatus,
        errors=("bad_parameter",),
    ),
    Route(
        method="POST",
        path="/queue/pause",
        handler=queue.pause,
        scope=Scope.CONTROL,
        summary="Start nothing more, on one robot or on all; what runs goes on.",
        query=models.RobotQuery,
        request=models.PauseBody,
        response=wire.QueuesDone,
        errors=STORE,
    ),
    Route(
        method="POST",
        path="/queue/resume",
        handler=queue.resume,
        scope=Scope.CONTROL,
        summary="Let one queue, or all, go on.",
        query=models.RobotQuery,
        request=models.ResumeBody,
        response=wire.QueuesDone,
        errors=("queue_held", *NAMED, *STORE),
    ),
    Route(
        method="POST",
        path="/queue/reorder",
        handler=edits.reorder,
        scope=Scope.CONTROL,
        summary="Put a waiting task elsewhere in its queue.",
        headers=(IF_MATCH,),
        request=models.ReorderBody,
        response=wire.MovedTask,
        errors=("wrong_state", "precondition_failed", *TASK),
    ),
)
