"""The help of a command, in the language of whoever asks."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from robotq.cli.shared.parse.parameters import Parameter
from robotq.cli.shared.words import columns, say, translated

_WIDEST = 100
_COLUMN = 28
"""Where the text begins beside what is typed."""


def show_command(name: str, text: str, parameters: Sequence[Parameter]) -> None:
    """What it does, and what it takes."""
    arguments = [one for one in parameters if not one.is_option]
    typed = " ".join(["robotq", name, *(one.shown for one in arguments)])
    print(say("help.usage", line=f"{typed} [OPTIONS]"))
    print()
    for line in wrapped(translated(text), 0):
        print(line)
    told = [one for one in arguments if one.info.help]
    if told:
        print(f"\n{say('help.arguments')}")
        _show_rows((one.shown, _about(one)) for one in told)
    print(f"\n{say('help.options')}")
    options = [(one.shown, _about(one)) for one in parameters if one.is_option]
    _show_rows([*options, ("--help", say("help.help"))])


def show_group(name: str, text: str, commands: Iterable[tuple[str, str]]) -> None:
    """The commands below a name."""
    print(say("help.usage", line=f"robotq {name} COMMAND [OPTIONS]"))
    print()
    print(translated(text))
    print()
    rows = [(inner, translated(told)) for inner, told in commands]
    _show_rows([*rows, ("--help", say("help.help"))])


def _about(one: Parameter) -> str:
    parts = [translated(one.info.help)]
    if one.choices and not one.is_option:
        parts.append(say("help.one_of", choices=", ".join(one.choices)))
    default = getattr(one.default, "value", one.default)
    if default not in (None, False, True, "", []):
        shown = ", ".join(map(str, default)) if isinstance(default, list) else default
        parts.append(f"[{say('help.default')}: {shown}]")
    if one.info.envvar:
        parts.append(f"[{one.info.envvar}]")
    if one.required and one.is_option:
        parts.append(f"[{say('help.required')}]")
    return " ".join(part for part in parts if part)


def _show_rows(rows: Iterable[tuple[str, str]]) -> None:
    for shown, text in rows:
        lines = list(wrapped(text, _COLUMN))
        if len(shown) + 4 > _COLUMN or not lines:
            print(f"  {shown}")
        else:
            print(f"  {shown:<{_COLUMN - 2}}{lines.pop(0).lstrip()}")
        for line in lines:
            print(line)


def wrapped(text: str, indent: int) -> Iterator[str]:
    """Lines that are no longer than the terminal. Signs of Chinese are two columns wide, and a
    line may end behind each."""
    width = min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST) - 1
    if not sys.stdout.isatty():
        width = _WIDEST
    room = max(width - indent, 20)
    if columns(text) == len(text):
        for line in textwrap.wrap(text, room, break_on_hyphens=False):
            yield " " * indent + line
        return
    line, used = "", 0
    # a line may end behind each sign of Chinese, and not within a word of ASCII
    for piece in re.findall(r"[!-~]+|.[，。；：）、]*", text):
        wide = columns(piece)
        if used + wide > room and line:
            yield " " * indent + line
            line, used = "", 0
            if piece == " ":
                continue
        line, used = line + piece, used + wide
    if line:
        yield " " * indent + line
