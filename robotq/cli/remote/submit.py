"""robotq submit: hands command files to a running daemon."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson

from robotq.cli.shared import parse
from robotq.cli.shared.display.screen import show_json
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.files import read_file
from robotq.cli.shared.follow import follow_at, is_completed
from robotq.cli.shared.http import Caller, talk
from robotq.cli.shared.options import URL, AsJson, Key, Url
from robotq.cli.shared.schedule import schedule_of, with_keys
from robotq.cli.shared.typed import is_typed, typed_command
from robotq.client import ClientError, Unreachable
from robotq.client.request import new_key
from robotq.model.carried.program import CARRIED_OUT_BY, SUFFIXES, is_program, program_text
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.json.text import parse_json

_OPTION = "--idempotency-key"


def submit(
    *,
    what: Annotated[
        list[str],
        parse.Argument(
            metavar="COMMAND [NAME=VALUE]",
            help="A command with its parameters, such as NAVIGATION area=HOME; `robotq commands` "
            "lists them. Or files: one command or a list of them in JSON; - is standard input. "
            f"Programs of G-code ({', '.join(SUFFIXES)}) become a {CARRIED_OUT_BY} each.",
        ),
    ],
    robot: Annotated[
        str | None,
        parse.Option(
            "--robot",
            metavar="NAME",
            help="Who carries out the command, or the program of G-code. Without it the default "
            "robot, or the first one that can.",
        ),
    ] = None,
    wait: Annotated[
        bool, parse.Option("--wait", help="Show the work, and end with its outcome.")
    ] = False,
    timeout: Annotated[
        float | None,
        parse.Option("--timeout", metavar="SECONDS", help="With --wait: the longest wait."),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        parse.Option(
            _OPTION,
            metavar="TEXT",
            help="Repeat a submit safely: the same text and file give the same task again. "
            "[default: a new one, which is told where an answer is lost]",
        ),
    ] = None,
    verbose: Annotated[
        bool, parse.Option("--verbose", help="Tell the key that makes each submit count once.")
    ] = False,
    priority: Annotated[
        str | None,
        parse.Option("--priority", metavar="N", help="-10 to 10, or low, normal, high."),
    ] = None,
    not_before: Annotated[
        str | None,
        parse.Option(
            "--not-before",
            metavar="TIME",
            help="Not started before: 2026-01-31T08:30, or from now +90, +15m, +8h, +2d.",
        ),
    ] = None,
    expires_at: Annotated[
        str | None,
        parse.Option("--expires-at", metavar="TIME", help="Not started any more from then on."),
    ] = None,
    repeat: Annotated[
        int | None, parse.Option("--repeat", metavar="N", help="Runs in all, one after another.")
    ] = None,
    every: Annotated[
        float | None,
        parse.Option(
            "--every",
            metavar="SECONDS",
            help="Run again so long after the time of the run before; without --repeat, until "
            "it is cancelled.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        parse.Option(
            "--dry-run",
            help="Only check, and tell what would be taken: of a program how long it takes, how "
            "far it reaches, its tools, and the lines at which it waits for a person.",
        ),
    ] = False,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Submit a command, or files with commands and programs. A file with a list is a batch: all of
    it is accepted, or nothing."""
    typed = is_typed(what)
    if idempotency_key is not None and len(what) > 1 and not typed:
        raise Failure("--idempotency-key goes with one file", ExitCode.USAGE)
    if dry_run and wait:
        raise Failure("--dry-run does nothing that could be waited for", ExitCode.USAGE)
    keys = schedule_of(
        priority=priority,
        not_before=not_before,
        expires_at=expires_at,
        repeat=repeat,
        every_s=every,
    )
    given = (
        () if typed else [(with_keys(_command_in(Path(one), robot), keys), [one]) for one in what]
    )
    again = _options(
        robot=robot,
        priority=priority,
        not_before=not_before,
        expires_at=expires_at,
        repeat=repeat,
        every=every,
    )

    def conversation(caller: Caller) -> int:
        answers: list[JsonObject] = []
        bodies = given
        if typed:
            command = orjson.dumps(typed_command(caller, what, robot))
            bodies = [(with_keys(command, keys), list(what))]
        if dry_run:
            for body, _ in bodies:
                _show_checked(caller, body)
            return ExitCode.OK
        try:
            for body, words in bodies:
                once = idempotency_key or new_key()
                if verbose:
                    print(f"{words[0]}: {_OPTION} {once}", file=sys.stderr)
                answers.append(_handed_in(caller, words, body, once, again))
        except (ClientError, Failure):
            # what was accepted before is at work
            _tell(answers, as_json)
            raise
        if not wait:
            _tell(answers, as_json)
            return ExitCode.OK
        # whoever does not wait does without it
        from robotq.cli.shared.display.show import TaskView, new_console  # noqa: PLC0415

        view = TaskView(new_console(stderr=as_json), caller.url)
        task_ids = [task_id for answer in answers for task_id in task_ids_of(answer)]
        with view.on_screen():
            tasks = follow_at(caller, task_ids, view, timeout)
        if as_json:
            show_json(tasks)
        return ExitCode.OK if all(map(is_completed, tasks)) else ExitCode.FAILED

    raise parse.Exit(talk(url, key, conversation))


