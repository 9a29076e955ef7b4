"""What the OpenAPI document of the robot interface says of the site: its commands and robots."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from robotq.api.http.interface import OpenApiInfo
from robotq.api.robot.models.submit import CommandBody
from robotq.catalog import Catalog, CommandSpec, Kind
from robotq.engine.engine import Engine
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.wire.base import REF

_KINDS: Mapping[Kind, str] = {
    Kind.QUEUED: "becomes a task",
    Kind.QUERY: "answered at once",
    Kind.INPUT: "answers a running command",
    Kind.CONTROL: "acts at once",
}

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def _schemas(engine: Engine) -> Mapping[str, JsonObject]:
    offered = [spec for spec, _ in engine.offered()]
    robots = tuple(engine.robots)
    return site_schemas(engine.catalog, robots, batch=engine.config.limits.batch, offered=offered)


ABOUT = OpenApiInfo(
    title="robotq",
    summary="A durable command queue between software and robots.",
    description="A command goes in by `POST /` and is answered with a task id once it is on disk; "
    "each robot runs its commands strictly one after another. Every error has the same form, with "
    "a stable `code` and `error_code`. Texts are Chinese unless `Accept-Language` prefers English "
    "or the daemon is so configured. Every path that takes GET takes HEAD too, except streams. "
    "The emergency stop is not a safety-rated stop.",
    schemas=_schemas,
)


def site_schemas(
    catalog: Catalog,
    robots: Sequence[str],
    *,
    batch: int,
    offered: Sequence[CommandSpec] | None = None,
) -> Mapping[str, JsonObject]:
    """The schemas that depend on the site: its robots, and what `POST /` takes.

    `batch`: most commands in one list; `offered`: the commands that a robot here can do, None: all.
    """
    specs = tuple(catalog) if offered is None else offered
    names = {spec.cmd_type: _component_name(spec, index) for index, spec in enumerate(specs)}
    base = CommandBody.model_json_schema(ref_template=REF + "{model}")["properties"]
    schemas: dict[str, JsonObject] = {
        "RobotId": {"type": "string", "enum": list(robots)},
        "CmdType": {"type": "string", "enum": list(names)},
        "Command": _one_of(names.values()),
        "QueuedCommand": _one_of(
            names[spec.cmd_type] for spec in specs if spec.kind is Kind.QUEUED
        ),
        "WrappedCommand": {
            "type": "object",
            "description": "The same in another form: `cmd_type` and `cmd_id` inside of `data`.",
            "required": ["data"],
            "properties": {
                "data": {
                    "type": "object",
                    "required": ["cmd_type"],
                    "properties": {
                        "cmd_type": {"$ref": f"{REF}CmdType"},
                        "cmd_id": base["cmd_id"],
                    },
                },
                "params": base["params"],
            },
            "not": {"required": ["cmd_type"]},
        },
        "CommandBody": {
            "description": CommandBody.__doc__,
            "anyOf": [
                {"$ref": f"{REF}Command"},
                {
                    "type": "array",
                    "description": "A batch: all of them are taken, or none.",
                    "minItems": 1,
                    "maxItems": batch,
                    "items": {"$ref": f"{REF}QueuedCommand"},
                },
                {"$ref": f"{REF}WrappedCommand"},
            ],
            "examples": [spec.example for spec in specs if spec.example is not None],
        },
    }
    for spec in specs:
        name = names[spec.cmd_type]
        schemas |= _params(spec.schema, f"params.{name}")
        schemas[f"command.{name}"] = {
            "type": "object",
            "title": spec.cmd_type,
            "description": f"{spec.title.get('en', spec.cmd_type)}: {_KINDS[spec.kind]}.",
            "required": ["cmd_type", "params"] if _needs_params(catalog, spec) else ["cmd_type"],
            "properties": {
                **base,
                "cmd_type": {"const": spec.cmd_type},
                "params": {"$ref": f"{REF}params.{name}"},
            },
        }
    return schemas


def _one_of(names: Any) -> JsonObject:
    return {"oneOf": [{"$ref": f"{REF}command.{name}"} for name in names]}


def _component_name(spec: CommandSpec, index: int) -> str:
    # a command may be named in any script, a component only in ASCII
    return spec.cmd_type if _NAME.fullmatch(spec.cmd_type) else str(index)


def _needs_params(catalog: Catalog, spec: CommandSpec) -> bool:
    try:
        catalog.validated(spec, None)
    except RobotqError:
        return True
    return False


_OF_OBJECTS = frozenset(
    {
        "additionalProperties",
        "dependentRequired",
        "maxProperties",
        "minProperties",
        "patternProperties",
        "properties",
        "propertyNames",
        "required",
    }
)
_OF_ARRAYS = frozenset({"contains", "items", "maxItems", "minItems", "prefixItems", "uniqueItems"})
"""Keywords that say nothing about anything else."""


def _params(schema: JsonObject, name: str) -> Mapping[str, JsonObject]:
    """The schema of a command's params at this name, and its parts.

    What may be an object or an array has a name for each of them, and for what stands in the
    array: programs that make clients leave out what is both at once, or has no name.
    """
    kinds = schema.get("type")
    either = isinstance(kinds, list) and set(kinds) == {"object", "array"}
    moved = _moved(schema, f"{REF}{name}")
    if not either or moved != schema:
        # its references into itself would not hold
        return {name: moved}
    item = {"$ref": f"{REF}{name}.item"}
    one: JsonObject = {key: schema[key] for key in schema if key in _OF_OBJECTS}
    many: JsonObject = {key: schema[key] for key in schema if key in _OF_ARRAYS}
    properties = {
        key: {**each, "items": item} if each.get("items") == schema.get("items") else each
        for key, each in schema.get("properties", {}).items()
    }
    rest = {key: schema[key] for key in schema if key not in {*one, *many, "type"}}
    return {
        name: {**rest, "anyOf": [{"$ref": f"{REF}{name}.object"}, {"$ref": f"{REF}{name}.array"}]},
        f"{name}.object": {"type": "object", **one, "properties": properties},
        f"{name}.array": {"type": "array", **many, "items": item},
        f"{name}.item": schema.get("items", {}),
    }


def _moved(schema: Any, to: str) -> Any:
    """A schema whose references into itself still hold when it stands at `to`."""
    if isinstance(schema, list):
        return [_moved(part, to) for part in schema]
    if not isinstance(schema, Mapping) or "$id" in schema:
        return schema
    moved = {key: _moved(value, to) for key, value in schema.items()}
    ref = moved.get("$ref")
    if isinstance(ref, str) and (ref == "#" or ref.startswith("#/")):
        moved["$ref"] = to + ref[1:]
    return moved
