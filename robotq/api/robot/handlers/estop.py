"""The emergency stop over HTTP. It is not a safety-rated stop."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.http.elsewhere import ELSEWHERE
from robotq.api.http.errors import error_body
from robotq.api.robot.answers.acts import (
    line_to_send,
    motion_of,
    reason_of_stop,
    running,
    starts_next,
)
from robotq.api.robot.answers.holds import hold_views
from robotq.api.robot.answers.words import words
from robotq.api.robot.models.base import NamingBody
from robotq.engine.holds.confirming import Confirmation
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.wire import robots as wire


async def state(call: Call) -> web.StreamResponse:
    engine = call.engine
    holds = [hold for hold in engine.holds.all() if hold.code is HoldCode.ESTOP]
    return call.answer(
        wire.EStopState(
            latched=engine.estop.latched,
            robots={name: engine.holds.has(name, HoldCode.ESTOP) for name in engine.robots},
            holds=hold_views(holds, call.language),
        )
    )


async def trigger(call: Call) -> web.StreamResponse:
    """Stop every robot. Where one has not confirmed it, the answer is no success."""
    reason = await reason_of_stop(call)
    tasks = running(call.engine.robots)
    elsewhere = call.app.get(ELSEWHERE)
    spreading = (
        None
        if elsewhere is None
        else asyncio.create_task(elsewhere.spread_stop(call, reason), name="stop the fleet")
    )
    report = await call.engine.estop.trigger(actor=call.actor, reason=reason)
    motion = {name: await motion_of(call.engine, name, tasks[name]) for name in report.robots}
    facts: dict[str, Any] = {
        "latched": call.engine.estop.latched,
        "robots": report.robots,
        "motion": motion,
        "recorded": report.recorded,
        "latency_ms": round(report.latency_s * 1000, 3),
    }
    problems = {name: problem for name, problem in report.robots.items() if problem is not None}
    if spreading is not None and (peers := await spreading):
        facts["fleet"] = peers
        for name, told in peers.items():
            if not told.confirmed:
                told_robots = [f"{one}: {why}" for one, why in told.robots.items() if why]
                problems[name] = told.error or "; ".join(told_robots) or "not on disk there"
    if problems:
        return _incomplete(call, "estop_incomplete", problems, facts)
    early = not {"stopping", "unknown"}.isdisjoint(motion.values())
    message = words("estop_stopping" if early else "estop", call.language)
    return call.answer(wire.EStopDone(success=True, message=message, **facts))


async def reset(call: Call) -> web.StreamResponse:
    """Leave the emergency stop at every robot. Moves nothing; the queues stay paused."""
    return await _reset(call, None)


async def reset_robot(call: Call) -> web.StreamResponse:
    """The same for one robot."""
    return await _reset(call, call.engine.robot(call.path("robot_id")).name)


async def _reset(call: Call, robot: str | None) -> web.Response:
    engine = call.engine
    body = await call.body(NamingBody)
    path = "/estop/reset" if robot is None else f"/robots/{robot}/reset"
    with line_to_send(call, path, "estop --reset"):
        report = await engine.estop.reset(
            actor=call.actor, robot=robot, confirmation=Confirmation(body.holds), note=body.note
        )
    holds = [hold for name in report for hold in engine.holds.of(name)]
    facts: dict[str, Any] = {
        "latched": engine.estop.latched,
        "robots": report,
        "holds": hold_views(holds, call.language),
        "starts_next": {name: starts_next(engine, name) for name in report},
    }
    problems = {name: problem for name, problem in report.items() if problem is not None}
    if problems:
        return _incomplete(call, "reset_incomplete", problems, facts)
    message = words("estop_reset", call.language)
    return call.answer(wire.EStopResetDone(success=True, message=message, **facts))


def _incomplete(
    call: Call, code: str, problems: dict[str, str], facts: dict[str, object]
) -> web.Response:
    reason = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
    error = RobotqError("device_error", reason=reason)
    body = error_body(error, call.language)
    body["message"] = f"{words(code, call.language)} {body['message']}"
    return call.answer({**body, **facts}, error.code.http_status)