def _command_in(file: Path, robot: str | None) -> bytes:
    """What is handed in for a file. Raises Failure."""
    content = read_file(file)
    if not is_program(file.name):
        if robot is not None:
            raise Failure(
                f"--robot goes with programs ({', '.join(SUFFIXES)}); the commands in {file} "
                "name their robot themselves",
                ExitCode.USAGE,
            )
        return content
    try:
        text = program_text(content)
    except RobotqError as error:
        raise Failure(f"{file}: {error}", ExitCode.USAGE) from error
    command = {"cmd_type": CARRIED_OUT_BY, "params": {"program": text}}
    return orjson.dumps(command if robot is None else {**command, "robot_id": robot})


def _show_checked(caller: Caller, body: bytes) -> None:
    """Tell what would be taken. Raises ClientError, Failure."""
    try:
        commands = parse_json(body)
    except RobotqError as error:
        raise Failure(f"the command file is not right: {error}", ExitCode.USAGE) from error
    for command in caller.dry_run(commands):
        shown = dict(command)
        if "program" in shown:
            # what is in it, the file shows
            shown["params"] = {
                name: "..." if name == "program" else value
                for name, value in shown["params"].items()
            }
        show_json(shown)


def _options(**given: object) -> Sequence[str]:
    """The options that belong to what was handed in, as they are written."""
    told = {name.replace("_", "-"): value for name, value in given.items() if value is not None}
    return [f"--{name}={value}" for name, value in told.items()]


def _handed_in(
    caller: Caller, words: Sequence[str], body: bytes, once: str, options: Sequence[str]
) -> JsonObject:
    """What the daemon answers. Raises Failure with the line that repeats it safely where nobody
    knows whether it was accepted; ClientError."""
    try:
        return caller.submit_file(body, idempotency_key=once)
    except (Unreachable, KeyboardInterrupt) as error:
        if isinstance(error, Unreachable) and not error.maybe_done:
            raise
        interrupted = isinstance(error, KeyboardInterrupt)
        problem = "interrupted; it may have been accepted" if interrupted else str(error)
        line = shlex.join(["robotq", "submit", *words, *options, _OPTION, once])
        raise Failure(
            f"{problem}. This repeats it, and it counts once: {line}",
            ExitCode.INTERRUPTED if interrupted else ExitCode.NO_DAEMON,
        ) from None


def task_ids_of(answer: JsonObject) -> list[str]:
    """The tasks that a submit became; none for a command that acts at once."""
    if "task_ids" in answer:
        return list(answer["task_ids"])
    return [answer["task_id"]] if "task_id" in answer else []


def _tell(answers: Sequence[Any], as_json: bool) -> None:
    for answer in answers:
        task_ids = task_ids_of(answer)
        if as_json or not task_ids:
            show_json(answer)
        else:
            print(*task_ids, sep="\n")
