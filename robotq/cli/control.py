"""robotq status, retry, answer, resolve, pause, resume, stop, estop: what a person does
to queues."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from robotq.cli.failure import ExitCode
from robotq.cli.http import Daemon, talk
from robotq.cli.options import URL, AsJson, Key, Robot, Url
from robotq.cli.show import TaskView, how_to_answer, new_console, print_json
from robotq.model.json import JsonObject

_TaskId = Annotated[str, typer.Argument(metavar="TASK_ID")]
_Reason = Annotated[
    str, typer.Option("--reason", help="Stands in the journal and in every queue status.")
]


class Outcome(StrEnum):
    """How a person found that a command ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    RETRY = "retry"


class Then(StrEnum):
    """What the queue does afterwards."""

    CONTINUE = "continue"
    STAY_PAUSED = "stay_paused"


_Then = Annotated[
    Then | None,
    typer.Option("--then", help="Whether the queue goes on at once, or stays paused."),
]
_Holds = Annotated[
    list[str] | None,
    typer.Option(
        "--hold",
        metavar="ID",
        help="The hold that is meant, as `robotq status` shows it; may be repeated.",
    ),
]


def status(
    *,
    task_id: Annotated[
        str | None, typer.Argument(metavar="TASK_ID", help="One task; without it, all queues.")
    ] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show the queues and why nothing moves where nothing does, or one task."""
    console = new_console()
    if task_id is None:
        queues, running = talk(url, key, _queues)
        if as_json:
            print_json(console, queues)
        else:
            _show_queues(console, queues, running, url)
        return
    task = talk(url, key, lambda daemon: daemon.get(f"/task/{task_id}"))
    if as_json:
        print_json(console, task)
    else:
        _show_task(console, task, url)


def resolve(
    *,
    task_id: _TaskId,
    outcome: Annotated[
        Outcome, typer.Argument(help="What you found at the robot; retry runs it again.")
    ],
    note: Annotated[str, typer.Option("--note", help="Stands beside the outcome.")] = "",
    then: _Then = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Say how a task with unknown outcome ended. The queue stays paused, but after retry."""
    if then is None:
        then = Then.CONTINUE if outcome is Outcome.RETRY else Then.STAY_PAUSED
    body = {"outcome": outcome.value, "note": note, **_then(then)}
    ask_daemon(url, key, as_json, lambda daemon: daemon.post(f"/task/{task_id}/resolve", body))


def retry(
    *,
    task_id: Annotated[str, typer.Argument(metavar="TASK_ID", help="A task, or a batch.")],
    note: Annotated[str, typer.Option("--note", help="Stands in the journal.")] = "",
    then: _Then = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Run an ended command again at the head of its queue, or what is left of a batch."""
    kind = "batch" if task_id.startswith("batch_") else "task"
    body = {"note": note, **_then(then)}
    ask_daemon(url, key, as_json, lambda daemon: daemon.post(f"/{kind}/{task_id}/retry", body))


def answer(
    *,
    task_id: _TaskId,
    value: Annotated[str, typer.Argument(metavar="JSON", help="What it asks for, as JSON.")],
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Answer the question of a running command; `robotq status TASK_ID` shows it."""
    ask_daemon(
        url, key, as_json, lambda daemon: daemon.post(f"/task/{task_id}/input", value.encode())
    )


def pause(
    *,
    robot: Robot = None,
    reason: _Reason = "",
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Start nothing more. A command that runs goes on."""
    body = {**_named(robot), "reason": reason}
    ask_daemon(url, key, as_json, lambda daemon: daemon.post("/queue/pause", body))


def resume(
    *,
    robot: Robot = None,
    hold: _Holds = None,
    note: Annotated[str, typer.Option("--note", help="Stands in the journal.")] = "",
    then: _Then = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Let the queues go on."""
    body = {**_named(robot), "note": note, **_then(then)}

    async def resumed(daemon: Daemon) -> JsonObject:
        holds = hold or await _seen(daemon, "resume", robot)
        answer: JsonObject = await daemon.post("/queue/resume", {**body, **_holds(holds)})
        return answer

    ask_daemon(url, key, as_json, resumed)


def stop(
    *,
    robot: Annotated[str, typer.Argument(metavar="ROBOT")],
    reason: _Reason = "",
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Stop one robot in a controlled way: what runs is cancelled, its queue is paused."""
    body = {"reason": reason}
    ask_daemon(url, key, as_json, lambda daemon: daemon.post(f"/robots/{robot}/stop", body))


def estop(
    *,
    reset: Annotated[
        bool,
        typer.Option("--reset", help="Leave the emergency stop. Moves nothing; resume after."),
    ] = False,
    hold: _Holds = None,
    reason: _Reason = "",
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Stop every robot now. Not a safety-rated stop: use the red button for that."""

    async def done(daemon: Daemon) -> JsonObject:
        if not reset:
            answer: JsonObject = await daemon.post("/estop", {"reason": reason})
        else:
            holds = hold or await _seen(daemon, "reset", None)
            answer = await daemon.post("/estop/reset", _holds(holds))
        return answer

    ask_daemon(url, key, as_json, done)


def ask_daemon(
    url: str,
    key: str | None,
    as_json: bool,
    request: Callable[[Daemon], Coroutine[Any, Any, JsonObject]],
) -> None:
    """Send it, print what the daemon says, and end with its exit code."""
    answer = talk(url, key, request)
    if as_json:
        print_json(new_console(), answer)
    else:
        print(answer["message"])
    raise typer.Exit(ExitCode.OK if answer["success"] else ExitCode.FAILED)


def _named(robot: str | None) -> JsonObject:
    return {} if robot is None else {"robot_id": robot}


async def _seen(daemon: Daemon, action: str, robot: str | None) -> list[str]:
    """The ids of what is held now and cleared by `action`; what comes later is not meant."""
    status = await daemon.get("/queue/status", limit=0)
    return [
        hold["id"]
        for hold in status["holds"]
        if hold["clear"]["action"] == action and robot in (None, hold["robot_id"])
    ]


def _holds(holds: list[str] | None) -> JsonObject:
    return {"holds": holds} if holds else {}


def _then(then: Then | None) -> JsonObject:
    return {} if then is None else {"then": then.value}


async def _queues(daemon: Daemon) -> tuple[JsonObject, list[JsonObject]]:
    """The queues, and the tasks that run in them."""
    queues = await daemon.get("/queue/status")
    names = [robot["running_task"] for robot in queues["robots"].values()]
    return queues, [await daemon.get(f"/task/{name}") for name in names if name]


def _show_queues(
    console: Console, answer: JsonObject, running: Sequence[JsonObject], url: str
) -> None:
    counts = (
        f"{answer['queue_size']} in queue, {answer['completed_tasks']} completed, "
        f"{answer['failed_tasks']} failed, {answer['cancelled_tasks']} cancelled "
        f"(revision {answer['revision']})"
    )
    console.print(Text(counts, "bold"), soft_wrap=True)
    table = Table("robot", "in queue", "running", box=None, pad_edge=False)
    for name, robot in answer["robots"].items():
        table.add_row(name, str(robot["queue_size"]), robot["running_task"] or "-")
    console.print(table)
    for hold in answer["holds"]:
        since = Text(f"{hold['robot_id']} starts nothing since {hold['since']}: ", "yellow")
        console.print(since.append(hold["reason"]), soft_wrap=True)
        console.print(Text(f"  to clear: {hold['clear']['text']} ({hold['id']})"), soft_wrap=True)
    told = {hold["id"] for hold in answer["holds"]}
    for reason in answer["why"]:
        # questions follow, with the line that answers them
        if reason["code"] != "question" and reason.get("id") not in told:
            _show_reason(console, reason)
    for task in running:
        if task.get("waiting_for"):
            asks = f"{task['robot_id']} asks: {task['waiting_for']['prompt']}"
            console.print(Text(asks, "yellow"), soft_wrap=True)
            console.print(Text(how_to_answer(task, url)), soft_wrap=True)
    for task in answer["tasks"]:
        line = f"{task['task_id']}  {task['state']:<9}  {task['robot_id']}  {task['cmd_type']}"
        console.print(Text(f"{line}  {task.get('error_code', '')}".rstrip()), soft_wrap=True)


def _show_reason(console: Console, reason: JsonObject) -> None:
    about = "" if reason["task_id"] is None else f" ({reason['task_id']})"
    line = Text(f"{reason['queue']} stands since {reason['since']}: ", "yellow")
    console.print(line.append(f"{reason['reason']}{about}"), soft_wrap=True)
    clear = reason["clear"]
    console.print(Text(f"  to clear: {clear['text']}{_how(clear)}"), soft_wrap=True)


def _how(clear: JsonObject) -> str:
    """The command line that does it, or the request."""
    match clear["action"]:
        case "approve":
            return f": robotq approve {clear['path'].split('/')[2]}"
        case "cancel":
            return f": robotq cancel {clear['path'].split('/')[2]}"
        case "send_away":
            return f": echo '{orjson.dumps(clear['body']).decode()}' | robotq submit -"
        case "release":
            return f": POST {clear['path']}"
        case _:
            return ""


def _show_task(console: Console, task: JsonObject, url: str) -> None:
    head = f"{task['task_id']}  {task['state']}  {task['robot_id']}  {task['cmd_type']}"
    console.print(Text(head, "bold"), soft_wrap=True)
    TaskView(console, url).update(task)
    if task["result"] is not None:
        print_json(console, task["result"])
