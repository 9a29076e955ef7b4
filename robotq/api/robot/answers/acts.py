"""Acts of people: what a confirmation names, the line to send where it has to name more, and what
starts then; why somebody stops a robot, and if it stands by then."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from robotq.api.http.call import Call
from robotq.api.robot.answers.holds import hold_views
from robotq.engine.engine import Engine
from robotq.engine.robot.robot import Robot
from robotq.model.errors import RobotqError
from robotq.wire.robots import Motion
from robotq.wire.task_lists import StartsNext


@contextmanager
def line_to_send(call: Call, path: str, command: str | None) -> Iterator[None]:
    """A refusal of what is not named gets the holds and the exact lines to send.

    `command` is what `robotq` is called with, None where it has no such command.
    """
    try:
        yield
    except RobotqError as error:
        if error.code.name not in ("not_named", "not_what_was_meant"):
            raise
        found = error.args_["found"]
        names = [hold.id for hold in found]
        url = f"{call.request.scheme}://{call.request.host}{path}"
        body = shlex.quote(json.dumps({"holds": names}))
        curl = f"curl -X POST {shlex.quote(url)} -d {body}"
        send = {"curl": curl}
        if command is not None:
            send["robotq"] = " ".join(["robotq", command, *(f"--hold {name}" for name in names)])
        raise RobotqError(
            error.code.name,
            send=" | ".join(reversed(send.values())) if names else "-",
            lines=send if names else {},
            holds=hold_views(found, call.language),
        ) from error


def starts_next(engine: Engine, queue: str, approved: Collection[str] = ()) -> StartsNext | None:
    """The waiting command that begins next, at once or as soon as nothing holds the queue;
    None where none can, or the queue is one for workers. `approved`: as if these tasks were."""
    if queue not in engine.robots:
        return None
    task = engine.queue.would_start(queue, approved)
    if task is None:
        return None
    command = task.command
    return StartsNext(task_id=task.id, cmd_type=command.cmd_type, cmd_id=command.cmd_id)


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
