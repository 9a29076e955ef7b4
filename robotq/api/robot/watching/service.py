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
    if is_page_wanted(call.request):
        return to_dashboard()
    return call.answer(
        wire.Home(
            status="running",
            message=words("running", call.language),
            queue_mode=call.engine.config.mode == "queue",
            version=__version__,
            links=_LINKS,
        )
    )


def is_page_wanted(request: web.Request) -> bool:
    """Whether a person looks through a browser. Programs that take any answer get JSON; so does
    Java, which asks for HTML first wherever nobody has told it otherwise."""
    first = request.headers.get("Accept", "").partition(",")[0].partition(";")[0].strip()
    return first == "text/html" and not request.headers.get("User-Agent", "").startswith("Java/")


def to_dashboard() -> web.Response:
    """Relative, so that it leads there behind a proxy with a path of its own too."""
    return web.Response(status=302, headers={"Location": "dashboard", "Vary": "Accept"})


async def audit(call: Call) -> web.StreamResponse:
    """What a person compares with the disk; never asked for by a page or a program."""
    return call.answer(wire.Audit(**asdict(call.engine.audit.kept())))


async def list_commands(call: Call) -> web.StreamResponse:
    engine = call.engine
    return call.answer(
        wire.Commands(commands=tuple(_view(spec, able) for spec, able in engine.offered()))
    )


async def get_command(call: Call) -> web.StreamResponse:
    engine = call.engine
    spec = engine.catalog.get(call.path("cmd_type"))
    # one that nobody here can do is told all the same: somebody asks for it by its name
    able = next((able for one, able in engine.offered() if one is spec), spec.robots)
    return call.answer(_view(spec, able))


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


def _view(spec: CommandSpec, robots: tuple[str, ...]) -> wire.CommandSpec:
    return wire.CommandSpec(
        cmd_type=spec.cmd_type,
        kind=spec.kind.value,
        title=spec.title,
        schema=spec.schema,
        timeout_s=spec.timeout_s,
        idempotent=spec.idempotent,
        approval=spec.approval,
        resources=spec.resources,
        robots=robots,
        example=spec.example,
    )
