"""robotq fleet: the daemons of a fleet, what waits for them, and stops that stand."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from robotq.cli.shared import parse
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import talk
from robotq.cli.shared.options import URL, AsJson, Key, Url
from robotq.cli.shared.screen import Piece, show, show_json, show_table
from robotq.cli.shared.words import heads
from robotq.model.json import JsonObject


def fleet(
    *,
    leave: Annotated[
        str | None,
        parse.Option(
            "--leave",
            metavar="DAEMON",
            help="Take a daemon that is gone for good out of the fleet; its history stays.",
        ),
    ] = None,
    reset: Annotated[
        str | None,
        parse.Option("--reset", metavar="STOP_ID", help="Leave an emergency stop at every daemon."),
    ] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show all daemons of the fleet: how old what is known of them is, and what waits for them."""
    if leave is not None and reset is not None:
        raise Failure("--leave and --reset do not go together", ExitCode.USAGE)
    if leave is not None:
        path = f"/fleet/daemons/{quote(leave, safe='')}/leave"
        _told(talk(url, key, lambda caller: caller.post(path, {}, safe=True)), as_json)
    elif reset is not None:
        path = f"/fleet/stops/{quote(reset, safe='')}/reset"
        answer = talk(url, key, lambda caller: caller.post(path, {}, safe=False))
        _told(answer, as_json)
        if not answer["success"]:
            raise parse.Exit(ExitCode.FAILED)
    else:
        _show(talk(url, key, lambda caller: caller.get("/fleet")), as_json)


def _told(answer: JsonObject, as_json: bool) -> None:
    if as_json:
        show_json(answer)
        return
    print(answer["message"])
    for name, told in answer.get("daemons", {}).items():
        if not told.get("reset"):
            show(f"  {name}: ", (str(told.get("error") or told.get("robots")), "yellow"))


def _show(answer: JsonObject, as_json: bool) -> None:
    if as_json:
        show_json(answer)
        return
    if answer["refused"] or answer["database"]:
        show((str(answer["refused"] or answer["database"]), "red"))
    rows: list[list[Piece]] = []
    for one in answer["daemons"]:
        stopped: Piece = ("stopped", "bold red") if one["estop"] else ""
        age: Piece = f"{one['age_s']:.0f} s"
        rows.append(
            [
                one["name"],
                (f"away, {age}", "yellow") if one["away"] else age,
                stopped,
                " ".join(one["names"]),
                str(one["counts"].get("pending", "")),
                one["url"] or "",
            ]
        )
    show_table(heads("daemon", "heard", "", "robots", "waiting", "at"), rows)
    for one in answer["waiting"]:
        show(f"{one['task_id']}  {one['cmd_type']} for {one['robot_id']}: ", (one["why"], "yellow"))
    for one in answer["stops"]:
        show(
            ("emergency stop ", "bold red"), f"{one['stop_id']} by {one['actor']}: {one['reason']}"
        )
