"""Every route of the fleet, and how it is mounted."""

from __future__ import annotations

from aiohttp import web

from robotq.api.access.scopes import Scope
from robotq.api.fleet import handlers, metrics, tasks
from robotq.api.fleet.requests import (
    EventsQuery,
    HandOnBody,
    OneTaskQuery,
    StopBody,
    TakeBody,
    TasksQuery,
)
from robotq.api.http.call import Call
from robotq.api.http.errors import error_response
from robotq.api.http.interface import Contents, OpenApiInfo
from robotq.api.http.routes import EVENT_STREAM, Route
from robotq.api.robot.models.base import NamingBody
from robotq.api.robot.models.tasks import CancelBody
from robotq.model.errors import RobotqError
from robotq.wire import fleet as wire
from robotq.wire.tasks import Task

PREFIX = "/fleet"

ROUTES = (
    Route(
        method="GET",
        path="/",
        handler=handlers.look,
        scope=Scope.READ,
        summary="All daemons of the fleet: how old what is known of them is, their robots, what "
        "waits for them, and stops that nobody has reset.",
        response=wire.Fleet,
    ),
    Route(
        method="GET",
        path="/tasks",
        handler=tasks.tasks,
        scope=Scope.READ,
        summary="Tasks of all daemons, newest first.",
        query=TasksQuery,
        response=wire.FleetTasks,
        errors=("fleet_away",),
    ),
    Route(
        method="GET",
        path="/tasks/{task_id}",
        handler=tasks.task,
        scope=Scope.READ,
        summary="A task of any daemon, or a command that none has taken yet.",
        query=OneTaskQuery,
        response=Task,
        errors=("task_not_found", "fleet_away"),
    ),
    Route(
        method="GET",
        path="/tasks/{task_id}/events",
        handler=tasks.events,
        scope=Scope.READ,
        summary="What the journals of all daemons say about a task, oldest first; the last 1,000.",
        response=wire.TaskEvents,
        errors=("fleet_away",),
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=metrics.metrics,
        scope=Scope.READ,
        summary="Numbers of all daemons for Prometheus, each with its age.",
        media_type="text/plain",
    ),
    Route(
        method="POST",
        path="/tasks/{task_id}/cancel",
        handler=tasks.cancel,
        scope=Scope.SUBMIT,
        summary="Call off a task of any daemon.",
        request=CancelBody,
        forgiving=True,
        errors=("task_not_found", "wrong_state", "fleet_away", "daemon_away"),
    ),
    Route(
        method="POST",
        path="/tasks/{task_id}/hand_on",
        handler=handlers.hand_on,
        scope=Scope.CONTROL,
        summary="Give a waiting task of a machine that is off to another robot, where its own has "
        "`durability: fleet`. Once: asked again, it answers the same.",
        request=HandOnBody,
        response=wire.HandedOn,
        errors=("person_needed", "task_not_found", "wrong_state", "program_lost", "fleet_away"),
    ),
    Route(
        method="GET",
        path="/events",
        handler=handlers.events,
        scope=Scope.READ,
        summary="What happens at all daemons, as it happens; Last-Event-ID goes on where a client "
        "was.",
        query=EventsQuery,
        media_type=EVENT_STREAM,
        errors=("fleet_away", "too_many_requests"),
    ),
    Route(
        method="POST",
        path="/daemons/{daemon}/leave",
        handler=handlers.leave,
        scope=Scope.ADMIN,
        summary="Take a daemon that is gone for good out of the fleet, with its robots; its "
        "history stays.",
        response=wire.Left,
        errors=("person_needed", "not_found", "wrong_state", "fleet_away"),
    ),
    Route(
        method="POST",
        path="/robots/{robot_id}/take",
        handler=handlers.take,
        scope=Scope.ADMIN,
        summary="Drive a robot from here that another machine drove: a person says that the old "
        "machine is off.",
        request=TakeBody,
        response=wire.Taken,
        errors=("person_needed", "bad_parameter", "standby_refused", "fleet_away"),
    ),
    Route(
        method="POST",
        path="/stop",
        handler=handlers.latch,
        scope=Scope.ANY,
        summary="For daemons: stop every robot here, once for each stop of the fleet.",
        request=StopBody,
        response=wire.Latched,
    ),
    Route(
        method="GET",
        path="/stop/{stop_id}",
        handler=handlers.standing,
        scope=Scope.READ,
        summary="For daemons: whether a stop of the fleet still holds a robot here.",
        response=wire.StandsHere,
    ),
    Route(
        method="POST",
        path="/stop/{stop_id}/reset",
        handler=handlers.unlatch,
        scope=Scope.CONTROL,
        summary="For daemons: leave a stop of the fleet here.",
        response=wire.Unlatched,
        errors=("person_needed",),
    ),
    Route(
        method="POST",
        path="/stops/{stop_id}/reset",
        handler=handlers.reset,
        scope=Scope.CONTROL,
        summary="Leave a stop of the fleet at every daemon. Moves nothing; the queues stay paused.",
        request=NamingBody,
        response=wire.Spread,
        errors=("person_needed", "fleet_away"),
    ),
)


def _error(call: Call, error: RobotqError) -> web.StreamResponse:
    return error_response(error, call.language)


CONTENTS = Contents(
    routes=ROUTES,
    about=OpenApiInfo(
        title="robotq fleet",
        summary="All daemons of a site at one address.",
        description="What every daemon of the fleet knows of all of it. Each robot's queue stays "
        "with the daemon that drives it; what is told of another daemon is as old as `age_s` says.",
    ),
    error=_error,
)
