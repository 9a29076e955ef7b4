"""The words of a command line as the arguments of a function, and its help.

A library for that takes longer to load than a status takes to ask for. The commands say what
they take in their annotations: `Annotated[str, parse.Option("--robot", help="…")]`.
"""

from __future__ import annotations

import sys

from robotq.cli.shared.parse.command import Command, Group
from robotq.cli.shared.parse.parameters import Argument, Exit, Option, Parameter

__all__ = ["Argument", "Command", "Exit", "Group", "Option", "Parameter", "confirm"]


def confirm(question: str, *, err: bool = False) -> bool:
    """Whether a person says yes; Enter and the end of the input are no. `err`: ask on standard
    error, where standard output is for a program."""
    print(f"{question} [y/N]: ", end="", file=sys.stderr if err else sys.stdout, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
