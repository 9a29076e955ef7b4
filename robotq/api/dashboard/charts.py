"""What the dashboard draws and shows of the past, and what its form of a new command has to
know."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from aiohttp import web

from robotq.api.access.requests import REQUESTS
from robotq.api.dashboard.context import DASHBOARD, KnownStatus
from robotq.api.dashboard.look import line, words_of_end
from robotq.api.dashboard.models import ChartQuery, RequestsQuery
from robotq.api.http.call import Call
from robotq.api.http.elsewhere import ELSEWHERE
from robotq.api.robot.handlers.tasks import tasks_page
from robotq.api.robot.models.tasks import TasksQuery
from robotq.model.errors import RobotqError
from robotq.model.task import Task, TaskState
from robotq.model.texts import Language
from robotq.wire import dashboard as wire


async def charts(call: Call) -> web.StreamResponse:
    """From memory alone, so that nobody who looks makes the disk work."""
    query = call.query(ChartQuery)
    engine = call.engine
    reads = engine.reads
    counts = reads.counts()
    latest = list(reads.latest_ended())
    newer = takewhile(lambda task: (task.ended_at_ms or 0) > query.after_ms, latest)
    return call.answer(
        wire.Charts(
            at_ms=engine.clock.now_ms(),
            ended=tuple(_bar(task, call.language) for task in newer),
            running=tuple(_bar(task, call.language) for task in reads.running()),
            complete=len(latest) >= counts.completed + counts.failed + counts.cancelled,
        )
    )


async def picture(call: Call) -> web.StreamResponse:
    """The lab of the first robot that can tell of one, with every robot where it is now."""
    engine = call.engine
    statuses = await call.app[DASHBOARD].statuses.all()
    lab = None
    for robot in engine.robots.values():
        try:
            lab = await robot.picture()
        except RobotqError:
            # it is not to be had from this one now; the others may tell
            continue
        if lab is not None:
            break
    known = [(name, statuses.get(name, KnownStatus()).status) for name in engine.robots]
    return call.answer(
        wire.Picture(
            at_ms=engine.clock.now_ms(),
            lab=lab,
            robots=tuple(
                {"robot_id": name, "place": status.place, "held": status.held, **status.details}
                for name, status in known
                if status is not None
            ),
        )
    )


async def requests(call: Call) -> web.StreamResponse:
    after = call.query(RequestsQuery).after
    found = call.app[REQUESTS].after(after)
    return call.answer(wire.Requests(requests=tuple(request.view() for request in found)))


def _bar(task: Task, language: Language) -> wire.ChartTask:
    failed = task.error if task.state is TaskState.FAILED else None
    return wire.ChartTask(
        task_id=task.id,
        robot_id=task.queue,
        cmd_type=task.command.cmd_type,
        cmd_id=task.command.cmd_id,
        state=task.state,
        started_at_ms=task.started_at_ms,
        ended_at_ms=task.ended_at_ms,
        error_code=task.error.code if task.error is not None else None,
        message=None if failed is None else words_of_end(failed, language),
    )


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
