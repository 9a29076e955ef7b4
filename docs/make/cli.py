"""reference/cli.md: every command of the command line, with its arguments and options."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

from docs.make.markdown import code, table, value
from robotq.cli import COMMANDS

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
    for name, module in COMMANDS.items():
        loaded = import_module(f"robotq.cli.{module}")
        group = getattr(loaded, "app", None)
        if group is None:
            yield _command(name, getattr(loaded, name.replace("-", "_")))
            continue
        for inner in group.registered_commands:
            yield _command(f"{name} {inner.name}", inner.callback)


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


def _command(name: str, function: Callable[..., Any]) -> Command:
    hints = get_type_hints(function, include_extras=True)
    parameters = [
        _parameter(parameter, *get_args(hints[parameter.name]))
        for parameter in inspect.signature(function).parameters.values()
    ]
    # arguments first, as they are typed
    parameters.sort(key=lambda parameter: parameter.shown.startswith("-"))
    return Command(name, inspect.cleandoc(function.__doc__ or ""), tuple(parameters))


def _parameter(parameter: inspect.Parameter, kind: Any, info: Any) -> Parameter:
    assert isinstance(info, OptionInfo | ArgumentInfo), parameter
    default = parameter.default
    shown_default = "" if default in (parameter.empty, None, False, "") else value(default)
    variable = info.envvar if isinstance(info.envvar, str) else ""
    choices = _choices(kind)
    if isinstance(info, ArgumentInfo):
        many = "..." if get_origin(kind) in (list, tuple) else ""
        shown = (info.metavar or parameter.name.upper()) + many
        shown = shown if default is parameter.empty else f"[{shown}]"
    else:
        names = [
            str(name) for name in (info.default, *(info.param_decls or ())) if _is_option(name)
        ]
        shown = ", ".join(names) + ("" if kind is bool else f" {info.metavar or _value(kind)}")
    text = " ".join((info.help or "").split())
    if isinstance(info, ArgumentInfo) and choices:
        text = f"{text} One of {choices}."
    return Parameter(shown, shown_default, variable, text)


def _value(kind: Any) -> str:
    """What stands for the value of an option of this type."""
    words = {int: "NUMBER", float: "NUMBER", Path: "PATH"}
    parts = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return _choices(kind) or next((words[part] for part in parts if part in words), "TEXT")


def _is_option(name: Any) -> bool:
    return isinstance(name, str) and name.startswith("-")


def _choices(kind: Any) -> str:
    """The words that a parameter of this type can be."""
    if get_origin(kind) in (Union, types.UnionType):
        return next((found for part in get_args(kind) if (found := _choices(part))), "")
    if get_origin(kind) is Literal:
        return "/".join(map(str, get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "/".join(str(member.value) for member in kind)
    return ""
