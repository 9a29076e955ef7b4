"""Command specs out of YAML files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationErrorKind

from robotq.catalog.catalog import Catalog, CommandSpec, reason_of
from robotq.config import packaged
from robotq.config.keys import suggestion
from robotq.config.strict_yaml import Document, KeyPath, key_text, read
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Kind
from robotq.steps import Program, read_program


def load_catalog(paths: Sequence[Path], brought: Mapping[str, JsonObject] | None = None) -> Catalog:
    """The packaged commands, beside them those that robots have brought, and over them those of
    the files at `paths`, in this order.

    A file holds `commands:`, a mapping of `cmd_type` to the fields of CommandSpec, and may
    hold `values:`, constants by name for the steps of all commands. A field or a value that a
    later file gives replaces the earlier one, the others stay.

    Raises ConfigError with one line per fault: file and line; command and key; what was found
    and expected.
    """
    faults: list[str] = []
    fields: dict[str, dict[str, Any]] = {}
    origins: dict[KeyPath, Document] = {}
    values: dict[str, Any] = {}
    own: set[tuple[str, str]] = set()
    ours = packaged("commands.yaml")
    for path in (ours, *([None] if brought else []), *paths):
        try:
            document = _of_robots(brought or {}, read(ours)) if path is None else read(path)
        except ConfigError as error:
            faults.append(str(error))
            continue
        wrong = list(_file_faults(document))
        if wrong:
            faults += wrong
            continue
        values.update(document.value.get("values") or {})
        for cmd_type, given in (document.value.get("commands") or {}).items():
            fields.setdefault(cmd_type, {}).update(given or {})
            origins[cmd_type,] = document
            origins.update(((cmd_type, key), document) for key in given or ())
            if path in paths:
                own.update((cmd_type, key) for key in given or ())

    def where(cmd_type: str, at: KeyPath, text: str) -> str:
        document = origins.get((cmd_type, *at[:1]), origins[cmd_type,])
        return _line(document, ("commands", cmd_type, *at), text)

    specs = []
    for cmd_type, given in fields.items():
        programs, wrong_steps = _programs(given, values, lambda name: _no_part(name, fields))
        faults += [where(cmd_type, at, text) for at, text in wrong_steps]
        specs.append(_spec(cmd_type, {**given, "steps": programs}))
    try:
        catalog = Catalog(specs, where, own)
    except ConfigError as error:
        raise ConfigError("\n".join([*faults, str(error)])) from error
    if faults:
        raise ConfigError("\n".join(faults))
    return catalog


_TEXTS = {"type": "array", "items": {"type": "string", "minLength": 1}}

_FIELDS: JsonObject = {
    "kind": {"enum": [kind.value for kind in Kind]},
    "title": {
        "type": "object",
        "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
        "additionalProperties": False,
    },
    "schema": {"type": "object"},
    "timeout_s": {"type": "number", "exclusiveMinimum": 0},
    "idempotent": {"type": "boolean"},
    "approval": {"type": "boolean"},
    "resources": _TEXTS,
    "robots": _TEXTS,
    "handler": {"type": "string", "minLength": 1},
    "example": {"type": "object"},
    "steps": {"type": ["array", "object"]},
    "finally": {"type": ["array", "object"]},
}
"""Field of CommandSpec -> what a file may say."""

_FILE = Draft202012Validator(
    {
        "type": "object",
        "if": {"not": {"required": ["values"]}},
        "then": {"required": ["commands"]},
        "additionalProperties": False,
        "properties": {
            "values": {"type": ["object", "null"]},
            "commands": {
                "type": ["object", "null"],
                "propertyNames": {"pattern": r"^\w[\w.-]{0,63}$"},
                "additionalProperties": {
                    "type": ["object", "null"],
                    "properties": _FIELDS,
                    "additionalProperties": False,
                },
            },
        },
    }
)

_KEYS: Mapping[int, Sequence[str]] = {0: ("commands", "values"), 2: tuple(_FIELDS), 3: ("zh", "en")}
"""How many keys above -> the keys that may stand there."""


def _of_robots(brought: Mapping[str, JsonObject], ours: Document) -> Document:
    """What robots have brought, as if it stood in a file. Raises ConfigError."""
    taken = [name for name in brought if name in ours.value["commands"]]
    if taken:
        raise ConfigError(
            f"commands of a robot: found {', '.join(taken)}, which comes with robotq; expected "
            "another name"
        )
    return Document("commands of a robot", {"commands": dict(brought)}, {})


def _file_faults(document: Document) -> Iterator[str]:
    for error in _FILE.iter_errors(document.value):
        path = tuple(error.instance_path)
        if isinstance(error.kind, ValidationErrorKind.AdditionalProperties):
            for name in error.kind.unexpected:
                known = suggestion(name, _KEYS[len(path)])
                yield _line(document, (*path, name), f"unknown key{known}")
        else:
            yield _line(document, path, reason_of(error))


def _line(document: Document, path: KeyPath, text: str) -> str:
    return f"{document.where(path)}: {key_text(path) or 'the file'}: {text}"


def _spec(cmd_type: str, given: JsonObject) -> CommandSpec:
    # they are in the programs
    values = {key: value for key, value in given.items() if key != "finally"}
    values["kind"] = Kind(values.get("kind", Kind.QUEUED))
    values["resources"] = tuple(values.get("resources", ()))
    values["robots"] = tuple(values.get("robots", ()))
    return CommandSpec(cmd_type=cmd_type, **values)


def _programs(
    given: JsonObject, values: JsonObject, no_part: Callable[[str], str | None]
) -> tuple[dict[str, Program], list[tuple[KeyPath, str]]]:
    """The steps of a command by robot, and what is wrong in them."""
    steps = given.get("steps", {})
    schema = given.get("schema", {})
    programs: dict[str, Program] = {}
    faults: list[tuple[KeyPath, str]] = []
    last = given.get("finally")
    of_robots: Mapping[str, Any] = last if isinstance(last, Mapping) else {}
    by_robot = isinstance(last, Mapping)
    for robot, listed in steps.items() if isinstance(steps, Mapping) else [("*", steps)]:
        whose = robot if robot in of_robots else "*"
        last_at = ("finally", whose) if by_robot else ("finally",)
        programs[robot], wrong = read_program(
            listed,
            schema=schema,
            values=values,
            no_part=no_part,
            last=of_robots.get(whose) if by_robot else last,
            last_at=last_at,
        )
        above = ("steps", robot) if isinstance(steps, Mapping) else ("steps",)
        faults += [
            ((*last_at, *at[1:]) if at[:1] == ("finally",) else (*above, *at), text)
            for at, text in wrong
        ]
    if last is not None and "steps" not in given:
        faults.append((("finally",), "expected beside `steps`, which it follows"))
    for robot in sorted(set(of_robots) - set(programs)):
        faults.append((("finally", robot), "found a robot without `steps` of its own"))
    return programs, faults


def _no_part(cmd_type: str, fields: Mapping[str, JsonObject]) -> str | None:
    """Why a command cannot be a part of another one; None where it can."""
    given = fields.get(cmd_type)
    if given is None:
        return f"unknown command {cmd_type}{suggestion(cmd_type, list(fields))}"
    if given.get("kind", "queued") != "queued" or given.get("handler", "driver") != "driver":
        return f"{cmd_type} is nothing that a robot does in its queue"
    steps = given.get("steps", {})
    if not isinstance(steps, Mapping) or "*" in steps:
        return f"{cmd_type} consists of steps itself; write them here"
    return None
