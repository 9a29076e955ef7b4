"""A task as the robot interface shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from msgspec.structs import asdict, replace

from robotq.api.http.errors import encoded, part
from robotq.api.http.remembered import Remembered
from robotq.api.robot.answers.event import webhook_view
from robotq.api.robot.answers.holds import hold_views, reason_views, wait_view
from robotq.api.robot.answers.times import local_time, schedule_view
from robotq.config.receivers import shown_url
from robotq.engine.engine import Engine
from robotq.model.carried.artifact import Artifact
from robotq.model.carried.program import shown_params
from robotq.model.carried.stopped_at import ProgramLine, stopped_at_in
from robotq.model.delivery import Delivery
from robotq.model.outcome import result_view
from robotq.model.task import Question, Step, StepState, Task, TaskError, TaskState
from robotq.model.texts import Language, text
from robotq.wire import task_lists
from robotq.wire import tasks as wire
from robotq.wire.base import NULL

STATUS: Mapping[TaskState, str] = {
    TaskState.PENDING: "pending",
    TaskState.RUNNING: "running",
    TaskState.COMPLETED: "completed",
    TaskState.FAILED: "failed",
    # the documented clients wait for one of four words
    TaskState.CANCELLED: "failed",
}

_REMEMBERED = 256
"""Tasks of which the JSON is kept; one of the longest scans has some 300 kB."""


class TaskViews:
    """Tasks as JSON. What does not change with the time is made once for each record, since
    clients ask for the same task again and again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lasting: Remembered[Task, bytes] = Remembered(_REMEMBERED)

    def encoded(self, task: Task, language: Language, webhooks: Sequence[Delivery] = ()) -> bytes:
        """The JSON of `task_view`, with the webhooks of the task."""
        lasting = self._lasting.get(
            (task.id, language),
            task,
            lambda: encoded(_lasting(task, self._engine, language)),
        )
        passing = _passing(task, self._engine, language)
        if webhooks:
            passing["webhooks"] = tuple(webhook_view(delivery, language) for delivery in webhooks)
        if not passing:
            return lasting
        # one object out of two
        return lasting[:-1] + b"," + encoded(passing)[1:]


VIEWS = web.AppKey("views", TaskViews)


def task_view(task: Task, engine: Engine, language: Language) -> wire.Task:
    """Everything about a task: the documented fields and the finer ones."""
    return replace(_lasting(task, engine, language), **_passing(task, engine, language))


def _lasting(task: Task, engine: Engine, language: Language) -> wire.Task:
    """What follows from the record alone."""
    command, work = task.command, task.work
    robot = None if task.state.final else engine.robots.get(task.queue)
    asked = None if task.state.final else task.waiting_for
    return wire.Task(
        **_head(task),
        params=part(shown_params(command)),
        extra=part(command.extra),
        priority=task.priority,
        actor=task.actor,
        attempt=task.attempt,
        simulated=task.simulated if robot is None else robot.capabilities.simulated,
        submitted_at_ms=task.submitted_at_ms,
        started_at_ms=task.started_at_ms,
        ended_at_ms=task.ended_at_ms,
        retry_of=task.retry_of,
        from_line=task.from_line,
        revision=task.revision,
        **schedule_view(task.not_before_ms, task.expires_at_ms, task.repeat),
        repeat_of=task.repeat_of,
        callback_url=None if command.callback_url is None else shown_url(command.callback_url),
        **(_steps(task.steps) if task.steps else {}),
        work=None
        if work is None
        else wire.Work(
            match=work.match,
            worker=task.worker,
            lease_until_ms=task.lease_until_ms,
            deadline_ms=work.deadline_ms,
            retries=task.retries,
        ),
        run_id=None if task.run is None else task.run.id,
        settled=task.settled,
        partial=None if task.partial is None else part(task.partial),
        waiting_for=None if asked is None else question_view(task, asked, language),
        artifacts=tuple(artifact_view(one, language) for one in task.artifacts),
        **(_ending(task, language) if task.state.final else {}),
    )


def task_line(task: Task, engine: Engine) -> task_lists.TaskLine:
    """A task in a list: enough to find it."""
    pending = task.state is TaskState.PENDING
    return task_lists.TaskLine(
        **_head(task),
        error_code=None if task.error is None else task.error.code,
        position=(engine.reads.position(task) or NULL) if pending else None,
        awaits_approval=pending and task.awaits_approval,
    )


