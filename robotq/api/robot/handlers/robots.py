"""GET /robots, and what people do to a robot."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from robotq.api.access.key_rows import RESERVED
from robotq.api.http.call import Call
from robotq.api.http.errors import part
from robotq.api.robot.answers.confirming import line_to_send, starts_next
from robotq.api.robot.answers.holds import hold_views, reason_views
from robotq.api.robot.answers.stopping import motion_of, reason_of_stop, running
from robotq.api.robot.answers.values import course
from robotq.api.robot.answers.words import robot_state, words
from robotq.api.robot.models.base import EmptyBody
from robotq.api.robot.models.robots import ResumeMotionBody, ValuesQuery
from robotq.drivers.base import DriverStatus
from robotq.engine.engine import Engine
from robotq.engine.holds.confirming import Confirmation
from robotq.engine.robot.robot import Robot
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.wire import robots as wire


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


async def get_values(call: Call) -> web.StreamResponse:
    """From memory: nobody who looks makes the robot speak."""
    robot = call.engine.robot(call.path("robot_id"))
    points = call.query(ValuesQuery).points
    return call.answer(course(robot, call.engine.clock.now_ms(), points))


async def hold(call: Call) -> web.StreamResponse:
    await call.body(EmptyBody)
    robot = await call.engine.hold_motion(call.path("robot_id"), actor=call.actor)
    held = robot.motion.hold
    holding = held is not None and held.now.get("state") == "holding"
    return _done(call, "motion_holding" if holding else "motion_held", robot)


async def resume(call: Call) -> web.StreamResponse:
    body = await call.body(ResumeMotionBody)
    name = call.path("robot_id")
    # people without a key share a name: the hold of one is not that of another
    own = None if call.actor in RESERVED else call.actor
    with line_to_send(call, f"/robots/{name}/resume", f"resume-motion {name}"):
        robot = await call.engine.resume_motion(
            name,
            actor=call.actor,
            confirmation=Confirmation(body.holds, actor=own),
            note=body.note,
            stay_paused=body.then == "stay_paused",
        )
    return _done(call, "motion_resumed", robot)


async def stop(call: Call) -> web.StreamResponse:
    """A controlled stop; a body that is slow or wrong does not keep it from happening."""
    reason = await reason_of_stop(call)
    robot = call.engine.robot(call.path("robot_id"))
    task_id = running({robot.name: robot})[robot.name]
    await call.engine.stop_robot(robot.name, actor=call.actor, reason=reason)
    motion = await motion_of(call.engine, robot.name, task_id)
    return _done(call, f"robot_{motion}", robot, motion=motion)


def _done(call: Call, code: str, robot: Robot, motion: wire.Motion | None = None) -> web.Response:
    facts: dict[str, Any] = {
        "success": True,
        "message": words(code, call.language),
        "robot_id": robot.name,
        "recorded": call.engine.recorded([robot.name]),
        "holds": hold_views(call.engine.holds.of(robot.name), call.language),
        "starts_next": starts_next(call.engine, robot.name),
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
        place=status.place if status is not None else None,
        devices={} if status is None else _devices(status.devices),
        details=part(status.details if status is not None else {}),
        status_error=status_error,
        capabilities=asdict(robot.capabilities),
        queue_size=len(robot_queue),
        running_task=robot_queue.running.id if robot_queue.running is not None else None,
        resources=_resources(engine, robot.name),
        holds=hold_views(holds, call.language),
        why=reason_views(engine.why.of(robot.name).reasons, call.language),
    )


def _devices(told: Mapping[str, JsonObject]) -> Mapping[str, wire.Device]:
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


def _motion_state(status: DriverStatus | None) -> str | None:
    if status is None or not status.held:
        return None
    return "holding" if status.still_moving else "held"
