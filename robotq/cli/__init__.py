"""The robotq command."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module

from robotq.cli.listing import COMMANDS, GROUPS, close_to
from robotq.cli.shared.failure import ExitCode, Failure, odd_bytes
from robotq.cli.shared.parse import Command, Exit, Group
from robotq.cli.shared.words import language_here, say
from robotq.model.texts import Language
from robotq.model.version import __version__

__all__ = ["COMMANDS", "command_line", "main"]

_DAEMONS = frozenset({"serve", "hub", "demo"})

_Called = Callable[[Sequence[str]], None]


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
        command_line(arguments)(arguments[1:])
    except (SystemExit, Exit) as end:
        return end.code if isinstance(end.code, int) else ExitCode.FAILED
    except Failure as failure:
        return _told(failure, failure.code)
    except UnicodeEncodeError as error:
        shown = str(error.object)[error.start :].encode("utf-8", "backslashreplace").decode()
        return _told(Failure(odd_bytes(shown)), ExitCode.USAGE)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has left, as in `robotq status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception as error:
        code = _expected(error)
        if code is None:
            raise
        return _told(error, code)
    return ExitCode.OK


def command_line(arguments: Sequence[str]) -> _Called:
    """What `arguments` name, to be called with the words behind it. Raises Failure."""
    name = arguments[0] if arguments else ""
    if name == "help" and len(arguments) > 1:
        # whoever asks for `robotq help status` gets it
        named = command_line(arguments[1:])
        return lambda words: named([*words[1:], "--help"])
    if name in ("", "help", "--help", "-h"):
        return lambda _: _show_help(ExitCode.OK if name else ExitCode.USAGE)
    if name == "--version":
        return lambda _: print(f"robotq {__version__}")
    if name in ("--install-completion", "--show-completion", "--complete"):
        from robotq.cli import completion  # noqa: PLC0415

        return partial(completion.COMMANDS[name], command_line)
    if name.startswith("-"):
        raise Failure(say("cli.options_behind", option=name[:80]), ExitCode.USAGE)
    module = COMMANDS.get(name)
    if module is None:
        meant = close_to(name)
        near = say("cli.meant_nothing") if meant is None else say("cli.meant", name=meant)
        raise Failure(say("cli.no_command", name=name[:80], meant=near), ExitCode.USAGE)
    if name in _DAEMONS:
        from robotq.system import early  # noqa: PLC0415

        early.begin()
    loaded = import_module(f"robotq.cli.{module}")
    group: object = getattr(loaded, "app", None)
    if isinstance(group, Group):
        return group
    return Command(name, getattr(loaded, name.replace("-", "_")))


def _show_help(code: ExitCode) -> None:
    zh = language_here() is Language.ZH
    print(say("help.usage", line="robotq COMMAND [OPTIONS]"))
    print()
    print(say("help.robotq"))
    for title, commands in GROUPS.items():
        print(f"\n{title[zh]}:")
        for name, listed in commands.items():
            print(f"  {name:<15}{listed.zh if zh else listed.en}")
    print()
    print(say("help.more"))
    raise Exit(code)


def _asked() -> list[str]:
    menu = import_module("robotq.cli.host.menu")
    return list(menu.arguments_from_menu(sys.stdin))


def _expected(error: Exception) -> ExitCode | None:
    """The exit code of a problem that has a line of its own; None: nobody has expected it."""
    # what is not loaded was not raised
    from robotq.model.errors import ConfigError, DataUnavailable, RobotqError  # noqa: PLC0415
    from robotq.system.listen import CannotListen  # noqa: PLC0415

    if isinstance(error, (CannotListen, DataUnavailable, RobotqError)):
        return ExitCode.FAILED
    return ExitCode.USAGE if isinstance(error, ConfigError) else None


def _told(problem: Exception, code: ExitCode) -> ExitCode:
    print(f"robotq: {problem}", file=sys.stderr)
    return code
