"""robotq logs: what happened, from the daemon's journal."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import orjson
from rich.console import Console
from rich.text import Text

from robotq.cli.shared import parse
from robotq.cli.shared.display.show import new_console
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import Caller, talk
from robotq.cli.shared.options import URL, AsJson, Key, Robot, Url
from robotq.client import Client, Refused, Unreachable
from robotq.model.json import JsonObject

_PAGE = 500
_FOR_EVER_S = 1e9
"""A listener waits for a daemon that restarts, however long that takes."""

_STYLES = {
    "task.completed": "green",
    "task.failed": "red",
    "task.cancelled": "yellow",
    "hold.set": "yellow",
    "estop.latched": "bold red",
}


def logs(
    *,
    task_id: Annotated[
        str | None, parse.Argument(metavar="TASK_ID", help="Everything of this task.")
    ] = None,
    follow: Annotated[
        bool, parse.Option("--follow", "-f", help="Go on with what happens from now on.")
    ] = False,
    last: Annotated[
        int, parse.Option("--last", "-n", min=0, help="So many events back from the newest one.")
    ] = 100,
    kind: Annotated[
        str | None,
        parse.Option("--kind", metavar="TEXT", help="Only kinds that begin so, e.g. task."),
    ] = None,
    robot: Robot = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show what happened: who did what, when, to which task. With --json, a line for each."""
    console = new_console()
    wanted = {"task_id": task_id, "kind": kind, "robot_id": robot}
    chosen = {name: value for name, value in wanted.items() if value is not None}

    def so_far(caller: Caller) -> int:
        where = {"last": last} if task_id is None else {"after": 0}
        while True:
            page = caller.get("/journal", **chosen, **where, limit=_PAGE)
            for event in page["events"]:
                _print(console, event, as_json)
            if page["next_after"] is None:
                return int(page["newest"])
            where = {"after": page["next_after"]}

    def from_now_on(last_event_id: int) -> None:
        client = Client(url, key, retry_s=_FOR_EVER_S)
        with closing(client.events(last_event_id=last_event_id, **wanted)) as events:
            for event in events:
                _print(console, event.raw, as_json)

    newest = talk(url, key, so_far)
    if follow:
        try:
            from_now_on(newest)
        except KeyboardInterrupt:
            raise parse.Exit(ExitCode.OK) from None
        except (Refused, Unreachable) as error:
            raise Failure(str(error)) from error


def _print(console: Console, event: JsonObject, as_json: bool) -> None:
    if as_json:
        # not through the console, which would colour and wrap it
        print(orjson.dumps(event).decode(), flush=True)
        return
    kind = event["kind"]
    line = Text(f"{event['time']}  ")
    line.append(f"{kind:<18}", _STYLES.get(kind, "cyan"))
    line.append(f"  {event['robot_id'] or '-':<10}  {event['task_id'] or '-':<27}")
    line.append(f"  {event['actor']}", "dim")
    said = "  ".join(f"{name}={_short(value)}" for name, value in event["data"].items() if value)
    console.print(line.append(f"  {said}", "dim"), soft_wrap=True)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= 80 else f"{text[:79]}…"
