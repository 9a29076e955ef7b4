"""robotq watch: the queues on a terminal, as they are right now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from robotq.cli.shared import parse
from robotq.cli.shared.display.show import new_console
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import Caller, talk, told
from robotq.cli.shared.options import URL, Key, Robot, Url
from robotq.cli.shared.words import say
from robotq.client import ClientError
from robotq.model.json import JsonObject

_LOOK_S = 0.5
"""Wall seconds between two looks."""
_BAR = 24
_STYLES = {"completed": "green", "failed": "red", "cancelled": "yellow"}


def watch(
    *,
    robot: Robot = None,
    limit: Annotated[
        int, parse.Option("--limit", min=1, max=500, help="Tasks to show of each robot.")
    ] = 10,
    once: Annotated[bool, parse.Option("--once", help="Show it once, and end.")] = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Show the queues live: what runs, how far it is, what waits, and why nothing moves.
    Ctrl-C ends it."""
    console = new_console()

    def conversation(caller: Caller) -> None:
        if once:
            console.print(_picture(caller, robot, limit))
            return
        with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
            while True:
                live.update(_looked(caller, robot, limit), refresh=True)
                time.sleep(_LOOK_S)

    try:
        talk(url, key, conversation)
    except Failure as failure:
        if failure.code is ExitCode.INTERRUPTED:
            raise parse.Exit(ExitCode.OK) from None
        raise


def _looked(caller: Caller, robot: str | None, limit: int) -> RenderableType:
    """The picture; where the daemon is gone for now, what is known of that."""
    try:
        return _picture(caller, robot, limit)
    except ClientError as error:
        failure = told(error, caller.url)
        if failure.code is not ExitCode.NO_DAEMON:
            raise
        return Text(f"{failure}", "bold red")


def _picture(caller: Caller, robot: str | None, limit: int) -> RenderableType:
    query: dict[str, str | float] = {"limit": limit}
    if robot is not None:
        query["robot_id"] = robot
    status = caller.get("/queue/status", **query)
    running = [task for task in status["tasks"] if task["state"] == "running"]
    details = [caller.get(f"/task/{task['task_id']}") for task in running]
    return Group(
        _summary(status),
        Text(),
        _robots(status, details),
        *(_hold(hold) for hold in status["holds"]),
        *(_wait(reason) for reason in status["why"] if reason["kind"] == "wait"),
        Text(),
        _tasks(status["tasks"]),
    )


def _summary(status: JsonObject) -> Text:
    return Text(
        say(
            "watch.summary",
            waiting=status["queue_size"],
            completed=status["completed_tasks"],
            failed=status["failed_tasks"],
            cancelled=status["cancelled_tasks"],
        ),
        "bold",
    )


def _robots(status: JsonObject, details: Sequence[JsonObject]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    at_work = {task["robot_id"]: task for task in details}
    held = {
        *(hold["robot_id"] for hold in status["holds"]),
        *(reason["queue"] for reason in status["why"]),
    }
    for name, queue in status["robots"].items():
        task = at_work.get(name)
        if task is None:
            state = Text(say("watch.held" if name in held else "watch.idle"))
            state.stylize("bold yellow" if name in held else "dim")
            table.add_row(Text(name, "bold"), state, "", "", _waiting(queue["queue_size"]))
            continue
        progress = task["progress"]
        bar = (
            ProgressBar(total=1.0, completed=progress, width=_BAR)
            if progress is not None
            else Text("…".center(_BAR))
        )
        table.add_row(
            Text(name, "bold"),
            Text(task["cmd_type"], "cyan"),
            bar,
            Text(_step(task)),
            _waiting(queue["queue_size"] - 1),
        )
    return table


def _step(task: JsonObject) -> str:
    if task.get("waiting_for"):
        return f"? {task['waiting_for']['prompt']}"
    left = task.get("remaining_s")
    step = task.get("current_step") or ""
    return step if left is None else f"{step}  {say('watch.left', seconds=round(left))}"


def _waiting(number: int) -> Text:
    return Text(say("watch.waiting", number=number) if number else "", "dim")


def _hold(hold: JsonObject) -> Text:
    text = Text(say("held", robot=hold["robot_id"], reason=hold["reason"]), "yellow")
    return text.append("\n" + say("clear", clear=hold["clear"]["text"]), "yellow")


def _wait(reason: JsonObject) -> Text:
    text = Text(say("stands", queue=reason["queue"], reason=reason["reason"]), "yellow")
    return text.append("\n" + say("clear", clear=reason["clear"]["text"]), "yellow")


def _tasks(tasks: Sequence[JsonObject]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for task in tasks:
        position = task.get("position")
        table.add_row(
            Text("" if position is None else str(position), "dim"),
            task["task_id"],
            Text(task["state"], _STYLES.get(task["state"], "")),
            task["robot_id"],
            task["cmd_type"],
            Text(task.get("error_code") or "", "red"),
        )
    return table
