"""All commands of a daemon: looked up, their params checked, their places known."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from string import Formatter

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from robotq.config.strict_yaml import KeyPath, key_text
from robotq.model.carried.program import CARRIED_OUT_BY, PROGRAM, PROGRAMS, as_sent
from robotq.model.errors import ConfigError, RobotqError
from robotq.model.json import JsonObject, JsonValue
from robotq.model.task import Kind
from robotq.steps import Program
from robotq.steps.uses import programs_of

_SHOWN = 200
"""Characters of somebody's own words that an error repeats."""

_Where = Callable[[str, KeyPath, str], str]
"""Makes the line of an error out of cmd_type, path of the key and text."""


def _by_name(cmd_type: str, at: KeyPath, text: str) -> str:
    return f"{key_text((cmd_type, *at))}: {text}"


class Catalog:
    """The command specs of this daemon. Never changed; a reload makes another one."""

    def __init__(
        self,
        specs: Sequence[CommandSpec],
        where: _Where = _by_name,
        own: Collection[tuple[str, str]] | None = None,
    ) -> None:
        """Raises ConfigError with one line per fault; `where` tells the place of a key, `own`
        holds the (cmd_type, field) that an operator has written; None: all."""
        self._where = where
        self._own = own
        self._specs = {spec.cmd_type: spec for spec in specs}
        self.without_driver = frozenset(spec.cmd_type for spec in specs if spec.handler != "driver")
        """Commands that a part of the daemon carries out."""
        self.with_places = frozenset(spec.cmd_type for spec in specs if spec.resources)
        """Commands that go to places."""
        self._validators: dict[str, Draft202012Validator] = {}
        self._defaults: dict[str, JsonObject] = {}
        faults: list[str] = []
        for spec in specs:
            try:
                validator = Draft202012Validator(dict(spec.schema), offline=True)
            except ValidationError as error:
                at = ("schema", *error.instance_path)
                faults.append(where(spec.cmd_type, at, reason_of(error)))
                continue
            self._validators[spec.cmd_type] = validator
            self._defaults[spec.cmd_type] = {
                name: rule["default"]
                for name, rule in spec.schema.get("properties", {}).items()
                if isinstance(rule, Mapping) and "default" in rule
            }
            faults += [where(spec.cmd_type, at, text) for at, text in self._contradictions(spec)]
        if faults:
            raise ConfigError("\n".join(faults))

    def __iter__(self) -> Iterator[CommandSpec]:
        return iter(self._specs.values())

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, cmd_type: object) -> bool:
        return cmd_type in self._specs

    def get(self, cmd_type: str) -> CommandSpec:
        """Raises RobotqError unknown_command, with up to three near names as `suggestions`."""
        spec = self._specs.get(cmd_type)
        if spec is None:
            asked = cmd_type[:_SHOWN]
            known = {name.casefold(): name for name in self._specs}
            near = [known[name] for name in get_close_matches(asked.casefold(), known)]
            raise RobotqError("unknown_command", cmd_type=asked, suggestions=near)
        return spec

    def find(self, cmd_type: str) -> CommandSpec | None:
        """The same; None for one that is not known."""
        return self._specs.get(cmd_type)

    def handler(self, cmd_type: str) -> str | None:
        """What carries it out, where that is a part of the daemon; None also for an unknown
        command."""
        spec = self._specs.get(cmd_type)
        return None if spec is None else spec.handler

    def validated(self, spec: CommandSpec, params: JsonValue) -> JsonValue:
        """`params` with the defaults of the schema for those left out; None counts as {}.

        Raises RobotqError missing_parameter for one that the command cannot do without,
        else bad_parameter; both name the `field` by its path, `params.targets[0].bottle_id`.
        """
        # an ABC takes as long to ask as all the rest of this
        if params is None or isinstance(params, (dict, Mapping)):
            params = {**self._defaults[spec.cmd_type], **(params or {})}
            if "timeout" in params:
                _check_timeout(params["timeout"])
            # nearly no command has any
            plain = PROGRAMS.isdisjoint(map(type, params.values()))
            looked_at = params if plain else as_sent(params)
        elif not isinstance(params, list):
            raise RobotqError("bad_parameter", field="params", reason="not an object or a list")
        else:
            looked_at = params
        validator = self._validators[spec.cmd_type]
        try:
            if validator.is_valid(looked_at):
                return params
            fault = next(iter(validator.iter_errors(looked_at)))
        except ValueError as error:
            # nested deeper than the validator follows
            raise RobotqError("bad_parameter", field="params", reason=str(error)) from error
        raise _refusal(fault)

    def places(self, spec: CommandSpec, params: JsonValue) -> tuple[str, ...]:
        """The places that the command goes to with these params, which were validated."""
        values = params if isinstance(params, Mapping) else {}
        return tuple(dict.fromkeys(place.format_map(values) for place in spec.resources))

    def places_named(self, spec: CommandSpec, params: JsonValue) -> Iterator[tuple[str, str]]:
        """Those of them that parameters name, each with its parameter."""
        values = params if isinstance(params, (dict, Mapping)) else {}
        for place in spec.resources:
            if parameters := parameters_in(place):
                yield parameters[0], place.format_map(values)

    def is_packaged(self, cmd_type: str) -> bool:
        """No file of the site says anything of it."""
        return self._own is not None and all(name != cmd_type for name, _ in self._own)

    def is_own(self, cmd_type: str, key: str) -> bool:
        """Whether an operator has written this field of a command, and not robotq."""
        return self._own is None or (cmd_type, key) in self._own

    def fault(self, cmd_type: str, at: KeyPath, text: str) -> str:
        """One line about a key of a command: where it stands, which it is, what is wrong."""
        return self._where(cmd_type, at, text)

    def _contradictions(self, spec: CommandSpec) -> Iterator[tuple[KeyPath, str]]:
        for error in self._validators[spec.cmd_type].iter_errors(self._defaults[spec.cmd_type]):
            if error.instance_path:
                name = error.instance_path[0]
                yield ("schema", "properties", name, "default"), reason_of(error)
        for index, template in enumerate(spec.resources):
            fault = _template_fault(template, spec.schema)
            if fault:
                yield ("resources", index), f"found {template!r}, {fault}"
        if spec.example is not None:
            if spec.example.get("cmd_type") != spec.cmd_type:
                yield ("example",), f"expected cmd_type: {spec.cmd_type}"
            try:
                self.validated(spec, spec.example.get("params"))
            except RobotqError as error:
                yield ("example",), f"does not meet the schema. {error}"


