"""robotq status, pause, stop: how the queues are, and what holds them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from robotq.cli.shared.failure import ExitCode
from robotq.cli.shared.http import Caller, talk
from robotq.cli.shared.options import URL, AsJson, Key, Robot, Url
from robotq.cli.shared.show import TaskView, how_to_answer, new_console, print_json
from robotq.model.json import JsonObject

_Reason = Annotated[
    str, typer.Option("--reason", help="Stands in the journal and in every queue status.")
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
    task = talk(url, key, lambda caller: caller.get(f"/task/{task_id}"))
    if as_json:
        print_json(console, task)
    else:
        _show_task(console, task, url)


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
    ask_daemon(url, key, as_json, lambda caller: caller.post("/queue/pause", body, safe=True))


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
    ask_daemon(
        url, key, as_json, lambda caller: caller.post(f"/robots/{robot}/stop", body, safe=True)
    )


def ask_daemon(
    url: str,
    key: str | None,
    as_json: bool,
    request: Callable[[Caller], JsonObject],
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


def _queues(caller: Caller) -> tuple[JsonObject, list[JsonObject]]:
    """The queues, and the tasks that run in them."""
    queues = caller.get("/queue/status")
    names = [robot["running_task"] for robot in queues["robots"].values()]
    return queues, [caller.get(f"/task/{name}") for name in names if name]


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
            task_id, seen = clear["path"].split("/")[2], clear["body"]["revision"]
            return f": robotq approve {task_id} --revision {seen}"
        case "cancel":
            return f": robotq cancel {clear['path'].split('/')[2]}"
        case "send_away":
            return f": echo '{orjson.dumps(clear['body']).decode()}' | robotq submit -"
        case "release":
            return (
                f": robotq release {clear['path'].split('/')[2]} --holder {clear['body']['holder']}"
            )
        case _:
            return ""


def _show_task(console: Console, task: JsonObject, url: str) -> None:
    head = f"{task['task_id']}  {task['state']}  {task['robot_id']}  {task['cmd_type']}"
    console.print(Text(head, "bold"), soft_wrap=True)
    TaskView(console, url).update(task)
    if task["result"] is not None:
        print_json(console, task["result"])
