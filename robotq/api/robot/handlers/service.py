"""The daemon itself: what it is, which commands it knows, reload."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.robot.answers.words import words
from robotq.api.robot.models.base import EmptyBody
from robotq.catalog import CommandSpec
from robotq.model.errors import RobotqError
from robotq.model.version import __version__
from robotq.wire import service as wire

_LINKS = {
    "submit": "/",
    "queue": "/queue/status",
    "tasks": "/tasks",
    "task": "/task/{task_id}",
    "robots": "/robots",
    "resources": "/resources",
    "commands": "/commands",
    "events": "/events",
    "webhooks": "/webhooks",
    "health": "/health",
    "metrics": "/metrics",
}


async def home(call: Call) -> web.StreamResponse:
    return call.answer(
        wire.Home(
            status="running",
            message=words("running", call.language),
            queue_mode=call.engine.config.mode == "queue",
            version=__version__,
            links=_LINKS,
        )
    )


async def audit(call: Call) -> web.StreamResponse:
    """What a person compares with the disk; never asked for by a page or a program."""
    return call.answer(wire.Audit(**asdict(call.engine.audit.kept())))


async def list_commands(call: Call) -> web.StreamResponse:
    engine = call.engine
    return call.answer(wire.Commands(commands=tuple(_view(call, one) for one in engine.catalog)))


async def get_command(call: Call) -> web.StreamResponse:
    return call.answer(_view(call, call.engine.catalog.get(call.path("cmd_type"))))


async def reload(call: Call) -> web.StreamResponse:
    """Read the configuration again; one that is wrong changes nothing."""
    await call.body(EmptyBody)
    if not call.engine.can_reload:
        raise RobotqError(
            "bad_parameter", field="configuration", reason="this daemon was started without a file"
        )
    await call.engine.reload_configuration(call.actor)
    misfits = call.engine.queue.misfits()
    code = "reloaded_misfits" if misfits.number else "reloaded"
    return call.answer(
        wire.ReloadDone(
            success=True,
            message=words(code, call.language, count=misfits.number),
            does_not_fit=wire.Misfits(
                count=misfits.number,
                tasks=tuple(
                    wire.Misfit(
                        task_id=task.id,
                        robot_id=task.queue,
                        cmd_type=task.command.cmd_type,
                        error_code=why.code.name,
                        reason=why.text(call.language),
                    )
                    for task, why in misfits.first
                ),
            ),
        )
    )


def _view(call: Call, spec: CommandSpec) -> wire.CommandSpec:
    return wire.CommandSpec(
        cmd_type=spec.cmd_type,
        kind=spec.kind.value,
        title=spec.title,
        schema=spec.schema,
        timeout_s=spec.timeout_s,
        idempotent=spec.idempotent,
        approval=spec.approval,
        resources=spec.resources,
        robots=spec.robots or tuple(call.engine.robots),
        example=spec.example,
    )
