"""The words of a command line as the arguments of a function, and its help.

A library for that takes longer to load than a status takes to ask for. The commands say what
they take in their annotations: `Annotated[str, parse.Option("--robot", help="…")]`.
"""

from __future__ import annotations

from robotq.cli.shared.parse.asking import confirm
from robotq.cli.shared.parse.command import Command, Group
from robotq.cli.shared.parse.parameters import Argument, Exit, Option, Parameter

__all__ = ["Argument", "Command", "Exit", "Group", "Option", "Parameter", "confirm"]
