"""robotq robots and commands: what a daemon has to offer."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from robotq.cli.shared import parse
from robotq.cli.shared.display.describe import describe
from robotq.cli.shared.display.near import sentences
from robotq.cli.shared.display.screen import Piece, show_json, show_table
from robotq.cli.shared.failure import Failure
from robotq.cli.shared.http import Caller, talk
from robotq.cli.shared.options import URL, AsJson, Key, Robot, Url
from robotq.cli.shared.words import language_here, say
from robotq.client import Refused
from robotq.model.json import JsonObject


def robots(*, url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """Show the robots: their driver, their link, where they stand, what holds them; and the devices
    beside them."""
    answer = talk(url, key, lambda caller: caller.get("/robots"))
    if as_json:
        show_json(answer)
        return
    rows: list[list[Piece]] = []
    for robot in answer["robots"]:
        simulated = say("robots.simulated") if robot["capabilities"]["simulated"] else ""
        rows.append(
            [
                robot["robot_id"],
                robot["driver"] + simulated,
                _link(robot["connected"]),
                robot["place"] or "-",
                robot["running_task"] or "-",
                (", ".join(hold["code"] for hold in robot["holds"]), "yellow"),
            ]
        )
        rows += [
            [
                f"  + {name}",
                "",
                _link(device["connected"]),
                "",
                "",
                (device["reason"] or "", "yellow"),
            ]
            for name, device in (robot.get("devices") or {}).items()
        ]
    for absent in answer["not_configured"]:
        waiting = say("watch.waiting", number=absent["queue_size"])
        held = (", ".join(hold["code"] for hold in absent["holds"]), "yellow")
        gone = (say("robots.not_configured"), "red")
        rows.append([absent["robot_id"], gone, "-", "-", waiting, held])
    show_table([say(f"robots.{name}") for name in _COLUMNS], rows)


_COLUMNS = ("robot", "driver", "link", "place", "running", "held")


def _link(connected: bool) -> Piece:
    return (say("robots.on"), "green") if connected else (say("robots.off"), "red")


def commands(
    command: Annotated[
        str | None,
        parse.Argument(metavar="COMMAND", help="One command; without it, all that can be done."),
    ] = None,
    *,
    robot: Robot = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show the commands that the robots here can do; or one command, what it takes, and how it is
    submitted. With --json, also the schemas of the params."""
    if command is not None:
        found = talk(url, key, lambda caller: _command(caller, command))
        if as_json:
            show_json(found)
        else:
            describe(found, robot)
        return
    answer = talk(url, key, lambda caller: caller.get("/commands"))
    if robot is not None:
        known = sorted({name for one in answer["commands"] for name in one["robots"]})
        if robot not in known:
            raise Failure(f"there is no robot {robot[:80]}; there is: {', '.join(known)}")
        rest = [one for one in answer["commands"] if robot in one["robots"]]
        answer = {**answer, "commands": rest}
    if as_json:
        show_json(answer)
        return
    rows = [
        [
            one["cmd_type"],
            one["kind"],
            f"{one['timeout_s']:g} s",
            ", ".join(one["robots"]),
            one["title"].get(language_here().value, ""),
        ]
        for one in answer["commands"]
    ]
    show_table(
        [say(f"commands.{name}") for name in ("command", "kind", "limit", "robots")] + [""], rows
    )


def _command(caller: Caller, cmd_type: str) -> JsonObject:
    try:
        found: Any = caller.get(f"/commands/{quote(cmd_type, safe='')}")
    except Refused as refusal:
        near = refusal.body.get("suggestions") or ()
        if refusal.code != "unknown_command" or not near:
            raise
        told = sentences(
            f"{refusal.message}; did you mean {near[0]}?", "`robotq commands` lists all"
        )
        raise Failure(told, body=refusal.body) from refusal
    return dict(found)
