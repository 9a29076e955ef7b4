"""What a command does, as the operator wrote it: a program of steps, checked and ready to run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from robotq.model.json import JsonObject
from robotq.steps.expressions import Expression
from robotq.steps.templates import Template

MAX_ROUNDS = 10_000
"""Of one loop."""

MAX_STEPS_DONE = 200_000
"""Of one command, those of every round counted."""

MAX_TEXT = 4_000_000
"""Characters of one value that steps put together."""

LAST_S = 20.0
"""In which the steps behind all others have to be done."""

Tree: TypeAlias = Any
"""Mappings and lists as in the file, with a Template in the place of each text."""


class Gcode(msgspec.Struct, frozen=True, kw_only=True):
    """Lines for the controller; done when the robot stands again."""

    lines: tuple[Template, ...]


class RunProgram(msgspec.Struct, frozen=True, kw_only=True):
    """A whole program out of a parameter, a text or a list of lines, told with its progress."""

    source: Expression


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """Find the reference point, of all axes or of these."""

    axes: str = ""


class Unlock(msgspec.Struct, frozen=True, kw_only=True):
    """Leave the alarm of the controller without homing."""


class Jog(msgspec.Struct, frozen=True, kw_only=True):
    """A motion that can be broken off without any consequence, such as `X10 F300`: relative,
    in millimetres."""

    line: Template


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """Read a code with the scanner. Null where none was read in time."""

    timeout_s: Expression | None = None
    expect: re.Pattern[str] | None = None
    """The whole code; another one counts as not read."""
    attempts: int = 1


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A line whose answer is read."""

    line: Template
    expect: re.Pattern[str]
    """Searched for in each line of the answer; not found: the command has failed."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a person."""

    prompt: Template
    schema: JsonObject
    answered_by: str | None = None
    args: Mapping[str, Tree] = msgspec.field(default_factory=dict)


class Do(msgspec.Struct, frozen=True, kw_only=True):
    """Another command as a part of this one, where the robot has it by itself."""

    cmd_type: str
    params: Mapping[str, Tree]


class On(msgspec.Struct, frozen=True, kw_only=True):
    """A command of a device beside the robot."""

    device: str
    cmd_type: str
    params: Mapping[str, Tree]


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Let time pass while the robot stands."""

    seconds: Expression


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The robot stands at a named place now; None: at none."""

    name: Template | None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Steps, one after the other."""

    steps: tuple[Step, ...]


class Loop(msgspec.Struct, frozen=True, kw_only=True):
    """Steps, once for each entry of a list, or as many times as a number says."""

    over: Expression
    steps: tuple[Step, ...]
    item: str = "item"
    index: str = "index"
    """Counts from 0."""


class Assign(msgspec.Struct, frozen=True, kw_only=True):
    """Names for values."""

    values: Mapping[str, Tree]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of the command's result."""

    values: Mapping[str, Tree]


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """One more item in each of these lists of the result."""

    items: Mapping[str, Tree]


class Remember(msgspec.Struct, frozen=True, kw_only=True):
    """Something to know in later commands too, also after a restart, as `memory.<group>[key]`."""

    group: str
    key: Template
    value: Tree


class Forget(msgspec.Struct, frozen=True, kw_only=True):
    """The opposite of Remember; without a key, the whole group."""

    group: str
    key: Template | None


class Fail(msgspec.Struct, frozen=True, kw_only=True):
    """End the command as failed."""

    reason: Template


Action: TypeAlias = (
    Gcode
    | RunProgram
    | Home
    | Unlock
    | Jog
    | Scan
    | Query
    | Ask
    | Do
    | On
    | Wait
    | Place
    | Group
    | Loop
    | Assign
    | Result
    | Append
    | Remember
    | Forget
    | Fail
)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One action, and what surrounds it."""

    action: Action
    name: str | None = None
    """Reported while the action is carried out; None: not told."""
    detail: Mapping[str, Tree] = msgspec.field(default_factory=dict)
    when: Expression | None = None
    """Carried out only where this is neither null nor false."""
    into: str | None = None
    """The name under which what the action gives is known from then on."""
    timeout_s: float | None = None
    """Seconds that the action may take; then the robot is stopped and the command has failed.
    None: only the limit of the command counts."""


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """The steps of one command on one robot."""

    steps: tuple[Step, ...]
    values: JsonObject = msgspec.field(default_factory=dict)
    """The constants that the file gives, as `values`."""
    last: tuple[Step, ...] = ()
    """What follows the steps, whatever has become of them."""
    last_at: tuple[str, ...] = ("finally",)
    """Where in the command they stand."""