def _head(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "status": STATUS[task.state],
        "state": task.state,
        "cmd_type": task.command.cmd_type,
        "cmd_id": task.command.cmd_id,
        "robot_id": task.queue,
        "api": task.api,
        "submit_time": local_time(task.submitted_at_ms),
        "start_time": _time(task.started_at_ms),
        "end_time": _time(task.ended_at_ms),
        "batch_id": task.batch_id,
        "progress": task.progress,
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else local_time(at_ms)


def _steps(steps: tuple[Step, ...]) -> dict[str, Any]:
    running = [step.name for step in steps if step.state is StepState.RUNNING]
    return {
        "current_step": running[-1] if running else NULL,
        "completed_steps": [
            wire.StepDuration(name=step.name, duration_s=step.duration_s)
            for step in steps
            if step.state is StepState.COMPLETED
        ],
        "steps": [
            wire.Step(
                name=step.name,
                state=step.state,
                start_time=local_time(step.started_at_ms),
                started_at_ms=step.started_at_ms,
                duration_s=step.duration_s,
                detail=step.detail,
            )
            for step in steps
        ],
    }


def _passing(task: Task, engine: Engine, language: Language) -> dict[str, Any]:
    """What changes with the time while the record is the same."""
    now_ms = engine.clock.now_ms()
    match task.state:
        case TaskState.PENDING:
            return _place_in_line(task, engine, language, now_ms)
        case TaskState.RUNNING:
            why = engine.why.task(task)
            if why:
                return {"why": reason_views(why, language)}
            left_s = engine.queue.remaining_s(task, now_ms)
            return (
                {} if left_s is None else {"remaining_s": round(left_s, 1), **_eta(left_s, now_ms)}
            )
        case _ if (current := task.repeat and engine.queue.current_run(task)) is not None:
            return {"current_run": current}
        case _:
            return {}


def start_view(engine: Engine, task: Task, starts_s: float, now_ms: int) -> dict[str, Any]:
    """When a waiting task starts, in wall time. While its queue is held nobody knows: then, how
    long after that is over."""
    if engine.holds.held(task.queue):
        return {"starts_after_resume_s": round(starts_s, 1)}
    view: dict[str, Any] = {"starts_in_s": round(starts_s, 1)}
    takes_s = engine.queue.duration_s(task.command.cmd_type)
    return view if takes_s is None else {**view, **_eta(starts_s + takes_s, now_ms)}


def _eta(left_s: float, now_ms: int) -> dict[str, Any]:
    eta_ms = now_ms + int(left_s * 1000)
    return {"eta": local_time(eta_ms), "eta_ms": eta_ms}


def _place_in_line(task: Task, engine: Engine, language: Language, now_ms: int) -> dict[str, Any]:
    position = engine.reads.position(task)
    view: dict[str, Any] = {
        # None is told, and not left out
        "position": NULL if position is None else position,
        "why": reason_views(engine.why.task(task), language),
    }
    if task.work is not None:
        # many work at once, so its place says little about when its turn comes
        holds = engine.holds.of(task.queue)
        return view | ({"holds": hold_views(holds, language)} if holds else {})
    robot_queue = engine.reads.robot_queue(task.queue)
    starts_s = None if position is None else engine.queue.starts_in_s(robot_queue, position, now_ms)
    if starts_s is not None:
        view |= start_view(engine, task, starts_s, now_ms)
    if waits := engine.why.waits(task):
        view["waits"] = tuple(wait_view(wait, language) for wait in waits)
    if holds := engine.holds.of(task.queue):
        view["holds"] = hold_views(holds, language)
    return view


def artifact_view(artifact: Artifact, language: Language) -> wire.Artifact:
    reason = artifact.not_kept
    return wire.Artifact(
        name=artifact.name,
        media_type=artifact.media_type,
        size=artifact.size,
        sha256=artifact.sha256,
        not_kept=None if reason is None else text(reason, {}, language),
    )


def question_view(task: Task, question: Question, language: Language) -> wire.Question:
    """What a running command asks."""
    return wire.Question(
        prompt=text(question.prompt, question.args, language),
        args=part(question.args),
        schema=part(question.schema),
        answered_by=question.answered_by,
        asked_at=local_time(question.asked_at_ms),
        asked_at_ms=question.asked_at_ms,
        deadline=local_time(question.deadline_ms),
        deadline_ms=question.deadline_ms,
        answer={"method": "POST", "path": f"/task/{task.id}/input"},
    )


def _stopped_at(error: TaskError) -> wire.StoppedAt | None:
    at = stopped_at_in(error.args)
    if at is None:
        return None

    def shown(line: ProgramLine | None) -> wire.ProgramLine | None:
        return None if line is None else wire.ProgramLine(line=line.line, text=line.text)

    return wire.StoppedAt(
        lines=at.lines, answered=shown(at.answered), done=shown(at.done), begun=shown(at.begun)
    )


def _ending(task: Task, language: Language) -> dict[str, Any]:
    result = result_view(task, language)
    assert result is not None
    view: dict[str, Any] = {
        "result": part(result),
        "code": result["code"] if task.error is not None else 0,
        "message": result["message"],
        "retried_as": task.retried_as,
    }
    if task.error is not None:
        view["error_code"] = result["error_code"]
        view["error"] = wire.TaskError(
            code=result["code"],
            error_code=result["error_code"],
            message=result["message"],
            step=task.error.step,
            stopped_at=_stopped_at(task.error),
            args=part(task.error.args),
        )
    if (resolution := task.resolution) is not None:
        view["resolution"] = asdict(
            wire.Resolution(
                outcome=resolution.outcome,
                actor=resolution.actor,
                at=local_time(resolution.at_ms),
                at_ms=resolution.at_ms,
                note=resolution.note,
            )
        )
        view["retried_as"] = task.retried_as or resolution.retried_as
    return view
