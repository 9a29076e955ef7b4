"""Which commands there are because of the options of such a robot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from robotq.config.strict_yaml import KeyPath, key_text
from robotq.drivers.params import Param, schema_of
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.steps import Program


class Written(Protocol):
    """A command as an operator has written it."""

    @property
    def title(self) -> Mapping[Any, str]: ...

    @property
    def timeout_s(self) -> float: ...

    @property
    def approval(self) -> bool: ...

    @property
    def resources(self) -> list[str]: ...


def why_lacking(
    cmd_type: str, program: Program | None, known: Iterable[str], *, what: str
) -> str | None:
    """Of `KnowsCommands.lacks`. `what` kind of robot it is, in words."""
    if program is not None:
        return f"{what}, and no steps"
    names = list(known)
    return None if cmd_type in names else f"it can do {', '.join(names) or 'nothing'}"


def brought(
    written: Written, params: Mapping[str, Param], *, query: bool, reads: bool
) -> JsonObject:
    """One of `BringsCommands.brings`. `reads`: it moves and changes nothing."""
    return {
        "kind": "query" if query else "queued",
        "title": dict(written.title),
        "schema": schema_of(params),
        "timeout_s": written.timeout_s,
        "idempotent": reads,
        "approval": written.approval,
        "resources": list(written.resources),
    }


def wrong_options(robot: str, faults: Iterable[tuple[KeyPath, str]]) -> ConfigError:
    """One line for each fault."""
    where = f"robots.{robot}.options"
    lines = (
        f"{where}: {key_text(at)}: {text}" if at else f"{where}: {text}" for at, text in faults
    )
    return ConfigError("\n".join(lines))
