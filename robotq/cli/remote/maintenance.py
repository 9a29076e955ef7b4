"""robotq maintenance: what is to be seen to at the robots, and who has done it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from robotq.cli.shared import parse
from robotq.cli.shared.display.screen import Piece, show_json, show_table
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import talk
from robotq.cli.shared.options import URL, AsJson, Key, Url
from robotq.cli.shared.words import say
from robotq.model.json import JsonObject

_COLUMNS = ("robot", "item", "used", "every", "state", "text")
_UNITS = ("commands", "hours", "days")
_STYLES = {"ok": "", "soon": "yellow", "due": "bold red"}


def maintenance(
    robot: Annotated[
        str | None, parse.Argument(metavar="ROBOT", help="Only that of this robot.")
    ] = None,
    done: Annotated[
        str | None,
        parse.Option(
            "--done", metavar="ITEM", help="Say that it is done; its counter begins anew."
        ),
    ] = None,
    *,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show how much of each maintenance interval is used; with --done, say by your name that
    somebody has seen to it. Nothing moves by it: a queue that is paused for it stays paused."""
    if done is not None:
        if robot is None:
            raise Failure("say which robot: robotq maintenance ROBOT --done ITEM", ExitCode.USAGE)
        path = f"/robots/{quote(robot, safe='')}/maintenance/{quote(done, safe='')}/done"
        answer = talk(url, key, lambda caller: caller.post(path, {}))
        if as_json:
            show_json(answer)
        else:
            print(answer["message"])
        return
    answer = talk(url, key, lambda caller: caller.get("/maintenance"))
    if robot is not None:
        answer = {**answer, "items": [one for one in answer["items"] if one["robot_id"] == robot]}
    if as_json:
        show_json(answer)
        return
    if not answer["items"]:
        print(say("maintenance.none"))
        return
    rows = [_row(item) for item in answer["items"]]
    show_table([say(f"maintenance.{name}") for name in _COLUMNS], rows)


def _row(item: JsonObject) -> list[Piece]:
    state, counts = item["state"], item["counts"]
    return [
        item["robot_id"],
        item["item"],
        f"{item['used']:g}",
        f"{item['every']:g} {say(f'maintenance.{counts}') if counts in _UNITS else counts}",
        (say(f"maintenance.{state}"), _STYLES[state]),
        item["text"],
    ]
