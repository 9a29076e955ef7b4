"""robotq robots and commands: what a daemon has to offer."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from robotq.cli.shared.http import talk
from robotq.cli.shared.options import URL, AsJson, Key, Url
from robotq.cli.shared.show import new_console, print_json
from robotq.cli.shared.words import language_here


def robots(*, url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """Show the robots: their driver, their link, where they stand, what holds them."""
    answer = talk(url, key, lambda caller: caller.get("/robots"))
    console = new_console()
    if as_json:
        print_json(console, answer)
        return
    table = Table("robot", "driver", "link", "place", "running", "held by", box=None)
    for robot in answer["robots"]:
        table.add_row(
            robot["robot_id"],
            robot["driver"] + (" (simulated)" if robot["capabilities"]["simulated"] else ""),
            Text("connected", "green") if robot["connected"] else Text("disconnected", "red"),
            robot["place"] or "-",
            robot["running_task"] or "-",
            Text(", ".join(hold["code"] for hold in robot["holds"]), "yellow"),
        )
    for absent in answer["not_configured"]:
        table.add_row(
            absent["robot_id"],
            Text("not configured", "red"),
            "-",
            "-",
            f"{absent['queue_size']} wait",
            Text(", ".join(hold["code"] for hold in absent["holds"]), "yellow"),
        )
    console.print(table)


def commands(*, url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """Show the commands that the daemon knows. With --json, also the schemas of their params."""
    answer = talk(url, key, lambda caller: caller.get("/commands"))
    console = new_console()
    if as_json:
        print_json(console, answer)
        return
    table = Table("command", "kind", "limit", "robots", "", box=None)
    for command in answer["commands"]:
        table.add_row(
            command["cmd_type"],
            command["kind"],
            f"{command['timeout_s']:g} s",
            ", ".join(command["robots"]),
            command["title"].get(language_here().value, ""),
        )
    console.print(table)
