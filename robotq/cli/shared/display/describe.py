"""One command as a person reads it: what it takes, who can do it, how it is submitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from robotq.cli.shared.display.lines import submit_line
from robotq.cli.shared.display.screen import Piece, show, show_table
from robotq.cli.shared.words import language_here, say
from robotq.model.json import JsonObject


def describe(spec: JsonObject, robot: str | None) -> None:
    """Print it. `robot`: who stands in the line to type."""
    title = spec["title"].get(language_here().value, "")
    show((spec["cmd_type"], "bold"), f"  {title}" if title else "")
    show(say(f"commands.is.{spec['kind']}", limit=f"{spec['timeout_s']:g}"))
    show(say("commands.done_by", robots=", ".join(spec["robots"]) or "-"))
    if spec["resources"]:
        show(say("commands.goes_to", places=", ".join(spec["resources"])))
    if spec["approval"]:
        show(say("commands.approval"))
    rows = list(_rows(spec["schema"]))
    print()
    if rows:
        show_table(
            [say(f"commands.{name}") for name in ("parameter", "value", "default", "about")], rows
        )
    else:
        show(say("commands.no_parameters"))
    print()
    show((submit_line(_example(spec, robot)), "cyan"))


def _rows(schema: JsonObject) -> Iterator[list[Piece]]:
    required = schema.get("required", ())
    for name, told in schema.get("properties", {}).items():
        rule = told if isinstance(told, Mapping) else {}
        default: Piece = ""
        if name in required:
            default = (say("help.required"), "yellow")
        elif "default" in rule:
            default = _short(rule["default"])
        yield [name, _value(rule), default, _about(rule)]


def _value(rule: Mapping[str, Any]) -> str:
    if "const" in rule:
        return _short(rule["const"])
    if "enum" in rule:
        return " | ".join(map(_short, rule["enum"]))
    kind = rule.get("type", "")
    kinds = kind if isinstance(kind, str) else " | ".join(kind)
    least = rule.get("minimum", rule.get("exclusiveMinimum"))
    most = rule.get("maximum", rule.get("exclusiveMaximum"))
    if least is None and most is None:
        return kinds
    return (
        f"{kinds} {'' if least is None else f'{least:g}'} .. {'' if most is None else f'{most:g}'}"
    )


def _about(rule: Mapping[str, Any]) -> str:
    for name in (f"x-description-{language_here().value}", "description", "title"):
        told = rule.get(name)
        if isinstance(told, str):
            return told
    return ""


def _short(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()[:60]


def _example(spec: JsonObject, robot: str | None) -> JsonObject:
    """The example of the command, else what has to be said, with something in its place."""
    example = spec["example"]
    if example is None:
        schema = spec["schema"]
        rules = schema.get("properties", {})
        params = {name: _some(name, rules.get(name, {})) for name in schema.get("required", ())}
        example = {"cmd_type": spec["cmd_type"], "params": params}
    params = example.get("params")
    params = dict(params) if isinstance(params, dict) else {}
    named = params.pop("robot_id", None)
    shown = {"cmd_type": spec["cmd_type"], "params": params}
    return {**shown, "robot_id": robot or named} if robot or named else shown


def _some(name: str, rule: Any) -> Any:
    if isinstance(rule, Mapping) and rule.get("enum"):
        return rule["enum"][0]
    return name.upper()
