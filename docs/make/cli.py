"""reference/cli.md: every command of the command line, with its arguments and options."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import NamedTuple

from docs.make.markdown import code, table, value
from robotq.cli import COMMANDS, command_line
from robotq.cli.shared import parse

_HEAD = """# Reference: the robotq command

Every command with its arguments and options. [The robotq command](command-line.md) says what
they are for, and what the exit codes mean. `python main.py` takes the same.
"""


class Parameter(NamedTuple):
    shown: str
    """As it is typed."""
    default: str
    variable: str
    text: str


class Command(NamedTuple):
    name: str
    text: str
    parameters: tuple[Parameter, ...]


def commands() -> Iterator[Command]:
    """Every command, those of a group under their full name."""
    for name in COMMANDS:
        called = command_line([name])
        if isinstance(called, parse.Group):
            yield from map(_command, called.commands.values())
        else:
            assert isinstance(called, parse.Command)
            yield _command(called)


def page() -> str:
    parts = [_HEAD]
    for command in commands():
        rows = (
            (code(one.shown), one.default, code(one.variable) if one.variable else "", one.text)
            for one in command.parameters
        )
        parts.append(f"\n## robotq {command.name}\n\n{command.text}\n\n")
        parts.append(table(("", "default", "variable", ""), rows))
    return "".join(parts)


def _command(command: parse.Command) -> Command:
    # arguments first, as they are typed
    given = sorted(command.parameters, key=lambda one: one.is_option)
    text = inspect.cleandoc(command.callback.__doc__ or "")
    return Command(command.name, text, tuple(map(_parameter, given)))


def _parameter(one: parse.Parameter) -> Parameter:
    default = getattr(one.default, "value", one.default)
    shown_default = "" if default in (None, False, "") else value(default)
    text = one.info.help
    if one.choices and not one.is_option:
        text = f"{text} One of {'/'.join(one.choices)}."
    return Parameter(one.shown, shown_default, one.info.envvar or "", text)
