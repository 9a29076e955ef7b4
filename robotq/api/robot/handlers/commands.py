"""POST /: the way in for commands."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web
from msgspec.structs import asdict

from robotq.api.access.scopes import Scope, allows
from robotq.api.http.call import Call, is_large
from robotq.api.http.elsewhere import ELSEWHERE, not_told
from robotq.api.http.routes import REPLAYED
from robotq.api.robot.answers.holds import hold_reason, hold_views
from robotq.api.robot.answers.words import words, words_of
from robotq.api.robot.models.submit import SubmitQuery
from robotq.catalog import Kind
from robotq.engine.intake.idempotency import Accepted, KeyedRequest
from robotq.engine.intake.read_command import Order
from robotq.model.carried.program import HandedIn, program_text
from robotq.model.errors import ERROR_CODES, RobotqError
from robotq.model.outcome import result_view
from robotq.model.task import Task
from robotq.model.texts import Language, text
from robotq.wire import submit as wire

if TYPE_CHECKING:
    from robotq.api.http.bodies.large_body import LargeJson

API = "robot"

# constructed, so that its validator is not built before somebody sends a query
_PLAIN = SubmitQuery.model_construct()
_QUEUED = {
    language: (text("queued", {}, language), text("queued_note", {}, language))
    for language in Language
}
_PREFER_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?")

_LOOK_S = 5.0
"""Wall seconds after which a waiting request looks whether its client is still there."""


async def submit(call: Call) -> web.StreamResponse:
    """Take a command or a list of commands, and do at once what acts at once."""
    query = call.query(SubmitQuery) if call.request.rel_url.raw_query_string else _PLAIN
    plain = query.cmd_type is not None and call.request.content_type == "text/plain"
    limit_bytes = call.engine.config.limits.body_bytes
    if not call.is_here(limit_bytes) and is_large(call.request, limit_bytes):
        async with AsyncExitStack() as stack:
            return await _submit_large(call, query, stack, plain=plain)
    if plain:
        return await _submit(call, query, _program(call, query, program_text(await call.bytes())))
    return await _submit(call, query, await call.json(unique=True))


async def _submit_large(
    call: Call, query: SubmitQuery, stack: AsyncExitStack, *, plain: bool
) -> web.StreamResponse:
    """The same with programs that are not held in memory."""
    from robotq.api.http.bodies import large_body  # noqa: PLC0415 - most daemons never need it

    engine, limits = call.engine, call.engine.config.limits
    if plain:
        # before a long upload: what is said about it in the query
        _program(call, query, "")
        text = await large_body.read_program(
            call.request, engine.programs, stack, limits.program_bytes
        )
        return await _submit(call, query, _program(call, query, text))
    large = large_body.LargeJson(engine.programs, stack, limits.body_bytes)
    return await _submit(call, query, await large.read(call.request), large)


async def _submit(
    call: Call, query: SubmitQuery, body: Any, large: LargeJson | None = None
) -> web.StreamResponse:
    batch = isinstance(body, list)
    elsewhere = call.app.get(ELSEWHERE)
    if elsewhere is not None and (robot := elsewhere.robot_of(call, body)) is not None:
        at_once = query.dry_run or bool(_wait_s(call))
        return await elsewhere.hand_in(
            call, body, robot, at_once=at_once, keyed=call.keyed(API, body)
        )
    orders = _read_batch(call, body) if batch else [call.engine.intake.read(body)]
    if large is not None:
        large.require_programs(orders)
    for order in orders:
        if order.spec.kind is Kind.CONTROL and not allows(call.caller.scopes, Scope.CONTROL):
            raise RobotqError("forbidden", scope=Scope.CONTROL.value)
        if call.caller.agent and order.spec.approval and order.spec.kind is not Kind.QUEUED:
            # it acts at once, so it cannot wait until somebody agrees
            raise RobotqError("person_needed", action=order.command.cmd_type)
    if query.dry_run:
        from robotq.api.robot.handlers.dry_run import dry_run  # noqa: PLC0415 - seldom needed

        return await dry_run(call, orders, batch=batch)
    if not batch and orders[0].spec.kind is not Kind.QUEUED:
        return await _at_once(call, orders[0])
    wait_s = _wait_s(call)
    keyed = call.keyed(API, body)
    if wait_s and call.engine.config.mode == "sync":
        await _refuse_if_held(call, orders, keyed)
    accepted = await call.engine.queue.submit(
        orders,
        api=API,
        actor=call.caller.name,
        batch=batch,
        contiguous=query.contiguous,
        keyed=keyed,
        agent=call.caller.agent,
    )
    if wait_s:
        tasks = [await _ended(call, task_id, wait_s) for task_id in accepted.task_ids]
        if all(task.state.final for task in tasks):
            return _results(call, accepted, tasks)
    return _queued(call, accepted)


def _program(call: Call, query: SubmitQuery, text: HandedIn | str) -> Any:
    """The command for a body that is a program."""
    return call.engine.intake.program_body(
        text,
        cmd_type=query.cmd_type,
        robot_id=query.robot_id,
        cmd_id=query.cmd_id,
        priority=_number_or_word(query.priority),
        not_before=query.not_before,
        expires_at=query.expires_at,
    )


def _number_or_word(text: str | None) -> int | str | None:
    """A priority as it stands in a query; whether it is one is seen later."""
    if text is None or not re.fullmatch(r"-?[0-9]{1,3}", text):
        return text
    return int(text)


def _read_batch(call: Call, items: list[Any]) -> list[Order]:
    limit = call.engine.config.limits.batch
    if not 0 < len(items) <= limit:
        raise RobotqError("bad_parameter", field="body", reason=f"expected 1 to {limit} commands")
    return call.engine.intake.read_batch(items)


async def _at_once(call: Call, order: Order) -> web.Response:
    command = order.command
    result = await call.engine.immediate.serve(order, actor=call.actor)
    # what acts at once is done; that its queue is held now may be for another machine to know
    holds = order.spec.kind is not Kind.QUERY and call.engine.holds.held(order.robot)
    missing = await not_told(call, order.robot) if holds else ()
    done = wire.DoneAtOnce(
        success=True,
        code=0,
        message=words_of("immediate", call.language, missing, cmd_type=command.cmd_type),
        cmd_type=command.cmd_type,
        cmd_id=command.cmd_id,
    )
    told = {"not_told": missing} if missing else {}
    return call.answer({**asdict(done), **result, **told})


def _wait_s(call: Call) -> float:
    """How long the client wants to wait for the end: 0 not at all, infinite until it comes."""
    prefer = call.request.headers.get("Prefer")
    if prefer is not None:
        asked = _PREFER_WAIT.search(prefer.lower())
        if asked is not None:
            return float(asked[1])
        if "respond-async" in prefer.lower():
            return 0
    return math.inf if call.engine.config.mode == "sync" else 0


async def _refuse_if_held(call: Call, orders: Sequence[Order], keyed: KeyedRequest | None) -> None:
    holds = [
        hold
        for robot in dict.fromkeys(order.robot for order in orders)
        for hold in call.engine.holds.of(robot)
    ]
    if not holds:
        return
    # what was accepted before is answered again, whatever has happened to the queue since
    if keyed is not None and await call.engine.reads.answer(keyed.scope, keyed.key) is not None:
        return
    raise RobotqError(
        "queue_held",
        reason="; ".join(hold_reason(hold, call.language) for hold in holds),
        holds=hold_views(holds, call.language),
    )


async def _ended(call: Call, task_id: str, wait_s: float) -> Task:
    """The task when it has ended, the time is up, or the client has left."""
    queue = call.engine.queue
    left_s = wait_s
    while True:
        step_s = min(left_s, _LOOK_S)
        try:
            task = await queue.wait_ended(task_id, step_s)
        except RobotqError as error:
            if error.code.name != "too_many_requests":
                raise
            # it was accepted; an error here would make the client send it again
            return await call.engine.reads.task(task_id)
        left_s -= step_s
        if task.state.final or left_s <= 0 or call.request.transport is None:
            return task


def _queued(call: Call, accepted: Accepted) -> web.Response:
    language = call.language
    message, note = _QUEUED[language]
    told: wire.Accepted | wire.AcceptedBatch
    if accepted.batch_id is None:
        told = wire.Accepted(
            success=True,
            message=message,
            task_id=accepted.task_ids[0],
            queue_size=accepted.queue_size,
            note=note,
        )
    else:
        told = wire.AcceptedBatch(
            success=True,
            message=words("accepted_batch", language, count=len(accepted.task_ids)),
            batch_id=accepted.batch_id,
            task_ids=tuple(accepted.task_ids),
            queue_size=accepted.queue_size,
            note=note,
        )
    return call.answer(told, headers=REPLAYED if accepted.repeated else None)


def _results(call: Call, accepted: Accepted, tasks: Sequence[Task]) -> web.Response:
    """What the robot did, in place of the task id: the answer of the synchronous mode."""
    results = tuple(_result(task, call) for task in tasks)
    failed = next((result for result in results if not result["success"]), None)
    error_code = None if failed is None else failed["error_code"]
    status = 200 if error_code is None else _http_status(error_code)
    if accepted.batch_id is None:
        return call.answer(results[0], status)
    first = failed or results[-1]
    whole = wire.BatchEnding(
        success=failed is None,
        message=first["message"],
        code=first["code"],
        error_code=error_code,
        batch_id=accepted.batch_id,
        task_ids=tuple(accepted.task_ids),
        results=results,
    )
    return call.answer(whole, status)


def _result(task: Task, call: Call) -> Any:
    """An `Ending`, with what the robot found."""
    result = result_view(task, call.language) or {}
    ending = wire.Ending(
        success=result["success"],
        message=result["message"],
        code=result["code"] if task.error is not None else 0,
        error_code=result.get("error_code"),
        cmd_id=task.command.cmd_id,
        task_id=task.id,
    )
    # what a failed one found may be large, and knows its JSON
    return {**result, **msgspec.to_builtins(ending)}


def _http_status(error_code: str) -> int:
    row = ERROR_CODES.get(error_code) or ERROR_CODES["device_error"]
    return row.http_status
