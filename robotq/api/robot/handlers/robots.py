"""GET /robots, and what people do to a robot."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from robotq.api.access.key_rows import RESERVED
from robotq.api.http.call import Call
from robotq.api.http.elsewhere import not_told
from robotq.api.http.errors import part
from robotq.api.robot.answers.acts import (
    line_to_send,
    motion_of,
    reason_of_stop,
    running,
    starts_next,
)
from robotq.api.robot.answers.holds import hold_views, reason_views
from robotq.api.robot.answers.words import also_not_told, robot_state, value_facts, words, words_of
from robotq.api.robot.models.base import EmptyBody
from robotq.api.robot.models.robots import RawLineBody, ResumeMotionBody, ValuesQuery
from robotq.drivers.base import DriverStatus
from robotq.engine.engine import Engine
from robotq.engine.holds.confirming import Confirmation
from robotq.engine.robot.robot import Robot
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.texts import text
from robotq.wire import robots as wire
from robotq.wire import watching as watched

if TYPE_CHECKING:
    from robotq.engine.upkeep.maintenance import Item


async def list_robots(call: Call) -> web.StreamResponse:
    views = await asyncio.gather(*(_view(call, robot) for robot in call.engine.robots.values()))
    return call.answer(wire.Robots(robots=tuple(views), not_configured=absent_views(call)))


def absent_views(call: Call) -> tuple[wire.AbsentRobot, ...]:
    """What is left of robots that the configuration does not have any more."""
    engine = call.engine
    return tuple(
        wire.AbsentRobot(
            robot_id=name,
            queue_size=engine.absent.waiting(name),
            resources=_resources(engine, name),
            holds=hold_views(engine.holds.of(name), call.language),
        )
        for name in engine.absent.names
    )


async def get_robot(call: Call) -> web.StreamResponse:
    return call.answer(await _view(call, call.engine.robot(call.path("robot_id"))))


async def hold(call: Call) -> web.StreamResponse:
    await call.body(EmptyBody)
    robot = await call.engine.hold_motion(call.path("robot_id"), actor=call.actor)
    held = robot.motion.hold
    holding = held is not None and held.now.get("state") == "holding"
    missing = await not_told(call, robot.name)
    return _done(call, "motion_holding" if holding else "motion_held", robot, missing)


async def resume(call: Call) -> web.StreamResponse:
    body = await call.body(ResumeMotionBody)
    name = call.path("robot_id")
    # people without a key share a name: the hold of one is not that of another
    own = None if call.account in RESERVED else call.account
    with line_to_send(call, f"/robots/{name}/resume", f"resume-motion {name}"):
        robot = await call.engine.resume_motion(
            name,
            actor=call.actor,
            confirmation=Confirmation(body.holds, actor=own),
            note=body.note,
            stay_paused=body.then == "stay_paused",
        )
    missing = await not_told(call, name)
    return _done(call, "motion_resumed", robot, missing)


async def jog(call: Call) -> web.StreamResponse:
    """Move an axis while a button is held; its module is read for the first who does."""
    from robotq.api.robot.handlers.jog import hold_button  # noqa: PLC0415 - seldom needed

    return await hold_button(call)


async def raw_line(call: Call) -> web.StreamResponse:
    call.refuse_agents("raw_line")
    body = await call.body(RawLineBody)
    robot = call.engine.robot(call.path("robot_id"))
    told = await call.engine.raw_lines.send(robot.name, body.line, body.limit_s, actor=call.actor)
    outcome, error = told["outcome"], told["error"]
    message = text(f"raw.{outcome}", {"error": error or ""}, call.language)
    missing = await not_told(call, robot.name)
    return call.answer(
        wire.RawLineDone(
            success=outcome == "answered",
            message=also_not_told(message, call.language, missing),
            robot_id=robot.name,
            recorded=call.engine.recorded([robot.name]),
            holds=hold_views(call.engine.holds.of(robot.name), call.language),
            starts_next=starts_next(call.engine, robot.name),
            not_told=missing,
            line=body.line,
            outcome=outcome,
            answer=tuple(told["answer"]),
            error=error,
        )
    )


async def stop(call: Call) -> web.StreamResponse:
    """A controlled stop; a body that is slow or wrong does not keep it from happening."""
    reason = await reason_of_stop(call)
    robot = call.engine.robot(call.path("robot_id"))
    task_id = running({robot.name: robot})[robot.name]
    await call.engine.stop_robot(robot.name, actor=call.actor, reason=reason)
    missing = await not_told(call, robot.name)
    motion = await motion_of(call.engine, robot.name, task_id)
    return _done(call, f"robot_{motion}", robot, missing, motion=motion)


def _done(
    call: Call,
    code: str,
    robot: Robot,
    missing: tuple[str, ...] = (),
    *,
    motion: wire.Motion | None = None,
) -> web.Response:
    facts: dict[str, Any] = {
        "success": True,
        "message": words_of(code, call.language, missing),
        "robot_id": robot.name,
        "recorded": call.engine.recorded([robot.name]),
        "holds": hold_views(call.engine.holds.of(robot.name), call.language),
        "starts_next": starts_next(call.engine, robot.name),
        "not_told": missing,
    }
    if motion is None:
        return call.answer(wire.RobotDone(**facts))
    return call.answer(wire.RobotStopped(**facts, motion=motion))


async def _view(call: Call, robot: Robot) -> wire.Robot:
    engine = call.engine
    status, status_error = await _status(call, robot)
    robot_queue = engine.reads.robot_queue(robot.name)
    holds = engine.holds.of(robot.name)
    return wire.Robot(
        robot_id=robot.name,
        driver=robot.config.driver,
        default=robot.name == engine.default_robot,
        state=robot_state(robot, robot_queue.running is not None, holds),
        connected=robot.connected,
        simulated=robot.capabilities.simulated,
        motion_held=status.held if status is not None else None,
        motion_state=_motion_state(status),
        planned_moves=status.planned_moves if status is not None and status.still_moving else None,
        position_known=status.position_known if status is not None else None,
        jog=_jog(status),
        place=status.place if status is not None else None,
        devices={} if status is None else devices(status.devices),
        details=part(status.details if status is not None else {}),
        status_error=status_error,
        capabilities=asdict(robot.capabilities),
        queue_size=len(robot_queue),
        running_task=robot_queue.running.id if robot_queue.running is not None else None,
        resources=_resources(engine, robot.name),
        holds=hold_views(holds, call.language),
        why=reason_views(engine.why.of(robot.name).reasons, call.language),
    )


def devices(told: Mapping[str, JsonObject]) -> Mapping[str, wire.Device]:
    return {
        name: wire.Device(
            connected=each["connected"], reason=each["reason"], safe_state=each["safe_state"]
        )
        for name, each in told.items()
    }


def _resources(engine: Engine, robot: str) -> tuple[str, ...]:
    occupied = engine.reads.occupied()
    return tuple(occupancy.resource for occupancy in occupied if occupancy.robot == robot)


async def _status(call: Call, robot: Robot) -> tuple[DriverStatus | None, str | None]:
    if not robot.connected:
        return None, None
    try:
        return await robot.status(), None
    except RobotqError as error:
        return None, error.text(call.language)


def _jog(status: DriverStatus | None) -> wire.JogLimits | None:
    limits = None if status is None else status.jog
    if limits is None:
        return None
    return wire.JogLimits(axes=limits.axes, most_mm_s=limits.most_mm_s, most_mm=limits.most_mm)


def _motion_state(status: DriverStatus | None) -> str | None:
    if status is None or not status.held:
        return None
    return "holding" if status.still_moving else "held"


# -- what they measure, and what is to be seen to

_LOOKED_AT = 12
"""Values of each robot at one look; `GET /robots/{robot_id}/values` has the others."""
_TREND = 30


def looks(robot: Robot) -> tuple[watched.ValueLook, ...]:
    """Those of one robot, with as much of their course as a small drawing shows."""
    found = robot.values.look(_TREND)[:_LOOKED_AT]
    return tuple(
        watched.ValueLook(
            **value_facts(each),
            trend=tuple(None if one is None else one.last for one in each.points),
        )
        for each in found
    )


async def get_values(call: Call) -> web.StreamResponse:
    """From memory: nobody who looks makes the robot speak. Its module is read for the first."""
    from robotq.api.robot.watching.values import course  # noqa: PLC0415 - seldom needed

    robot = call.engine.robot(call.path("robot_id"))
    points = call.query(ValuesQuery).points
    return call.answer(course(robot, call.engine.clock.now_ms(), points))


async def list_maintenance(call: Call) -> web.StreamResponse:
    return call.answer(watched.Maintenance(items=maintenance_of(call.engine)))


def maintenance_of(engine: Engine, robot: str | None = None) -> tuple[watched.MaintenanceItem, ...]:
    """What is to be seen to at one robot, or at all of them."""
    items = () if engine.maintenance is None else engine.maintenance.items()
    return tuple(_item_view(item) for item in items if robot in (None, item.robot))


async def maintenance_done(call: Call) -> web.StreamResponse:
    """By the name of whoever asks."""
    await call.body(EmptyBody)
    robot = call.engine.robot(call.path("robot_id")).name
    kept = call.engine.maintenance
    if kept is None:
        reason = "the configuration has no maintenance"
        raise RobotqError("bad_parameter", field="item", reason=reason)
    item = await kept.done(robot, call.path("item"), actor=call.actor)
    return call.answer(
        watched.MaintenanceDone(
            success=True, message=words("maintenance_done", call.language), item=_item_view(item)
        )
    )


def _item_view(item: Item) -> watched.MaintenanceItem:
    return watched.MaintenanceItem(
        robot_id=item.robot,
        item=item.name,
        counts=item.counts,
        used=item.used,
        every=item.every,
        state="due" if item.due else "soon" if item.warns else "ok",
        holds=item.holds,
        since_ms=item.since_ms,
        done_by=item.actor,
        text=item.text,
    )
