"""Routes of commands that repeat by the clock of the wall."""

from __future__ import annotations

from robotq.api.access.scopes import Scope
from robotq.api.http.routes import Route
from robotq.api.robot.handlers import repeats
from robotq.api.robot.models.base import EmptyBody
from robotq.api.robot.models.submit import ByTheClockBody
from robotq.api.robot.routes.common import AGENT, STORE
from robotq.wire import repeats as wire

ROUTES = (
    Route(
        method="GET",
        path="/repeats",
        handler=repeats.list_repeats,
        scope=Scope.READ,
        summary="Commands that repeat by the clock of the wall.",
        response=wire.Repeats,
    ),
    Route(
        method="POST",
        path="/repeats",
        handler=repeats.make,
        scope=Scope.SUBMIT,
        summary="Submit a command at a time of day, on some days of the week, until it is removed.",
        headers=(AGENT,),
        request=ByTheClockBody,
        response=wire.RepeatDone,
        errors=("unknown_command", "robot_cannot", "not_armed", "shutting_down", *STORE),
    ),
    Route(
        method="DELETE",
        path="/repeats/{repeat_id}",
        handler=repeats.remove,
        scope=Scope.SUBMIT,
        summary="Repeat a command no more. A run that waits or runs already goes on.",
        request=EmptyBody,
        response=wire.RepeatDone,
        errors=("repeat_not_found", *STORE),
    ),
)
