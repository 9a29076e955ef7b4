"""Commands that there are because of the robots: their devices bring them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from robotq.config import RobotConfig
from robotq.drivers.base import BringsCommands
from robotq.drivers.registry import check_options
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject

_BOUNDS = ("minimum", "maximum")


def commands_of(robots: Mapping[str, RobotConfig]) -> Mapping[str, JsonObject]:
    """The commands that there are because of these robots: cmd_type -> fields of its spec.

    Raises ConfigError where two robots bring different ones of the same name; options that are
    not right are passed over, since `check_options` tells them where robots are looked at.
    """
    brought: dict[str, dict[str, Any]] = {}
    faults: list[str] = []
    for robot, cmd_type, fields in _brought(robots):
        before = brought.setdefault(cmd_type, {**fields, "robots": []})
        schema = _together(before["schema"], fields["schema"])
        if schema is None or before["kind"] != fields["kind"]:
            faults.append(
                f"robots.{robot}.options: commands.{cmd_type}: takes other params than that of "
                f"{before['robots'][0]}; expected another name"
            )
            continue
        before |= {
            "schema": schema,
            "robots": [*before["robots"], robot],
            "timeout_s": max(before["timeout_s"], fields["timeout_s"]),
            "idempotent": before["idempotent"] and fields["idempotent"],
            "approval": before["approval"] or fields["approval"],
        }
    if faults:
        raise ConfigError("\n".join(faults))
    return brought


def _brought(robots: Mapping[str, RobotConfig]) -> Iterator[tuple[str, str, JsonObject]]:
    for robot, each in robots.items():
        try:
            options = check_options(robot, each.driver, each.options)
        except ConfigError:
            continue
        if isinstance(options, BringsCommands):
            for cmd_type, fields in options.brings.items():
                yield robot, cmd_type, fields


def _together(one: JsonObject, other: JsonObject) -> JsonObject | None:
    """A schema for both robots, with the wider bounds: each robot refuses what is outside of its
    own. None where they differ in more."""
    if _plain(one) != _plain(other):
        return None
    properties = {
        name: _wider(rule, other["properties"][name]) for name, rule in one["properties"].items()
    }
    return {**one, "properties": properties}


def _plain(schema: JsonObject) -> JsonObject:
    """Without the bounds of numbers."""
    return {
        **schema,
        "properties": {
            name: {key: value for key, value in rule.items() if key not in _BOUNDS}
            for name, rule in schema["properties"].items()
        },
    }


def _wider(one: Mapping[str, Any], other: Mapping[str, Any]) -> JsonObject:
    both = {key: value for key, value in one.items() if key not in _BOUNDS}
    if "minimum" in one and "minimum" in other:
        both["minimum"] = min(one["minimum"], other["minimum"])
    if "maximum" in one and "maximum" in other:
        both["maximum"] = max(one["maximum"], other["maximum"])
    return both
