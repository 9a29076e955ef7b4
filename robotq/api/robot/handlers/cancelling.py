"""POST /tasks/cancel: many tasks at once, counted first; and POST /tasks/restore."""

from __future__ import annotations

import re

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.http.elsewhere import not_told
from robotq.api.http.routes import REPLAYED
from robotq.api.robot.answers.words import words, words_of
from robotq.api.robot.models.tasks import CancelManyBody, RestoreBody
from robotq.engine.waiting.cancel_many import Selection
from robotq.model.errors import RobotqError
from robotq.model.task import TaskState
from robotq.wire.task_lists import CancelledMany, Restored

_TAG = re.compile(r'(?:W/)?"(\d{1,18})-(\d{1,9})"', re.ASCII)

_WHICH = ("task_ids", "batch_id", "robot_id", "cmd_type", "cmd_id", "group", "api")


async def cancel_many(call: Call) -> web.StreamResponse:
    """Without a count it answers how many are meant; with it, these are cancelled."""
    body = await call.body(CancelManyBody)
    selection = _selection(body)
    count, up_to = _confirmed(call, body)
    if count is None or up_to is None:
        found = call.engine.queue.find_many(selection)
        return call.answer(
            CancelledMany(
                success=True,
                message=words("would_cancel", call.language, count=found.count),
                dry_run=True,
                matching=found.count,
                up_to=found.up_to,
                states=found.by_state(),
                robots=found.by_queue(),
            ),
            headers={"ETag": f'"{found.up_to}-{found.count}"'},
        )
    done = await call.engine.queue.cancel_many(
        selection, count=count, up_to=up_to, actor=call.actor, reason=body.reason
    )
    cancelled = done.states.get(TaskState.CANCELLED.value, 0)
    missing = await not_told(call, *done.queues)
    told = {"cancelled": cancelled, "count": count}
    return call.answer(
        CancelledMany(
            success=True,
            message=words_of("cancelled_many", call.language, missing, **told),
            dry_run=False,
            matching=count,
            up_to=up_to,
            states=done.states,
            task_ids=tuple(done.task_ids),
            not_told=missing,
        ),
        headers=REPLAYED if done.repeated else None,
    )


async def restore(call: Call) -> web.StreamResponse:
    """Take a cancel back: the same commands as new tasks, where they stood."""
    ids = tuple(dict.fromkeys((await call.body(RestoreBody)).task_ids))
    new = await call.engine.put_back(ids, actor=call.actor, agent=call.caller.agent)
    return call.answer(
        Restored(
            success=True,
            message=words("restored", call.language, restored=len(new), count=len(ids)),
            restored=len(new),
            task_ids=tuple(new),
        )
    )


def _selection(body: CancelManyBody) -> Selection:
    """Raises RobotqError bad_parameter where nothing says which tasks are meant."""
    given = [key for key in _WHICH if getattr(body, key) is not None]
    if bool(given) == body.all:
        one_of = ", ".join(_WHICH)
        reason = (
            f"expected nothing beside it, and not {given[0]}"
            if given
            else f"expected true, or one of {one_of}: nothing says which tasks are meant"
        )
        raise RobotqError("bad_parameter", field="all", reason=reason)
    return Selection(
        states=frozenset(TaskState(word) for word in body.state.split(",")),
        queue=body.robot_id,
        batch_id=body.batch_id,
        cmd_type=body.cmd_type,
        cmd_id=body.cmd_id,
        group=body.group,
        api=body.api,
        task_ids=None if body.task_ids is None else frozenset(body.task_ids),
    )


def _confirmed(call: Call, body: CancelManyBody) -> tuple[int | None, int | None]:
    """Count and bound, from the body or from If-Match; both None where nothing is to be done.

    Raises RobotqError bad_parameter where half of it is missing or it is told twice.
    """
    header = call.request.headers.get("If-Match")
    if (body.count is None) != (body.up_to is None):
        missing = "count" if body.count is None else "up_to"
        reason = "expected both count and up_to, as the answer without them tells"
        raise RobotqError("bad_parameter", field=missing, reason=reason)
    if header is None:
        return body.count, body.up_to
    tag = _TAG.fullmatch(header.strip())
    if tag is None:
        reason = "expected the ETag of the answer without count"
        raise RobotqError("bad_parameter", field="If-Match", reason=reason)
    up_to, count = int(tag[1]), int(tag[2])
    if body.count is not None and (body.count, body.up_to) != (count, up_to):
        reason = "expected the same as in count and up_to"
        raise RobotqError("bad_parameter", field="If-Match", reason=reason)
    return count, up_to
