"""robotq history and export: the tasks that were, on the screen or in a file."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Any

import orjson
from rich.table import Table
from rich.text import Text

from robotq.cli.shared import parse
from robotq.cli.shared.display.show import new_console, print_json
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import asking
from robotq.cli.shared.options import URL, AsJson, Key, Robot, Url
from robotq.cli.shared.words import heads
from robotq.model.carried.plain_text import no_formula
from robotq.model.json import JsonObject

_COLUMNS = (
    "task_id",
    "state",
    "cmd_type",
    "cmd_id",
    "robot_id",
    "api",
    "submit_time",
    "start_time",
    "end_time",
    "error_code",
    "batch_id",
)
_STYLES = {"completed": "green", "failed": "red", "cancelled": "yellow", "running": "cyan"}

_State = Annotated[
    str | None,
    parse.Option(
        "--state",
        metavar="STATES",
        help="pending, running, completed, failed, cancelled; several between commas.",
    ),
]
_CmdType = Annotated[
    str | None, parse.Option("--cmd-type", metavar="NAME", help="Commands of this kind.")
]
_CmdId = Annotated[
    str | None, parse.Option("--cmd-id", metavar="TEXT", help="The client's own name for it.")
]
_Error = Annotated[
    str | None, parse.Option("--error", metavar="CODE", help="Ended with this error code.")
]
_From = Annotated[
    str | None,
    parse.Option("--from", metavar="TIME", help="Submitted at or after, e.g. 2026-01-31T08:00."),
]
_To = Annotated[str | None, parse.Option("--to", metavar="TIME", help="Submitted before.")]
_Api = Annotated[
    str | None, parse.Option("--api", metavar="NAME", help="Submitted through this interface.")
]


class Format(StrEnum):
    """How tasks are written."""

    CSV = "csv"
    JSONL = "jsonl"


def history(
    *,
    state: _State = None,
    cmd_type: _CmdType = None,
    cmd_id: _CmdId = None,
    error: _Error = None,
    robot: Robot = None,
    api: _Api = None,
    since: _From = None,
    to: _To = None,
    limit: Annotated[int, parse.Option("--limit", min=1, help="Tasks to show.")] = 20,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show tasks, newest first."""
    query = _query(
        state=state,
        cmd_type=cmd_type,
        cmd_id=cmd_id,
        error_code=error,
        robot_id=robot,
        api=api,
        to=to,
        **{"from": since},
    )

    with asking(url, key) as client:
        tasks = [task.raw for task in islice(client.all_tasks(**query), limit)]
    console = new_console()
    if as_json:
        print_json(console, tasks)
        return
    table = Table(*heads("task", "state", "robot", "command", "submitted", "ended", ""), box=None)
    for task in tasks:
        table.add_row(
            task["task_id"],
            Text(task["state"], _STYLES.get(task["state"], "")),
            task["robot_id"],
            task["cmd_type"],
            task["submit_time"],
            task.get("end_time") or "-",
            Text(task.get("error_code") or "", "red"),
        )
    console.print(table)


def export(
    *,
    file: Annotated[
        Path | None,
        parse.Argument(metavar="FILE", help="A new file; without it, standard output."),
    ] = None,
    form: Annotated[Format, parse.Option("--format", help="One line for each task.")] = Format.CSV,
    full: Annotated[
        bool,
        parse.Option("--full", help="With jsonl: also params, steps, results and errors."),
    ] = False,
    state: _State = None,
    cmd_type: _CmdType = None,
    cmd_id: _CmdId = None,
    error: _Error = None,
    robot: Robot = None,
    api: _Api = None,
    since: _From = None,
    to: _To = None,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Write all tasks, newest first, as CSV or JSON lines."""
    if full and form is not Format.JSONL:
        raise Failure("--full goes with --format jsonl", ExitCode.USAGE)
    query = _query(
        state=state,
        cmd_type=cmd_type,
        cmd_id=cmd_id,
        error_code=error,
        robot_id=robot,
        api=api,
        to=to,
        **{"from": since},
    )

    written = 0
    with asking(url, key) as client, _opened(file) as stream:
        table = csv.DictWriter(stream, _COLUMNS, extrasaction="ignore", lineterminator="\n")
        if form is Format.CSV:
            table.writeheader()
        for line in client.all_tasks(**query):
            if form is Format.CSV:
                table.writerow(_plain(line.raw))
            else:
                task = client.task(line.task_id) if full else line
                stream.write(orjson.dumps(task.raw).decode() + "\n")
            written += 1
    if file is not None:
        print(f"{written} tasks in {file}", file=sys.stderr)


def _query(**wanted: str | None) -> Mapping[str, str]:
    """The parameters that were given."""
    return {name: value for name, value in wanted.items() if value is not None}


@contextmanager
def _opened(file: Path | None) -> Iterator[IO[str]]:
    """The stream to write to. An existing file is never written over."""
    if file is None:
        yield sys.stdout
        return
    try:
        # spreadsheets take a file without this mark for one in the code page of the machine
        encoding = "utf-8-sig" if file.suffix.lower() == ".csv" else "utf-8"
        stream = file.open("x", encoding=encoding, newline="")
    except OSError as error:
        raise Failure(f"cannot write {file}: {error.strerror}", ExitCode.USAGE) from error
    with stream:
        yield stream


def _plain(task: JsonObject) -> dict[str, Any]:
    """The task for a spreadsheet, in which no text of a client becomes a formula."""
    return {
        name: no_formula(value) if isinstance(value, str) else value for name, value in task.items()
    }
