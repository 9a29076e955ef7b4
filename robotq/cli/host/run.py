"""robotq run: command files carried out here, without a server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from robotq.cli.shared import parse
from robotq.cli.shared.display.junit import Outcome, write_junit
from robotq.cli.shared.display.show import TaskView, new_console, print_json
from robotq.cli.shared.engine_here import carry_out, read_entries
from robotq.cli.shared.failure import ExitCode
from robotq.cli.shared.logs import log_to_stderr
from robotq.cli.shared.options import ConfigFile, OutcomeAsJson, TimeScale
from robotq.cli.shared.settings import loader
from robotq.cli.shared.words import heads
from robotq.config import Config
from robotq.daemon.assembly import running_engine
from robotq.daemon.process import StopSignals, run_program


def run(
    *,
    files: Annotated[list[Path], parse.Argument(help="Command files: one command or a list.")],
    junit: Annotated[
        Path | None, parse.Option("--junit", metavar="FILE", help="Write a JUnit report.")
    ] = None,
    config: ConfigFile = None,
    data: Annotated[
        Path | None,
        parse.Option("--data", help="Keep tasks and lab here. [default: nothing is kept]"),
    ] = None,
    time_scale: TimeScale = None,
    as_json: OutcomeAsJson = False,
) -> None:
    """Carry out command files in order and end: 0 only if every command completed.

    The same engine as in the daemon does the work, without HTTP.
    """
    log_to_stderr("warning")
    entries = read_entries(files)
    # standard output is for the program that reads the outcome
    console = new_console(stderr=as_json)
    outcomes: list[Outcome] = []

    async def program(signals: StopSignals) -> int:
        view = TaskView(console)
        async with running_engine(settings) as engine:
            with view.on_screen():
                done = await signals.unless_ended(carry_out(engine, entries, view, outcomes))
        return ExitCode.INTERRUPTED if done is None else ExitCode.OK

    with run_settings(config, data, time_scale) as settings:
        code = run_program(program)
    if junit is not None:
        write_junit(junit, outcomes)
    if code == ExitCode.OK and not all(outcome.passed for outcome in outcomes):
        code = ExitCode.FAILED
    tell_outcomes(console, outcomes, code, as_json=as_json)
    raise parse.Exit(code)


@contextmanager
def run_settings(
    file: Path | None, data: Path | None, time_scale: float | None
) -> Iterator[Config]:
    """The configuration of an engine without a server; without `data` it leaves nothing behind.

    Raises ConfigError.
    """
    # whoever ends a run here wants the robot to stop, and a second Ctrl-C would not stop it
    flags: dict[str, Any] = {"time_scale": time_scale, "limits.shutdown_grace_s": 0.0}
    if data is not None:
        yield loader(file, {**flags, "data": str(data)})()
        return
    with tempfile.TemporaryDirectory(prefix="robotq-run-") as folder:
        yield loader(file, {**flags, "data": folder, "store": "memory"})()


def tell_outcomes(
    console: Console, outcomes: Sequence[Outcome], code: int, *, as_json: bool
) -> None:
    """A table, one line per command; or all of it as JSON on standard output."""
    if as_json:
        commands = [_view(outcome) for outcome in outcomes]
        print_json(new_console(), {"passed": code == ExitCode.OK, "commands": commands})
        return
    table = Table(*heads("", "command", "cmd_id", "seconds", "outcome"), box=None, pad_edge=False)
    for outcome in outcomes:
        mark = Text("✓", "green") if outcome.passed else Text("✗", "red")
        texts = (outcome.cmd_type, outcome.cmd_id or "", f"{outcome.seconds:.1f}", outcome.told)
        table.add_row(mark, *map(Text, texts))
    console.print()
    console.print(table)


def _view(outcome: Outcome) -> dict[str, Any]:
    return {
        "file": outcome.suite,
        "cmd_type": outcome.cmd_type,
        "cmd_id": outcome.cmd_id,
        "passed": outcome.passed,
        "skipped": outcome.skipped,
        "seconds": round(outcome.seconds, 3),
        "error_code": outcome.kind or None,
        "message": outcome.told,
        "result": outcome.result,
    }
