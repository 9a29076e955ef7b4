"""robotq resolve, retry, answer, resume, hold-motion, resume-motion, estop: what people decide."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

from robotq.cli.shared import parse
from robotq.cli.shared.about import (
    Confirmation,
    Holds,
    KeyOnce,
    Note,
    Revision,
    Then,
    ThenOption,
    then_of,
)
from robotq.cli.shared.display.screen import show, show_json
from robotq.cli.shared.http import talk
from robotq.cli.shared.options import URL, AsJson, Key, Robot, Url
from robotq.client.request import new_key
from robotq.model.json import JsonObject

_TaskId = Annotated[str, parse.Argument(metavar="TASK_ID")]
_RobotName = Annotated[str, parse.Argument(metavar="ROBOT")]


class Outcome(StrEnum):
    """How a person found that a command ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    RETRY = "retry"


def resolve(
    *,
    task_id: _TaskId,
    outcome: Annotated[
        Outcome, parse.Argument(help="What you found at the robot; retry runs it again.")
    ],
    note: Annotated[str, parse.Option("--note", help="Stands beside the outcome.")] = "",
    then: ThenOption = None,
    revision: Revision = None,
    idempotency_key: KeyOnce = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Say how a task with unknown outcome ended. The queue stays paused, but after retry."""
    chosen = then or (Then.CONTINUE if outcome is Outcome.RETRY else Then.STAY_PAUSED)

    def decided(about: Confirmation) -> None:
        body = {"outcome": outcome.value, "note": note, **then_of(chosen)}
        body |= about.task(task_id, revision)
        about.send(
            f"/task/{quote(task_id, safe='')}/resolve",
            body,
            line=f"robotq resolve {task_id} {outcome}",
            key=idempotency_key or new_key(),
            then=chosen,
        )

    _decide(url, key, as_json, decided)


def retry(
    *,
    task_id: Annotated[str, parse.Argument(metavar="TASK_ID", help="A task, or a batch.")],
    note: Note = "",
    then: ThenOption = None,
    idempotency_key: KeyOnce = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Run an ended command again at the head of its queue, or what is left of a batch."""
    batch = task_id.startswith("batch_")

    def decided(about: Confirmation) -> None:
        if not batch:
            about.task(task_id)
        path = f"/{'batch' if batch else 'task'}/{quote(task_id, safe='')}/retry"
        # an ended command is retried once, so its id says what is meant
        about.send(
            path, {"note": note, **then_of(then)}, key=idempotency_key or new_key(), then=then
        )

    _decide(url, key, as_json, decided)


def rerun(
    *,
    task_id: _TaskId,
    from_line: Annotated[
        int, parse.Option("--from-line", min=2, help="Of the program as it was handed in.")
    ],
    seen: Annotated[
        str | None,
        parse.Option("--seen", help="What the same command without it has told: then it runs."),
    ] = None,
    note: Note = "",
    then: ThenOption = None,
    idempotency_key: KeyOnce = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Run a program from one of its lines on. Without --seen it only shows what would run: the
    modes of the lines before, and the first motion."""
    path = f"/task/{quote(task_id, safe='')}/rerun"
    body: JsonObject = {"from_line": from_line, "note": note, **then_of(then)}
    if seen is None:
        told = talk(url, key, lambda caller: caller.post(path, body))
        if as_json:
            show_json(told)
        else:
            _show_start(told)
        return

    def decided(about: Confirmation) -> None:
        about.task(task_id)
        once = idempotency_key or new_key()
        about.send(path, {**body, "seen": seen}, key=once, then=then)

    _decide(url, key, as_json, decided)


def _show_start(told: JsonObject) -> None:
    first = told["first_motion"]
    lines = [
        told["message"],
        "",
        *told["preamble"],
        f"... from line {told['begins_at']} on",
        "",
        f"The first motion is line {first['line']}: {first['text']}",
        "It goes there straight from where the robot stands.",
    ]
    if first["stays"]:
        lines.append(f"{', '.join(first['stays'])} stays where the robot stands.")
    stood = ", ".join(
        f"{axis.upper()} {'unknown' if at is None else f'{at:g}'}"
        for axis, at in told["stood_at"].items()
    )
    lines += [
        f"Before that line the program stood at {stood} (mm, in its own coordinates).",
        "",
        f"robotq rerun {told['task_id']} --from-line {told['from_line']} --seen {told['seen']}",
    ]
    for line in lines:
        show(line)


def answer(
    *,
    task_id: _TaskId,
    value: Annotated[str, parse.Argument(metavar="JSON", help="What it asks for, as JSON.")],
    question: Annotated[
        int | None,
        parse.Option("--question", help="asked_at_ms of the question; without it, the open one."),
    ] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Answer the question of a running command; `robotq status TASK_ID` shows it."""

    def decided(about: Confirmation) -> None:
        query = about.question(task_id, question)
        about.send(f"/task/{quote(task_id, safe='')}/input", value.encode(), query=query)

    _decide(url, key, as_json, decided)


def resume(
    *,
    robot: Robot = None,
    hold: Holds = None,
    note: Note = "",
    then: ThenOption = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Let the queues go on."""

    def decided(about: Confirmation) -> None:
        named = {} if robot is None else {"robot_id": robot}
        body = {**named, "note": note, **then_of(then)}
        body |= about.holds("resume", robot, hold)
        about.send("/queue/resume", body, then=then)

    _decide(url, key, as_json, decided)


def hold_motion(
    *, robot: _RobotName, url: Url = URL, key: Key = None, as_json: AsJson = False
) -> None:
    """Pause a robot in its motion; its command waits, and its queue starts nothing."""
    path = f"/robots/{quote(robot, safe='')}/hold"
    _decide(url, key, as_json, lambda about: about.send(path, {}, safe=True))


def resume_motion(
    *,
    robot: _RobotName,
    hold: Holds = None,
    note: Note = "",
    then: ThenOption = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Let a held motion go on: the robot moves at once."""

    def decided(about: Confirmation) -> None:
        body = {"note": note, **then_of(then), **about.holds("resume_motion", robot, hold)}
        about.send(f"/robots/{quote(robot, safe='')}/resume", body, then=then)

    _decide(url, key, as_json, decided)


def estop(
    *,
    reset: Annotated[
        bool,
        parse.Option("--reset", help="Leave the emergency stop. Moves nothing; resume after."),
    ] = False,
    hold: Holds = None,
    robot: Robot = None,
    note: Note = "",
    reason: Annotated[
        str, parse.Option("--reason", help="Stands in the journal and in every queue status.")
    ] = "",
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Stop every robot now. Not a safety-rated stop: use the red button for that."""

    def decided(about: Confirmation) -> None:
        if not reset:
            # nothing is looked at or shown before it
            # a stop does not fail because of a letter in its reason
            told = reason.encode("utf-8", "replace").decode()
            about.send("/estop", {"reason": told}, safe=True)
            return
        path = "/estop/reset" if robot is None else f"/robots/{quote(robot, safe='')}/reset"
        body = {"note": note, **about.holds("reset", robot, hold)}
        about.send(path, body, then=Then.STAY_PAUSED)

    _decide(url, key, as_json, decided)


def _decide(
    url: str,
    key: str | None,
    as_json: bool,
    conversation: Callable[[Confirmation], None],
) -> None:
    talk(url, key, lambda caller: conversation(Confirmation(caller, as_json=as_json)))
