"""robotq status, pause, stop, raw: how the queues are, and what holds them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from robotq.cli.shared import parse
from robotq.cli.shared.display.lines import how_to_answer, submit_line
from robotq.cli.shared.display.screen import show, show_json, show_table
from robotq.cli.shared.failure import ExitCode
from robotq.cli.shared.http import Caller, talk
from robotq.cli.shared.options import URL, AsJson, Key, Robot, Url
from robotq.cli.shared.words import heads, padded, say
from robotq.model.json import JsonObject

_Reason = Annotated[
    str, parse.Option("--reason", help="Stands in the journal and in every queue status.")
]


def status(
    *,
    task_id: Annotated[
        str | None, parse.Argument(metavar="TASK_ID", help="One task; without it, all queues.")
    ] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show the queues and why nothing moves where nothing does, or one task."""
    if task_id is None:
        queues, running = talk(url, key, _queues)
        if as_json:
            show_json(queues)
        else:
            _show_queues(queues, running, url)
        return
    task = talk(url, key, lambda caller: caller.get(f"/task/{task_id}"))
    if as_json:
        show_json(task)
    else:
        _show_task(task, url)


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
    robot: Annotated[str, parse.Argument(metavar="ROBOT")],
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


def raw(
    *,
    robot: Annotated[str, parse.Argument(metavar="ROBOT")],
    line: Annotated[
        str, parse.Argument(metavar="LINE", help="Sent as it is, and moves what it moves.")
    ],
    limit_s: Annotated[
        float, parse.Option("--limit", min=1, max=600, help="Seconds; then the robot is stopped.")
    ] = 60,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Send one line to the controller of a robot, past all commands, and print what it says. Its
    queue has to be paused with nothing running. Where it stands is unknown afterwards."""
    path = f"/robots/{robot}/raw"
    body = {"line": line, "limit_s": limit_s}
    answer = talk(url, key, lambda caller: caller.post_once(path, body, wait_s=limit_s))
    if as_json:
        show_json(answer)
    else:
        for said in answer["answer"]:
            show(said)
        show(answer["message"])
    raise parse.Exit(ExitCode.OK if answer["success"] else ExitCode.FAILED)


def ask_daemon(
    url: str,
    key: str | None,
    as_json: bool,
    request: Callable[[Caller], JsonObject],
) -> None:
    """Send it, print what the daemon says, and end with its exit code."""
    answer = talk(url, key, request)
    if as_json:
        show_json(answer)
    else:
        print(answer["message"])
    raise parse.Exit(ExitCode.OK if answer["success"] else ExitCode.FAILED)


def _named(robot: str | None) -> JsonObject:
    return {} if robot is None else {"robot_id": robot}


def _queues(caller: Caller) -> tuple[JsonObject, list[JsonObject]]:
    """The queues, and the tasks that run in them."""
    queues = caller.get("/queue/status")
    names = [robot["running_task"] for robot in queues["robots"].values()]
    return queues, [caller.get(f"/task/{name}") for name in names if name]


def _show_queues(answer: JsonObject, running: Sequence[JsonObject], url: str) -> None:
    counts = say(
        "status.counts",
        waiting=answer["queue_size"],
        completed=answer["completed_tasks"],
        failed=answer["failed_tasks"],
        cancelled=answer["cancelled_tasks"],
        revision=answer["revision"],
    )
    show((counts, "bold"))
    robots = answer["robots"].items()
    rows = [(name, str(one["queue_size"]), one["running_task"] or "-") for name, one in robots]
    if rows:
        show_table(heads("robot", "in queue", "running"), rows)
    else:
        show(say("status.no_robots"))
    for hold in answer["holds"]:
        held = {"robot": hold["robot_id"], "since": hold["since"], "reason": hold["reason"]}
        show((say("status.held", **held), "yellow"))
        show(f"{say('status.clear', text=hold['clear']['text'])} ({hold['id']})")
    told = {hold["id"] for hold in answer["holds"]}
    for reason in answer["why"]:
        # questions follow, with the line that answers them
        if reason["code"] != "question" and reason.get("id") not in told:
            _show_reason(reason)
    for task in running:
        if task.get("waiting_for"):
            prompt = task["waiting_for"]["prompt"]
            show((say("status.asks", robot=task["robot_id"], prompt=prompt), "yellow"))
            show(how_to_answer(task, url))
    for task in answer["tasks"]:
        state = padded(say(f"state.{task['state']}"), 9)
        line = f"{task['task_id']}  {state}  {task['robot_id']}  {task['cmd_type']}"
        show(f"{line}  {task.get('error_code', '')}".rstrip())


def _show_reason(reason: JsonObject) -> None:
    about = "" if reason["task_id"] is None else f" ({reason['task_id']})"
    stands = {"robot": reason["queue"], "since": reason["since"], "reason": reason["reason"]}
    show((f"{say('status.stands', **stands)}{about}", "yellow"))
    clear = reason["clear"]
    show(f"{say('status.clear', text=clear['text'])}{_how(clear)}")


def _how(clear: JsonObject) -> str:
    """The command line that does it, or the request."""
    match clear["action"]:
        case "approve":
            task_id, seen = clear["path"].split("/")[2], clear["body"]["revision"]
            return f": robotq approve {task_id} --revision {seen}"
        case "cancel":
            return f": robotq cancel {clear['path'].split('/')[2]}"
        case "send_away":
            return f": {submit_line(clear['body'])}"
        case "release":
            return (
                f": robotq release {clear['path'].split('/')[2]} --holder {clear['body']['holder']}"
            )
        case _:
            return ""


def _show_task(task: JsonObject, url: str) -> None:
    # the queues are shown without it
    from robotq.cli.shared.display.show import TaskView, new_console  # noqa: PLC0415

    console = new_console()
    head = f"{task['task_id']}  {task['state']}  {task['robot_id']}  {task['cmd_type']}"
    show((head, "bold"))
    TaskView(console, url).update(task)
    if task["result"] is not None:
        show_json(task["result"])
