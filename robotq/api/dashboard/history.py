"""What the dashboard shows of the past, and what its form of a new command has to know."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from robotq.api.dashboard.look import line
from robotq.api.http.call import Call
from robotq.api.http.elsewhere import ELSEWHERE
from robotq.api.robot.handlers.tasks import tasks_page
from robotq.api.robot.models.tasks import TasksQuery
from robotq.model.task import Task
from robotq.wire import dashboard as wire


async def history(call: Call) -> web.StreamResponse:
    """As `GET /tasks`, with what each is about and how it ended, in words."""
    elsewhere = call.app.get(ELSEWHERE)
    page: Sequence[Task]
    if elsewhere is not None and not call.engine.robots:
        # a hub has no past of its own
        page, next_cursor = await elsewhere.history(call)
    else:
        page, next_cursor = await tasks_page(call, call.query(TasksQuery))
    engine, language = call.engine, call.language
    return call.answer(
        wire.History(
            tasks=tuple(line(engine, task, language) for task in page), next_cursor=next_cursor
        )
    )


async def form(call: Call) -> web.StreamResponse:
    """Which robot can do what, and where it can go."""
    engine = call.engine
    able = {name: engine.intake.able(name) for name in engine.robots}
    return call.answer(
        wire.FormFacts(
            robots={
                name: wire.FormRobot(
                    commands=tuple(spec.cmd_type for spec in specs),
                    programs=tuple(spec.cmd_type for spec in specs if spec.programs(name)),
                    places=engine.intake.places(name),
                )
                for name, specs in able.items()
            }
        )
    )
