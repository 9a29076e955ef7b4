"""Tasks of all daemons, page by page; how one of them came to its end."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from robotq.api.context import FLEET
from robotq.api.fleet.requests import OneTaskQuery, TasksQuery, cursor_of
from robotq.api.http.call import Call
from robotq.api.http.elsewhere import ELSEWHERE
from robotq.api.robot.answers.event import event_view
from robotq.api.robot.answers.task import task_view
from robotq.api.robot.answers.times import read_time
from robotq.fleet import view
from robotq.fleet.view import TaskOfFleet
from robotq.wire import fleet as wire


async def page(call: Call) -> tuple[Sequence[TaskOfFleet], str | None]:
    """The tasks of the page that is asked for, and the cursor to the next one. Raises RobotqError
    bad_parameter, fleet_away."""
    query = call.query(TasksQuery)
    found = await call.app[FLEET].view.tasks(
        view.TasksQuery(
            daemon=query.daemon,
            api=query.api,
            queue=query.robot_id,
            states=query.state.split(",") if query.state else None,
            cmd_type=query.cmd_type or None,
            cmd_id=query.cmd_id or None,
            error_code=query.error_code or None,
            from_ms=read_time(query.from_, "from") if query.from_ else None,
            to_ms=read_time(query.to, "to") if query.to else None,
            before=None if not query.cursor else cursor_of(query.cursor),
            limit=query.limit + 1,
        )
    )
    shown = found[: query.limit]
    if len(found) <= query.limit:
        return shown, None
    last = shown[-1]
    return shown, f"{last.task.submitted_at_ms}:{last.daemon}:{last.task.seq}"


async def tasks(call: Call) -> web.StreamResponse:
    fleet = call.app[FLEET]
    shown, cursor = await page(call)
    return call.answer(
        wire.FleetTasks(
            tasks=tuple(
                wire.FleetTask(
                    daemon=one.daemon,
                    age_s=fleet.age_of(one.daemon),
                    task=task_view(one.task, call.engine, call.language),
                )
                for one in shown
            ),
            count=len(shown),
            next_cursor=cursor,
        )
    )


async def task(call: Call) -> web.StreamResponse:
    wait_s = call.query(OneTaskQuery).wait
    return await call.app[ELSEWHERE].task(call, call.path("task_id"), wait_s)


async def events(call: Call) -> web.StreamResponse:
    """What its daemon has written about it, oldest first."""
    found = await call.app[FLEET].view.events_of(call.path("task_id"))
    return call.answer(
        wire.TaskEvents(
            events=tuple(
                wire.FleetEvent(daemon=daemon, event=event_view(event)) for daemon, event in found
            )
        )
    )


async def cancel(call: Call) -> web.StreamResponse:
    return await call.app[ELSEWHERE].cancel(call, call.path("task_id"), await call.json())
