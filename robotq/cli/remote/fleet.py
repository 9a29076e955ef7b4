"""robotq fleet: the daemons of a fleet, what waits for them, and stops that stand."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from robotq.cli.shared import parse
from robotq.cli.shared.display.screen import Piece, show, show_json, show_table
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import talk
from robotq.cli.shared.options import URL, AsJson, Key, Url
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
    take: Annotated[
        str | None,
        parse.Option(
            "--take",
            metavar="ROBOT",
            help="Drive a robot from this daemon that another machine drove; needs "
            "--old-machine-is-off.",
        ),
    ] = None,
    old_machine_is_off: Annotated[
        bool,
        parse.Option(
            "--old-machine-is-off",
            help="With --take or --hand-on: you have seen that the other machine has no power, or "
            "that its line to the robot is unplugged. Your name goes into the journal.",
        ),
    ] = False,
    hand_on: Annotated[
        str | None,
        parse.Option(
            "--hand-on",
            metavar="TASK_ID",
            help="Give a waiting task of a machine that is off to another robot; needs "
            "--old-machine-is-off.",
        ),
    ] = None,
    to: Annotated[
        str | None, parse.Option("--to", metavar="ROBOT", help="With --hand-on: who gets it.")
    ] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show all daemons of the fleet: how old what is known of them is, and what waits for them."""
    if sum(one is not None for one in (leave, reset, take, hand_on)) > 1:
        raise Failure("--leave, --reset, --take and --hand-on do not go together", ExitCode.USAGE)
    if old_machine_is_off is not (take is not None or hand_on is not None):
        raise Failure(
            "--take or --hand-on, and --old-machine-is-off go together: two machines that drive "
            "one robot are worse than none. Go and look.",
            ExitCode.USAGE,
        )
    if hand_on is not None:
        path = f"/fleet/tasks/{quote(hand_on, safe='')}/hand_on"
        body: JsonObject = {"old_machine_is_off": True, **({} if to is None else {"robot_id": to})}
        _told(talk(url, key, lambda caller: caller.post(path, body, safe=True)), as_json)
    elif take is not None:
        path = f"/fleet/robots/{quote(take, safe='')}/take"
        body = {"old_machine_is_off": True}
        _told(talk(url, key, lambda caller: caller.post(path, body, safe=True)), as_json)
    elif leave is not None:
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
