"""The robotq command."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from robotq.cli.shared.failure import ExitCode, Failure, odd_bytes
from robotq.model.errors import ConfigError, DataUnavailable, RobotqError
from robotq.model.version import __version__
from robotq.system import early
from robotq.system.listen import CannotListen

COMMANDS = {
    "serve": "host.serve",
    "demo": "host.demo",
    "submit": "remote.submit",
    "repeat": "remote.repeat",
    "status": "remote.control",
    "watch": "remote.watch",
    "history": "remote.history",
    "logs": "remote.journal",
    "export": "remote.history",
    "robots": "remote.lists",
    "resources": "remote.resources",
    "release": "remote.resources",
    "commands": "remote.lists",
    "cancel": "remote.cancel",
    "reorder": "remote.edit",
    "priority": "remote.edit",
    "move": "remote.edit",
    "retry": "remote.decide",
    "rerun": "remote.decide",
    "answer": "remote.decide",
    "resolve": "remote.decide",
    "checklist": "remote.checklist",
    "tick": "remote.checklist",
    "approve": "remote.approve",
    "pause": "remote.control",
    "resume": "remote.decide",
    "hold-motion": "remote.decide",
    "resume-motion": "remote.decide",
    "stop": "remote.control",
    "estop": "remote.decide",
    "run": "host.run",
    "self-test": "host.selftest",
    "keys": "host.keys",
    "doctor": "doctor.command",
    "check-config": "host.check",
    "device": "host.device",
    "worker": "remote.worker",
    "mcp": "host.mcp",
    "notify": "host.notify",
    "backup": "host.backup",
    "restore": "host.backup",
}
"""Command -> its module, which is loaded only when it is needed: an emergency stop does not
wait until the daemon's libraries are read."""


_DAEMONS = frozenset({"serve", "demo"})


def main(*, menu: bool = False) -> int:
    """Run the command line of this process; returns its exit code (`ExitCode`).

    `menu`: without arguments, ask what to start.
    """
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show a character gets another one instead of a traceback
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        arguments = sys.argv[1:] or (_asked() if menu else [])
        command_line(arguments)(arguments, prog_name="robotq")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.FAILED
    except Failure as failure:
        return _told(failure, failure.code)
    except (CannotListen, DataUnavailable, RobotqError) as error:
        return _told(error, ExitCode.FAILED)
    except ConfigError as error:
        return _told(error, ExitCode.USAGE)
    except UnicodeEncodeError as error:
        shown = str(error.object)[error.start :].encode("utf-8", "backslashreplace").decode()
        return _told(Failure(odd_bytes(shown)), ExitCode.USAGE)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has left, as in `robotq status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    return ExitCode.OK


def command_line(arguments: Sequence[str]) -> typer.Typer:
    """The commands that `arguments` may mean: the one that they name, else all of them."""
    app = typer.Typer(
        name="robotq",
        help="A durable command queue between software and robots.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_options)
    named = next((argument for argument in arguments if not argument.startswith("-")), None)
    if named in _DAEMONS:
        early.begin()
    for name, module in COMMANDS.items():
        if named in (name, None) or named not in COMMANDS:
            loaded = import_module(f"robotq.cli.{module}")
            if name == "keys":
                app.add_typer(loaded.app, name=name)
            else:
                app.command(name)(getattr(loaded, name.replace("-", "_")))
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"robotq {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and end."
        ),
    ] = False,
) -> None:
    """A durable command queue between software and robots."""


def _asked() -> list[str]:
    menu = import_module("robotq.cli.host.menu")
    return list(menu.arguments_from_menu(sys.stdin))


def _told(problem: Exception, code: ExitCode) -> ExitCode:
    print(f"robotq: {problem}", file=sys.stderr)
    return code
