"""robotq repeat: commands that run by the clock of the wall, every day at 22:00."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from robotq.cli.shared import parse
from robotq.cli.shared.display.screen import Piece, show_json, show_table
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.files import read_file
from robotq.cli.shared.http import talk
from robotq.cli.shared.options import URL, AsJson, Key, Url
from robotq.cli.shared.words import heads
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.json.text import parse_json

_EVERY_DAY = 7


def repeat(
    *,
    file: Annotated[
        Path | None,
        parse.Argument(metavar="FILE", help="A command file. Without it, all repeats are listed."),
    ] = None,
    at: Annotated[
        str | None, parse.Option("--at", metavar="HH:MM", help="When it runs, on the wall.")
    ] = None,
    days: Annotated[
        str | None,
        parse.Option("--days", metavar="DAYS", help="Such as mon,tue,wed; without it every day."),
    ] = None,
    zone: Annotated[
        str | None,
        parse.Option(
            "--zone", help="Such as Europe/Berlin; without it the time zone of the daemon."
        ),
    ] = None,
    within: Annotated[
        int | None,
        parse.Option(
            "--within", metavar="SECONDS", help="A run that has not begun by then expires."
        ),
    ] = None,
    remove: Annotated[
        str | None, parse.Option("--remove", metavar="REPEAT_ID", help="Repeat it no more.")
    ] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Run a command every day at a time. A run that is missed is skipped, never caught up."""
    if remove is not None:
        if file is not None or at is not None:
            raise Failure("--remove goes alone", ExitCode.USAGE)
        path = f"/repeats/{quote(remove, safe='')}"
        _told(talk(url, key, lambda caller: caller.request("DELETE", path, {})), as_json)
        return
    if file is None:
        if at is not None or days is not None:
            raise Failure("--at and --days go with a command file", ExitCode.USAGE)
        _list(talk(url, key, lambda caller: caller.get("/repeats")), as_json)
        return
    if at is None:
        raise Failure("say when: --at 22:00", ExitCode.USAGE)
    try:
        command = parse_json(read_file(file))
    except RobotqError as error:
        raise Failure(f"the command file is not right: {error}", ExitCode.USAGE) from error
    body: JsonObject = {
        "command": command,
        "at": at,
        **({} if days is None else {"days": [day.strip() for day in days.split(",")]}),
        **({} if zone is None else {"zone": zone}),
        **({} if within is None else {"within_s": within}),
    }
    # the same once more is the one that there is
    _told(talk(url, key, lambda caller: caller.post("/repeats", body, safe=True)), as_json)


def _told(answer: JsonObject, as_json: bool) -> None:
    if as_json:
        show_json(answer)
        return
    print(answer["message"])
    print(f"{answer['repeat']['repeat_id']}  {answer['repeat']['next_time']}")


def _list(answer: JsonObject, as_json: bool) -> None:
    if as_json:
        show_json(answer)
        return
    rows: list[list[Piece]] = []
    for one in answer["repeats"]:
        days = "" if len(one["days"]) == _EVERY_DAY else " " + ",".join(one["days"])
        skipped = one["skipped"]
        rows.append(
            [
                one["repeat_id"],
                one["command"]["cmd_type"],
                one["robot_id"],
                f"{one['at']}{days}",
                one["next_time"],
                "" if skipped is None else (f"{skipped['at_time']}: {skipped['reason']}", "yellow"),
            ]
        )
    show_table(heads("id", "command", "robot", "at", "next", "skipped"), rows)