@lru_cache(maxsize=1_024)
def parameters_in(template: str) -> tuple[str, ...]:
    """The parameters that stand in a place with `{name}` in it."""
    return tuple(name for _, name, _, _ in Formatter().parse(template) if name is not None)


def _template_fault(template: str, schema: JsonObject) -> str | None:
    """What keeps a place with `{name}` in it from being known for every valid command."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        return f"expected names in braces: {error}"
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        rule = schema.get("properties", {}).get(name)
        if spec or conversion or not isinstance(rule, Mapping):
            return f"expected the name of a property of the schema in the braces, not {name!r}"
        if schema.get("type") != "object" or rule.get("type") != "string":
            return f"expected a schema of type object with {name} of type string"
        if name not in schema.get("required", ()) and "default" not in rule:
            return f"expected {name} to be required or to have a default"
    return None


def _check_timeout(timeout: JsonValue) -> None:
    # the one parameter that means the same in every command
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise RobotqError("bad_parameter", field="params.timeout", reason="not a number above 0")


def _refusal(error: ValidationError) -> RobotqError:
    path: KeyPath = ("params", *error.instance_path)
    if isinstance(error.kind, ValidationErrorKind.Required):
        missing = key_text((*path, error.kind.property))
        if len(path) == 1:
            return RobotqError("missing_parameter", field=missing)
        return RobotqError("bad_parameter", field=missing, reason="required, but missing")
    return RobotqError("bad_parameter", field=key_text(path), reason=reason_of(error))


def reason_of(error: ValidationError) -> str:
    """What is wrong, in at most a few hundred characters."""
    text = error.message
    if isinstance(error.kind, ValidationErrorKind.Enum):
        # its own words leave out most of what is allowed
        options = ", ".join(json.dumps(option, ensure_ascii=False) for option in error.kind.options)
        found = json.dumps(error.instance, ensure_ascii=False)
        text = f"{found[:_SHOWN]} is not one of {options}"
    return text[: 2 * _SHOWN]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    cmd_type: str
    kind: Kind = Kind.QUEUED
    title: Mapping[str, str] = field(default_factory=dict)
    """Language -> a few words."""
    schema: JsonObject = field(default_factory=dict)
    """JSON Schema of `params`; top-level defaults are filled in."""
    timeout_s: float = 600.0
    """Limit of the whole command; on simulated robots in motion time."""
    idempotent: bool = False
    """May be run again by itself after the daemon died while it ran."""
    approval: bool = False
    """Waits for a person's approval where an agent submits it."""
    resources: tuple[str, ...] = ()
    """Places that the command goes to; `{name}` stands for a parameter. All of their
    resources are taken before it starts."""
    robots: tuple[str, ...] = ()
    """Robots that can do it. Empty: all."""
    handler: str = "driver"
    """Who carries it out: `driver`, or a part of the engine by name, e.g. `manual_step`."""
    example: JsonObject | None = None
    """A command file that works, for docs and forms."""
    steps: Mapping[str, Program] = field(default_factory=dict)
    """Robot -> what it does for this command, where its driver works by steps; `*` for every
    robot that is not named."""

    def program(self, robot: str) -> Program | None:
        """The steps of this command on `robot`; None where none were written for it."""
        return self.steps.get(robot) or self.steps.get("*")

    def programs(self, robot: str) -> tuple[str, ...]:
        """The parameters that are programs of G-code."""
        steps = self.program(robot)
        if steps is not None:
            return programs_of(steps)
        known = self.handler == "driver" and self.cmd_type == CARRIED_OUT_BY
        return (PROGRAM,) if known and PROGRAM in self.schema.get("properties", {}) else ()
