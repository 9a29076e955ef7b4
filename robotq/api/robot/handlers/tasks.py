"""GET /task/{id}, GET /tasks, what can be done to a task, and its program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiohttp import web
from msgspec.structs import replace

from robotq.api.http.call import Call
from robotq.api.http.elsewhere import ELSEWHERE, Elsewhere, not_told
from robotq.api.http.errors import json_bytes
from robotq.api.http.routes import REPLAYED
from robotq.api.robot.answers.acts import starts_next
from robotq.api.robot.answers.task import STATUS, VIEWS, task_line, task_view
from robotq.api.robot.answers.times import read_time
from robotq.api.robot.answers.words import words_of
from robotq.api.robot.handlers.commands import API
from robotq.api.robot.models import tasks as models
from robotq.engine.intake.admission import series_of
from robotq.engine.intake.idempotency import Accepted
from robotq.engine.queue.queue import KeyedRequest
from robotq.model.errors import RobotqError
from robotq.model.task import Task, TaskState
from robotq.store.port import TaskQuery
from robotq.wire import task_lists

if TYPE_CHECKING:
    from robotq.engine.control.from_line import FromLine


async def get_task(call: Call) -> web.StreamResponse:
    engine, task_id = call.engine, call.path("task_id")
    wait_s = 0.0
    try:
        if call.request.rel_url.raw_query_string:
            wait_s = call.query(models.TaskQueryParameters).wait
            task = await engine.queue.wait_ended(task_id, wait_s)
        else:
            task = engine.reads.known(task_id) or await engine.reads.task(task_id)
        webhooks = await engine.webhooks.of(task)
        return json_bytes(call.app[VIEWS].encoded(task, call.language, webhooks))
    except RobotqError as error:
        elsewhere = _elsewhere(call, error)
        if elsewhere is None:
            raise
        return await elsewhere.task(call, task_id, wait_s)


def _elsewhere(call: Call, error: RobotqError) -> Elsewhere | None:
    """Whom to ask for a task that is not here."""
    return call.app.get(ELSEWHERE) if error.code.name == "task_not_found" else None


async def task_query(call: Call, query: models.TaskFilters) -> TaskQuery:
    """Which tasks a query means. Raises RobotqError bad_parameter."""
    states = _states(query.state, "state") | _states(query.status, "status")
    return TaskQuery(
        api=query.api,
        queue=query.robot_id,
        states=states,
        cmd_type=query.cmd_type,
        cmd_id=query.cmd_id,
        batch_id=query.batch_id,
        repeat_of=None if query.repeat_of is None else await _series(call, query.repeat_of),
        error_code=query.error_code,
        submitted_from_ms=read_time(query.from_, "from") if query.from_ else None,
        submitted_to_ms=read_time(query.to, "to") if query.to else None,
        before_seq=query.cursor,
    )


async def list_tasks(call: Call) -> web.StreamResponse:
    page, next_cursor = await tasks_page(call, call.query(models.TasksQuery))
    return call.answer(
        task_lists.Tasks(
            tasks=tuple(task_line(task, call.engine) for task in page),
            count=len(page),
            next_cursor=next_cursor,
        )
    )


async def tasks_page(call: Call, query: models.TasksQuery) -> tuple[Sequence[Task], str | None]:
    """The tasks of a page, and the cursor to the next one."""
    wanted = await task_query(call, query)
    # one more, to know whether there is a next page
    found = await call.engine.reads.tasks(replace(wanted, limit=query.limit + 1))
    page = found[: query.limit]
    return page, str(page[-1].seq) if len(found) > query.limit else None


async def _series(call: Call, task_id: str) -> str:
    """The first run of the series of this task. It may be gone, and the others not."""
    try:
        return series_of(await call.engine.reads.task(task_id))
    except RobotqError as error:
        if error.code.name != "task_not_found":
            raise
        return task_id


async def cancel(call: Call) -> web.StreamResponse:
    body = await call.body(models.CancelBody)
    task_id = call.path("task_id")
    try:
        task = await call.engine.queue.cancel(task_id, actor=call.actor, reason=body.reason)
    except RobotqError as error:
        elsewhere = _elsewhere(call, error)
        if elsewhere is None:
            raise
        return await elsewhere.cancel(call, task_id, body.model_dump(exclude_none=True))
    if task.state is not TaskState.CANCELLED:
        # it ended otherwise while the stop was on its way
        state = "outcome_unknown" if task.outcome_unknown else task.state.value
        # it was told to, and has not said in time that it stands
        state = state if task.state.final else "stopping"
        raise RobotqError("wrong_state", task_id=task.id, state=state, action="cancel")
    return _done(call, "cancelled", task, missing=await not_told(call, task.queue))


async def approve(call: Call) -> web.StreamResponse:
    call.refuse_agents("approve")
    body = await call.body(models.ApproveBody)
    task = await call.engine.queue.approve(
        call.path("task_id"),
        actor=call.actor,
        note=body.note,
        seen=body.revision,
        stay_paused=body.then == "stay_paused",
    )
    return _done(call, "approved", task, missing=await not_told(call, task.queue))


async def reject(call: Call) -> web.StreamResponse:
    call.refuse_agents("reject")
    body = await call.body(models.RejectBody)
    task = await call.engine.queue.reject(
        call.path("task_id"), actor=call.actor, reason=body.reason, seen=body.revision
    )
    return _done(call, "rejected", task, missing=await not_told(call, task.queue))


async def resolve(call: Call) -> web.StreamResponse:
    call.refuse_agents("resolve")
    body = await call.body(models.ResolveBody)
    task = await call.engine.resolve(
        call.path("task_id"),
        body.outcome,
        actor=call.actor,
        note=body.note,
        seen=body.revision,
        stay_paused=body.then == "stay_paused",
        keyed=_keyed(call, body),
    )
    return _done(call, "resolved", task, missing=await not_told(call, task.queue))


async def answer(call: Call) -> web.StreamResponse:
    value, asked = await call.json(unique=True), call.query(models.InputQuery).question
    task = await call.engine.answer(
        call.path("task_id"), value, actor=call.actor, asked_at_ms=asked
    )
    return _done(call, "answered", task)


async def retry(call: Call) -> web.StreamResponse:
    body = await call.body(models.RetryBody)
    accepted = await call.engine.retry_once(
        call.path("task_id"),
        actor=call.actor,
        agent=call.caller.agent,
        note=body.note,
        stay_paused=body.then == "stay_paused",
        keyed=_keyed(call, body),
    )
    return await _retried(call, accepted, body)


async def _retried(call: Call, accepted: Accepted, body: models.RetryBody) -> web.Response:
    task = await call.engine.reads.task(accepted.task_ids[0])
    missing = await _of_pause(call, body, task)
    return _done(call, "retried", task, repeated=accepted.repeated, missing=missing)


async def retry_batch(call: Call) -> web.StreamResponse:
    """What has not completed of a batch, in its order, as one batch again."""
    body = await call.body(models.RetryBody)
    accepted = await call.engine.retry_batch(
        call.path("batch_id"),
        actor=call.actor,
        agent=call.caller.agent,
        note=body.note,
        stay_paused=body.then == "stay_paused",
        keyed=_keyed(call, body),
    )
    first = await call.engine.reads.task(accepted.task_ids[0])
    missing, count = await _of_pause(call, body, first), len(accepted.task_ids)
    return call.answer(
        task_lists.RetriedBatch(
            success=True,
            message=words_of("retried_batch", call.language, missing, count=count),
            batch_id=str(accepted.batch_id),
            task_ids=tuple(accepted.task_ids),
            queue_size=accepted.queue_size,
            starts_next=starts_next(call.engine, first.queue),
            not_told=missing,
        ),
        headers=REPLAYED if accepted.repeated else None,
    )


async def _of_pause(
    call: Call, body: models.RetryBody | models.RerunBody, task: Task
) -> tuple[str, ...]:
    """Of `stay_paused`: whether a second machine may not know of the pause."""
    return await not_told(call, task.queue) if body.then == "stay_paused" else ()


def _keyed(call: Call, body: models.RetryBody | models.ResolveBody) -> KeyedRequest | None:
    return call.keyed(API, {"path": call.request.path, **body.model_dump()})


def _done(
    call: Call, code: str, task: Task, *, repeated: bool = False, missing: tuple[str, ...] = ()
) -> web.Response:
    return call.answer(
        task_lists.TaskDone(
            success=True,
            message=words_of(code, call.language, missing),
            task_id=task.id,
            task=task_view(task, call.engine, call.language),
            starts_next=starts_next(call.engine, task.queue),
            not_told=missing,
        ),
        headers=REPLAYED if repeated else None,
    )


def _states(text: str | None, field: str) -> frozenset[TaskState]:
    """The states that a list of words between commas stands for; empty for all."""
    if not text:
        return frozenset()
    states: set[TaskState] = set()
    for word in text.split(","):
        meant = (
            {state for state, status in STATUS.items() if status == word}
            if field == "status"
            else {state for state in TaskState if state.value == word}
        )
        if not meant:
            known = STATUS.values() if field == "status" else TaskState
            options = ", ".join(dict.fromkeys(known))
            raise RobotqError("bad_parameter", field=field, reason=f"expected one of {options}")
        states |= meant
    return frozenset(states)


async def rerun(call: Call) -> web.StreamResponse:
    """A person decides it, and has seen what would run: another program is not run."""
    call.refuse_agents("rerun")
    body = await call.body(models.RerunBody)
    task_id = call.path("task_id")
    from_line: FromLine = call.engine.from_line
    if body.seen is None:
        from robotq.api.robot.handlers.program import shown  # noqa: PLC0415 - seldom needed

        return call.answer(shown(await from_line.look(task_id, body.from_line), call))
    accepted = await from_line.run(
        task_id,
        body.from_line,
        body.seen,
        actor=call.actor,
        note=body.note,
        stay_paused=body.then == "stay_paused",
        keyed=_keyed(call, body),
    )
    return await _retried(call, accepted, body)


async def get_program(call: Call) -> web.StreamResponse:
    """Its module is read for the first who asks."""
    from robotq.api.robot.handlers.program import program_file  # noqa: PLC0415 - seldom needed

    return await program_file(call)
