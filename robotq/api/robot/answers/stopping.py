"""Why somebody stops a robot, and whether it stands by then: some answers come before it does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from robotq.api.http.call import Call
from robotq.engine.engine import Engine
from robotq.engine.robot.robot import Robot
from robotq.model.errors import RobotqError
from robotq.wire.robots import Motion

_WAIT_S = 0.01
"""Wall seconds that a stop waits for a body which the client sends after its headers."""

_LENGTH = 500


async def reason_of_stop(call: Call) -> str:
    """The `reason` in the body or the query. A stop is never refused or held up for its body:
    one that is late, broken or too long only counts for nothing."""
    reason = call.request.query.get("reason", "")
    if call.request.can_read_body:
        try:
            async with asyncio.timeout(_WAIT_S):
                body = await call.json()
        except (TimeoutError, RobotqError):
            return reason[:_LENGTH]
        if isinstance(body, dict) and isinstance(body.get("reason"), str):
            reason = body["reason"]
    return reason[:_LENGTH]


def running(robots: Mapping[str, Robot]) -> Mapping[str, str | None]:
    """The task that each robot carries out now."""
    tasks = {name: robot.executor.running for name, robot in robots.items()}
    return {name: None if task is None else task.id for name, task in tasks.items()}


async def motion_of(engine: Engine, robot: str, task_id: str | None) -> Motion:
    """How it is with `robot`, which was carrying out `task_id` when it was told to stop."""
    if task_id is None:
        return "no_command"
    now = engine.robots[robot].executor.running
    if now is not None and now.id == task_id:
        return "stopping"
    try:
        task = await engine.reads.task(task_id)
    except RobotqError:
        # it cannot be read
        return "unknown"
    if not task.state.final:
        return "stopping"
    return "unknown" if task.outcome_unknown else "stopped"
