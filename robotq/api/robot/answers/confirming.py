"""What a confirmation names, the line to send where it has to name more, and what starts then."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from robotq.api.http.call import Call
from robotq.api.robot.answers.holds import hold_views
from robotq.engine.engine import Engine
from robotq.model.errors import RobotqError
from robotq.wire.tasks import StartsNext


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
