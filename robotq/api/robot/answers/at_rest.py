"""Whether a robot stands after a stop, for the answer to it: some come before it does."""

from __future__ import annotations

from collections.abc import Mapping

from robotq.engine.engine import Engine
from robotq.engine.robot.robot import Robot
from robotq.model.errors import RobotqError
from robotq.wire.robots import Motion


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
