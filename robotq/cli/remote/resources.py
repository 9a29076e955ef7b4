"""robotq resources, release: who holds which place, and taking it from an absent robot."""

from __future__ import annotations

import sys
from typing import Annotated
from urllib.parse import quote

from rich.table import Table
from rich.text import Text

from robotq.cli.shared import parse
from robotq.cli.shared.display.show import new_console, print_json
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import talk
from robotq.cli.shared.options import URL, AsJson, Key, Url
from robotq.cli.shared.words import heads
from robotq.model.json import JsonObject


def resources(*, url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """Show which robot holds which place, since when, and whether it is there at all."""
    answer = talk(url, key, lambda caller: caller.get("/resources"))
    console = new_console()
    if as_json:
        print_json(console, answer)
        return
    table = Table(*heads("resource", "places", "held by", "since"), box=None)
    for row in answer["resources"]:
        held = row["held_by"]
        table.add_row(
            row["resource"],
            ", ".join(row["places"]),
            "-"
            if held is None
            else Text(f"{held['robot_id']} ({held['state']})", "yellow" if held["absent"] else ""),
            "" if held is None else held["since"],
        )
    console.print(table)


def release(
    *,
    resource: Annotated[str, parse.Argument(metavar="RESOURCE")],
    holder: Annotated[
        str | None,
        parse.Option("--holder", metavar="ROBOT", help="Who is meant to hold it; not asked then."),
    ] = None,
    note: Annotated[str, parse.Option("--note", help="Why; stands in the journal.")] = "",
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Take a place from a robot that is not there. Look first: another robot may go there then."""
    path = f"/resources/{quote(resource, safe='')}/release"
    body: JsonObject = {"holder": holder} if holder is not None else _asked(url, key, resource)
    if note:
        body = {**body, "note": note}
    answer = talk(url, key, lambda caller: caller.post(path, body))
    if as_json:
        print_json(new_console(), answer)
    else:
        print(answer["message"])


def _asked(url: str, key: str | None, resource: str) -> JsonObject:
    """What a person at a terminal says yes to."""

    rows = talk(url, key, lambda caller: caller.get("/resources"))["resources"]
    row = next((one for one in rows if one["resource"] == resource), None)
    if row is None:
        known = ", ".join(one["resource"] for one in rows)
        raise Failure(f"no resource {resource}, expected one of: {known}", ExitCode.USAGE)
    held = row["held_by"]
    if held is None:
        raise Failure(f"{resource} is held by nobody", ExitCode.FAILED)
    told = f"{resource} is held by {held['robot_id']} ({held['state']}) since {held['since']}"
    if not sys.stdin.isatty():
        line = f"robotq release {resource} --holder {held['robot_id']}"
        raise Failure(f"{told}. Look whether it is there; if not: {line}", ExitCode.USAGE)
    if not parse.confirm(f"{told}. Is it certain that it is not there?"):
        raise Failure("nothing was released", ExitCode.FAILED)
    body: JsonObject = held["release"]["body"]
    return body
