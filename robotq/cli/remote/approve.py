"""robotq approve: what a person decides about the tasks of agents."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from rich.text import Text

from robotq.cli.shared import parse
from robotq.cli.shared.about import Confirmation, Revision, ThenOption, then_of
from robotq.cli.shared.display.show import new_console, print_json
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import Caller, talk
from robotq.cli.shared.options import URL, AsJson, Key, Url
from robotq.cli.shared.words import say
from robotq.model.json import JsonObject


def approve(
    *,
    task_id: Annotated[
        str | None,
        parse.Argument(metavar="TASK_ID", help="Without it, every task that waits is listed."),
    ] = None,
    reject: Annotated[
        bool, parse.Option("--reject", help="Refuse the task; it never runs.")
    ] = False,
    note: Annotated[
        str, parse.Option("--note", help="Stands in the journal, and as the reason of a refusal.")
    ] = "",
    then: ThenOption = None,
    revision: Revision = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Approve or reject a task that an agent has submitted."""
    if task_id is None:
        if reject or note or then is not None or revision is not None:
            told = "--reject, --note, --then and --revision go with a task id"
            raise Failure(told, ExitCode.USAGE)
        _list(talk(url, key, _waiting), as_json)
        return
    if reject and then is not None:
        raise Failure("--then does not go with --reject, which starts nothing", ExitCode.USAGE)
    action, said = ("reject", {"reason": note}) if reject else ("approve", {"note": note})
    one = task_id

    def decided(caller: Caller) -> None:
        about = Confirmation(caller, as_json=as_json)
        body = {**said, **then_of(then), **about.task(one, revision)}
        line = f"robotq approve {one}{' --reject' if reject else ''}"
        about.send(f"/task/{quote(one, safe='')}/{action}", body, line=line, then=then)

    talk(url, key, decided)


def _waiting(caller: Caller) -> list[JsonObject]:
    waiting = caller.all_tasks(state="pending")
    found = [line.task_id for line in waiting if line.raw.get("awaits_approval")]
    return [caller.get(f"/task/{task_id}") for task_id in found]


def _list(tasks: list[JsonObject], as_json: bool) -> None:
    console = new_console()
    if as_json:
        print_json(console, {"tasks": tasks})
        return
    if not tasks:
        print(say("approve.none"))
    for task in tasks:
        head = f"{task['task_id']}  {task['robot_id']}  {task['cmd_type']}  {task['actor']}"
        console.print(Text(head, "bold"), soft_wrap=True)
        print_json(console, task["params"])
