"""A command as it is typed: `NAVIGATION area=HOME`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from robotq.cli.shared.display.near import did_you_mean, nearest
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import Caller
from robotq.client import Refused
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject, JsonValue
from robotq.model.json.text import parse_json

_NO_TEXT = frozenset({"number", "integer", "boolean", "array", "object", "null"})


def is_typed(words: Sequence[str]) -> bool:
    """Whether it is a command and its parameters, and not the names of files."""
    first, *rest = words
    if rest and all("=" in word for word in rest) and not Path(rest[0]).exists():
        return True
    return not (first == "-" or "/" in first or "." in first or Path(first).exists())


def typed_command(caller: Caller, words: Sequence[str], robot: str | None) -> JsonObject:
    """The command that the words mean, by what the daemon knows of it. Raises Failure,
    ClientError."""
    cmd_type, *rest = words
    given: dict[str, str] = {}
    for word in rest:
        name, equals, value = word.partition("=")
        if not equals or not name:
            told = f"found {word[:80]!r}, expected NAME=VALUE, as in area=HOME"
            raise Failure(f"{cmd_type}: {told}", ExitCode.USAGE)
        if name in given:
            raise Failure(f"{cmd_type}: {name} is there twice", ExitCode.USAGE)
        given[name] = value
    schema = _schema(caller, cmd_type)
    if schema is not None:
        _check_names(cmd_type, given, schema)
    params = {name: _value(cmd_type, name, text, schema) for name, text in given.items()}
    command: JsonObject = {"cmd_type": cmd_type, "params": params}
    if robot is None:
        return command
    if "robot_id" in given:
        told = f"{cmd_type}: found robot_id={given['robot_id'][:80]} and --robot; expected one"
        raise Failure(told, ExitCode.USAGE)
    _check_robot(caller, robot)
    return {**command, "robot_id": robot}


def _schema(caller: Caller, cmd_type: str) -> JsonObject | None:
    """What the params are; None where the key may not ask."""
    try:
        found: JsonObject = caller.get(f"/commands/{quote(cmd_type, safe='')}")["schema"]
    except Refused as refusal:
        if refusal.code == "forbidden":
            return None
        if refusal.code == "unknown_command":
            near = refusal.body.get("suggestions") or ()
            meant = f"; did you mean {near[0]}?" if near else "."
            told = f"there is no command {cmd_type[:80]}, and no file of that name{meant}"
            raise Failure(f"{told} `robotq commands` lists them", body=refusal.body) from refusal
        raise
    return found


def _check_names(cmd_type: str, given: Mapping[str, str], schema: JsonObject) -> None:
    """Raises Failure for a name that is none, where another one was meant."""
    known = schema.get("properties", {})
    for name in given:
        # a schema may take names that it does not list; one that is nearly another is a slip
        if name in known or (nearest(name, known) is None and _takes_others(schema)):
            continue
        told = f"{cmd_type} has no parameter {name[:80]}{did_you_mean(name, known)}"
        raise Failure(f"{told} It takes: {', '.join(known) or 'none'}", ExitCode.USAGE)


def _takes_others(schema: JsonObject) -> bool:
    return bool(schema.get("additionalProperties", True))


def _check_robot(caller: Caller, robot: str) -> None:
    """Raises Failure for a robot that is not there, where another one was meant."""
    try:
        names = [one["robot_id"] for one in caller.get("/robots")["robots"]]
    except Refused as refusal:
        if refusal.code == "forbidden":
            return
        raise
    if robot not in names:
        told = f"there is no robot {robot[:80]}{did_you_mean(robot, names)}"
        raise Failure(f"{told} There is: {', '.join(names)}", ExitCode.USAGE)


def _value(cmd_type: str, name: str, text: str, schema: JsonObject | None) -> JsonValue:
    """Text stays text where the schema wants one: a code 0012 is no number. Raises Failure."""
    rule: Any = {} if schema is None else schema.get("properties", {}).get(name, {})
    kinds = _kinds(rule)
    if kinds and not kinds & _NO_TEXT:
        return text
    try:
        return parse_json(text.encode())
    except RobotqError as error:
        if "string" in kinds or not kinds:
            return text
        expected = " or ".join(sorted(kinds))
        told = f"{cmd_type}: {name}: found {text[:80]!r}, expected {expected}"
        raise Failure(told, ExitCode.USAGE) from error


def _kinds(rule: Any) -> frozenset[str]:
    """The types that a value of this schema can have; none: it does not say."""
    if not isinstance(rule, Mapping):
        return frozenset()
    kind = rule.get("type")
    if kind is not None:
        return frozenset([kind] if isinstance(kind, str) else kind)
    if "enum" in rule and all(isinstance(one, str) for one in rule["enum"]):
        return frozenset({"string"})
    found = [_kinds(one) for word in ("anyOf", "oneOf") for one in rule.get(word, ())]
    return frozenset().union(*found) if all(found) else frozenset()
