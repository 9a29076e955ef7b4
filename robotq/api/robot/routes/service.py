"""Routes of what the daemon says of itself."""

from __future__ import annotations

from robotq.api.access.scopes import Scope
from robotq.api.http.routes import Route
from robotq.api.robot.models.base import EmptyBody
from robotq.api.robot.watching import health, metrics, service
from robotq.wire import service as wire

ROUTES = (
    Route(
        method="GET",
        path="/",
        handler=service.home,
        scope=Scope.READ,
        summary="What this daemon is and where to go on.",
        response=wire.Home,
    ),
    Route(
        method="GET",
        path="/commands",
        handler=service.list_commands,
        scope=Scope.READ,
        summary="Every command that this daemon knows, with the schema of its params.",
        response=wire.Commands,
    ),
    Route(
        method="GET",
        path="/commands/{cmd_type}",
        handler=service.get_command,
        scope=Scope.READ,
        summary="One command.",
        response=wire.CommandSpec,
        errors=("unknown_command",),
    ),
    Route(
        method="GET",
        path="/health",
        handler=health.health,
        scope=Scope.OPEN,
        summary="Whether the daemon is well; details for those who may read.",
        response=wire.Health,
        answers={503: wire.Health},
    ),
    Route(
        method="GET",
        path="/audit",
        handler=service.audit,
        scope=Scope.READ,
        summary="Timers and locks, for `robotq doctor`, which compares them with the disk.",
        response=wire.Audit,
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=metrics.metrics,
        scope=Scope.READ,
        summary="Numbers for Prometheus.",
        media_type="text/plain",
    ),
    Route(
        method="POST",
        path="/reload",
        handler=service.reload,
        scope=Scope.ADMIN,
        summary="Read the configuration, command specs and labs again.",
        request=EmptyBody,
        response=wire.ReloadDone,
        errors=("bad_parameter",),
    ),
)
