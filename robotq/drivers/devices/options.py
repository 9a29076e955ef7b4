"""The `devices` of a robot, and the steps that use them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from robotq.config import DeviceConfig
from robotq.config.keys import suggestion
from robotq.config.strict_yaml import KeyPath
from robotq.drivers.line.options import LineOptions, read_options
from robotq.drivers.line.ready import LineProgram
from robotq.model.errors import ConfigError
from robotq.steps import Program
from robotq.steps import language as lang
from robotq.steps.expressions import ExpressionError
from robotq.steps.templates import Template

_CONSTANT = frozenset({"values", "null", "true", "false", "len"})
_SHARED = ("socket://", "rfc2217://")
"""Ports that may be opened more than once."""


@dataclass(frozen=True, slots=True)
class Devices:
    """All devices of one robot, as they are written."""

    options: Mapping[str, LineOptions]

    def lacks(self, program: Program) -> str | None:
        """Why the robot cannot do a command with these steps; None where it can."""
        for _, on in steps_on(program.steps):
            if on.device not in self.options:
                return no_device(on.device)
        return None

    def wrong_steps(
        self, program: Program, elsewhere: Collection[str]
    ) -> Iterator[tuple[KeyPath, str]]:
        """What is wrong in these steps, each with its place below them. `elsewhere`: devices of
        other robots for which the same steps are written."""
        for at, on in steps_on(program.steps):
            options = self.options.get(on.device)
            if options is None and on.device in elsewhere:
                continue
            if options is None:
                known = suggestion(on.device, self.options)
                yield (*at, "on"), f"found {on.device!r}, which is no device of the robot{known}"
                continue
            written = options.ready.programs.get(on.cmd_type)
            if written is None:
                known = suggestion(on.cmd_type, options.ready.programs)
                text = f"found {on.cmd_type!r}, which {on.device} cannot do{known}"
                yield (*at, "do", "cmd_type"), text
                continue
            yield from _wrong_params(on, written, (*at, "do"), program)


def no_device(name: str) -> str:
    return f"it uses the device {name}, and the robot has none: set `devices`"


def read_devices(
    robot: str, devices: Mapping[str, DeviceConfig], *, beside: Mapping[str, Any]
) -> Devices:
    """`beside`: the options of the robot itself. Raises ConfigError with one line for each
    fault."""
    faults: list[str] = []
    read: dict[str, LineOptions] = {}
    owners = {beside.get("port"): robot}
    for name, device in devices.items():
        where = f"{robot}.devices.{name}"
        try:
            read[name] = read_options(where, device.options)
        except ConfigError as error:
            faults.append(str(error))
        port = device.options.get("port")
        if not isinstance(port, str) or port.startswith(_SHARED):
            continue
        if (owner := owners.setdefault(port, name)) != name:
            faults.append(
                f"robots.{where}.options: port: found {port}, which is that of {owner}; expected "
                "one of its own"
            )
    if faults:
        raise ConfigError("\n".join(faults))
    return Devices(read)


def steps_on(steps: Sequence[lang.Step], above: KeyPath = ()) -> Iterator[tuple[KeyPath, lang.On]]:
    """All steps that use a device, with their places."""
    for index, step in enumerate(steps):
        at = (*above, index)
        match step.action:
            case lang.Group(steps=inner) | lang.Loop(steps=inner):
                yield from steps_on(inner, (*at, "steps"))
            case lang.On() as on:
                yield at, on
            case _:
                pass


def _wrong_params(
    on: lang.On, written: LineProgram, at: KeyPath, program: Program
) -> Iterator[tuple[KeyPath, str]]:
    for name, tree in on.params.items():
        here = (*at, "params", name)
        param = written.params.get(name)
        if param is None:
            known = suggestion(name, written.params)
            yield here, f"{on.cmd_type} of {on.device} has no such parameter{known}"
            continue
        try:
            known_now, value = _constant(tree, program)
        except ExpressionError as error:
            yield here, str(error)
            continue
        reason = param.why_not(value) if known_now else None
        if reason is not None:
            yield here, reason
    for name, param in written.params.items():
        if name not in on.params and param.default is None:
            yield at, f"params.{name} is missing: {on.cmd_type} of {on.device} needs it"


def _constant(tree: lang.Tree, program: Program) -> tuple[bool, Any]:
    """Whether a value is known before the command runs, and the value. Raises ExpressionError."""
    if not isinstance(tree, Template):
        return not isinstance(tree, Mapping | list), tree
    names = {
        node.id
        for part in tree.parts
        if part.expression is not None
        for node in ast.walk(part.expression.tree)
        if isinstance(node, ast.Name)
    }
    if not names <= _CONSTANT:
        return False, None
    return True, tree.value({"values": program.values})
