"""robotq reorder, priority, move: another order of what waits, or another robot."""

from __future__ import annotations

from typing import Annotated, Any

from robotq.cli.shared import parse
from robotq.cli.shared.display.screen import show_json
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import talk
from robotq.cli.shared.options import URL, AsJson, Key, Url
from robotq.cli.shared.schedule import number_or_word
from robotq.model.json import JsonObject

_TaskId = Annotated[str, parse.Argument(metavar="TASK_ID")]
_Revision = Annotated[
    int | None,
    parse.Option(
        "--if-revision",
        metavar="N",
        help="Only where nobody has edited the queue since this revision of `robotq status`.",
    ),
]


def reorder(
    *,
    task_id: _TaskId,
    before: Annotated[
        str | None, parse.Option("--before", metavar="TASK_ID", help="Right before this task.")
    ] = None,
    after: Annotated[
        str | None, parse.Option("--after", metavar="TASK_ID", help="Right after this task.")
    ] = None,
    head: Annotated[bool, parse.Option("--head", help="Before all that waits.")] = False,
    end: Annotated[bool, parse.Option("--end", help="Behind all that waits.")] = False,
    revision: _Revision = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Put a waiting task elsewhere in its queue; a contiguous batch moves as one."""
    given: dict[str, Any] = {
        **({"before": before} if before is not None else {}),
        **({"after": after} if after is not None else {}),
        **({"to": "head"} if head else {}),
    }
    if len(given) + end != 1:
        raise Failure("expected one of --before, --after, --head and --end", ExitCode.USAGE)
    body = {"task_id": task_id, **(given or {"to": "end"})}
    _edit(url, key, "/queue/reorder", body, revision=revision, as_json=as_json)


def priority(
    *,
    task_id: _TaskId,
    priority: Annotated[
        str, parse.Argument(metavar="PRIORITY", help="-10 to 10, or low, normal, high.")
    ],
    revision: _Revision = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Give a waiting task another priority, e.g. `robotq priority TASK_ID -- -5`."""
    body = {"priority": number_or_word(priority)}
    _edit(url, key, f"/task/{task_id}/priority", body, revision=revision, as_json=as_json)


def move(
    *,
    task_id: _TaskId,
    robot: Annotated[
        str, parse.Argument(metavar="ROBOT", help="Who is to do it; it has to be able to.")
    ],
    note: Annotated[str, parse.Option("--note", help="Why; stands in the journal.")] = "",
    revision: _Revision = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Give a waiting task to another robot; a contiguous batch goes as one."""
    body = {"robot_id": robot, **({"note": note} if note else {})}
    _edit(url, key, f"/task/{task_id}/move", body, revision=revision, as_json=as_json)


def _edit(
    url: str,
    key: str | None,
    path: str,
    body: JsonObject,
    *,
    revision: int | None,
    as_json: bool,
) -> None:
    headers = {} if revision is None else {"If-Match": f'"{revision}"'}
    answer = talk(url, key, lambda caller: caller.post(path, body, headers))
    if as_json:
        show_json(answer)
    else:
        where = f"position {answer['position']}, priority {answer['priority']}"
        print(f"{answer['message']} ({where}, revision {answer['revision']})")
