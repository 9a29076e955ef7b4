"""robotq cancel: one task, or many that are counted first."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from robotq.cli.remote.control import ask_daemon
from robotq.cli.shared import parse
from robotq.cli.shared.display.screen import show_json
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import Caller, talk
from robotq.cli.shared.options import URL, AsJson, Key, Url
from robotq.model.json import JsonObject

_PATH = "/tasks/cancel"


def cancel(
    *,
    task_id: Annotated[
        str | None, parse.Argument(metavar="TASK_ID", help="One task; without it, see the options.")
    ] = None,
    batch: Annotated[
        str | None, parse.Option("--batch", metavar="ID", help="What waits of this batch.")
    ] = None,
    robot: Annotated[
        str | None,
        parse.Option("--robot", metavar="NAME", help="What waits for this robot or its like."),
    ] = None,
    cmd_type: Annotated[
        str | None, parse.Option("--cmd-type", metavar="TYPE", help="What waits of this command.")
    ] = None,
    cmd_id: Annotated[
        str | None, parse.Option("--cmd-id", metavar="ID", help="What waits with this cmd_id.")
    ] = None,
    group: Annotated[
        str | None, parse.Option("--group", metavar="NAME", help="Tasks for this group of workers.")
    ] = None,
    everything: Annotated[bool, parse.Option("--all", help="All that waits.")] = False,
    running: Annotated[
        bool, parse.Option("--running", help="Stop those that run too; they are left otherwise.")
    ] = False,
    yes: Annotated[
        bool, parse.Option("--yes", help="Do not ask; cancel what matches now.")
    ] = False,
    reason: Annotated[
        str, parse.Option("--reason", help="Stands in the journal and with each task.")
    ] = "",
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Call a task off: a waiting one never runs, a running one is stopped.

    With options instead of TASK_ID, all that match all of them, after a question that tells how
    many these are; what is submitted later stays.
    """
    options = {
        "batch_id": batch,
        "robot_id": robot,
        "cmd_type": cmd_type,
        "cmd_id": cmd_id,
        "group": group,
        "all": True if everything else None,
    }
    wanted: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if (task_id is None) == (not wanted):
        raise Failure(
            "expected a TASK_ID, or options that say which tasks are meant (--all for all)",
            ExitCode.USAGE,
        )
    if task_id is not None:
        path = f"/task/{task_id}/cancel"
        ask_daemon(url, key, as_json, lambda caller: caller.post(path, {"reason": reason}))
        return
    if running:
        wanted["state"] = "pending,running"
    found = talk(url, key, lambda caller: caller.post(_PATH, wanted, safe=True))
    if found["matching"] and not yes:
        _confirm(found)
    seen = {"count": found["matching"], "up_to": found["up_to"], "reason": reason}

    def cancelled(caller: Caller) -> JsonObject:
        answer: JsonObject = caller.post(_PATH, {**wanted, **seen}, safe=True)
        return answer

    answer = talk(url, key, cancelled)
    if as_json:
        show_json(answer)
        return
    print(answer["message"])
    others = {name: n for name, n in answer["states"].items() if name != "cancelled" and n}
    if others:
        print("not cancelled: " + ", ".join(f"{n} {name}" for name, n in others.items()))


def _confirm(found: JsonObject) -> None:
    """Raises Failure where a person does not say yes, or there is none."""
    number = found["matching"]
    what = f"{number} task" if number == 1 else f"{number} tasks"
    where = ", ".join(f"{name}: {n}" for name, n in found["robots"].items())
    running = found["states"].get("running", 0)
    told = f"{what} ({where}{f'; {running} of them run and are stopped' if running else ''})"
    if not sys.stdin.isatty():
        raise Failure(
            f"nothing is cancelled: {told} would be. Say --yes where nobody can be asked.",
            ExitCode.USAGE,
        )
    if not parse.confirm(f"Cancel {told}?"):
        raise Failure("nothing is cancelled")
