"""The commands of a configuration: those of its files, and those that its robots bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from robotq.catalog import Catalog, load_catalog
from robotq.config import Config
from robotq.drivers.base import BringsCommands
from robotq.drivers.registry import check_options
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject

_BOUNDS = ("minimum", "maximum")


def catalog_of(config: Config) -> Catalog:
    """Raises ConfigError with one line for each fault."""
    brought: dict[str, dict[str, Any]] = {}
    faults: list[str] = []
    for robot, cmd_type, fields in _brought(config):
        before = brought.get(cmd_type)
        if before is None:
            brought[cmd_type] = {**fields, "robots": [robot]}
            continue
        schema = _together(before["schema"], fields["schema"])
        first = before["robots"][0]
        if schema is None or before["kind"] != fields["kind"]:
            faults.append(
                f"{config.name}: robots.{robot}.options: commands.{cmd_type}: takes other params "
                f"than that of {first}; expected another name"
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
    return load_catalog(config.commands, brought)


def _brought(config: Config) -> Iterator[tuple[str, str, JsonObject]]:
    for robot, each in config.robots.items():
        try:
            options = check_options(robot, each.driver, each.options)
        except ConfigError:
            # told where robots are checked, together with all the others
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
