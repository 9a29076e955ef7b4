"""The fleet in words, and commands of its inbox as tasks."""

from __future__ import annotations

from collections.abc import Sequence

from robotq.api.robot.answers.words import words
from robotq.fleet.door import Handed
from robotq.fleet.fleet import Fleet
from robotq.fleet.members import Known
from robotq.model.errors import ERROR_CODES, error_text
from robotq.model.json import JsonObject
from robotq.model.task import Command, Task, TaskError, TaskState
from robotq.model.texts import Language
from robotq.wire import fleet as wire

_STATES = {
    "refused": TaskState.FAILED,
    "expired": TaskState.FAILED,
    "cancelled": TaskState.CANCELLED,
}


def task_of_handed(handed: Handed) -> Task:
    """A command of the inbox as the task that it will be, or that it did not become."""
    body = handed.command
    inner = body if "cmd_type" in body else {**body, **body.get("data", {})}
    if isinstance(body.get("batch"), list):
        # as the first one of it, under whose id the batch is found
        inner = body["batch"][0]
    state = _STATES.get(handed.state, TaskState.PENDING)
    problem = handed.problem if state is not TaskState.PENDING else None
    error = None
    if handed.state == "expired":
        error = TaskError(code="expired")
    elif problem is not None:
        error = TaskError(code=problem["code"], args=problem.get("args", {}))
    return Task(
        id=handed.id,
        seq=0,
        api="robot",
        queue=handed.robot,
        command=Command(
            cmd_type=str(inner.get("cmd_type", "")),
            params=inner.get("params") or {},
            cmd_id=None if inner.get("cmd_id") is None else str(inner["cmd_id"]),
        ),
        actor=f"{handed.caller}@{handed.door}",
        submitted_at_ms=handed.accepted_at_ms,
        rank=0.0,
        expires_at_ms=handed.expires_at_ms,
        state=state,
        ended_at_ms=handed.settled_at_ms if state is not TaskState.PENDING else None,
        error=error,
    )


def handed_why(handed: Handed, fleet: Fleet, language: Language) -> str:
    """Why a command of the inbox was not taken yet; empty where it was, or will not be."""
    if handed.state not in ("waiting", "taking"):
        return ""
    daemon = handed.daemon or fleet.daemon_of(handed.robot)
    if daemon is None:
        return words("fleet_nobody", language, robot=handed.robot)
    known = _known(fleet.daemons, daemon)
    if known is None:
        return words("fleet_nobody", language, robot=handed.robot)
    if is_away(known, fleet):
        age_s = round(known.age_s)
        return words("fleet_away_since", language, daemon=daemon, age_s=age_s)
    if handed.problem is not None:
        return words(
            "fleet_not_yet", language, daemon=daemon, reason=problem_text(handed.problem, language)
        )
    return words("fleet_taking", language, daemon=daemon)


def _known(daemons: Sequence[Known], name: str) -> Known | None:
    return next((one for one in daemons if one.name == name), None)


def is_away(known: Known, fleet: Fleet) -> bool:
    """Whether nothing is to be had of a daemon now, as far as is known here."""
    return known.ended or known.age_s > fleet.config.away_s


def problem_text(problem: JsonObject, language: Language) -> str:
    code = problem["code"]
    if code not in ERROR_CODES:
        # a later robotq knows it
        return str(code)
    return error_text(code, problem.get("args", {}), language)


def waiting_view(handed: Handed, fleet: Fleet, language: Language) -> wire.Waiting:
    task = task_of_handed(handed)
    return wire.Waiting(
        task_id=handed.id,
        robot_id=handed.robot,
        cmd_type=task.command.cmd_type,
        cmd_id=task.command.cmd_id,
        actor=handed.caller,
        accepted_by=handed.door,
        accepted_at_ms=handed.accepted_at_ms,
        expires_at_ms=handed.expires_at_ms,
        state=handed.state,
        daemon=handed.daemon or fleet.daemon_of(handed.robot),
        why=handed_why(handed, fleet, language),
    )


def daemon_view(known: Known, fleet: Fleet, language: Language) -> wire.Daemon:
    state = known.state
    robots = state.get("robots", {})
    return wire.Daemon(
        name=known.name,
        url=known.url,
        version=known.version,
        here=known.name == fleet.name,
        age_s=round(known.age_s, 1),
        away=is_away(known, fleet),
        robots=tuple(robots.get(language.value) or ()),
        names=known.robots,
        estop=state.get("estop"),
        counts=state.get("counts", {}),
        behind=state.get("behind"),
    )
