"""The robotq command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from robotq import __version__
from robotq.cli import check, control, demo, keys, run, selftest, serve, submit
from robotq.cli.failure import ExitCode, Failure
from robotq.cli.menu import arguments_from_menu
from robotq.listen import CannotListen
from robotq.model.errors import ConfigError, RobotqError

app = typer.Typer(
    help="A durable command queue between software and robots.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("submit")(submit.submit)
app.command("status")(control.status)
app.command("cancel")(control.cancel)
app.command("resolve")(control.resolve)
app.command("pause")(control.pause)
app.command("resume")(control.resume)
app.command("estop")(control.estop)
app.command("run")(run.run)
app.command("self-test")(selftest.self_test)
app.add_typer(keys.app, name="keys")
app.command("check-config")(check.check_config)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"robotq {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """A durable command queue between software and robots."""


def main(*, menu: bool = False) -> int:
    """Run the command line of this process; returns its exit code (`ExitCode`).

    `menu`: without arguments, ask what to start.
    """
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show a character gets another one instead of a traceback
        stream.reconfigure(errors="replace")
    try:
        arguments = sys.argv[1:] or (arguments_from_menu(sys.stdin) if menu else [])
        app(arguments, prog_name="robotq")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.FAILED
    except Failure as failure:
        return _told(failure, failure.code)
    except ConfigError as error:
        return _told(error, ExitCode.USAGE)
    except (CannotListen, RobotqError) as error:
        return _told(error, ExitCode.FAILED)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has left, as in `robotq status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    return ExitCode.OK


def _told(problem: Exception, code: ExitCode) -> ExitCode:
    print(f"robotq: {problem}", file=sys.stderr)
    return code
