"""The `options` of a robot with `driver: sila`: the keys of `robotq.config.sila_robot`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from robotq.config.sila_robot import SILA_ROBOT, SilaRobot
from robotq.config.strict_yaml import KeyPath, key_text
from robotq.drivers.params import schema_of
from robotq.drivers.sila.reading import RobotReader
from robotq.drivers.sila.ready import ReadyRobot
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.steps import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class SilaOptions:
    ready: ReadyRobot

    def lacks(self, cmd_type: str, program: Program | None) -> str | None:
        """Of `KnowsCommands`."""
        if program is not None:
            return "a robot behind a SiLA server does what its own options say, and no steps"
        if cmd_type in self.ready.programs:
            return None
        return f"it can do {', '.join(self.ready.programs) or 'nothing'}"

    @property
    def brings(self) -> Mapping[str, JsonObject]:
        """Of `BringsCommands`."""
        told: dict[str, JsonObject] = {}
        for name, program in self.ready.programs.items():
            written = self.ready.commands[name]
            told[name] = {
                "kind": "query" if program.query else "queued",
                "title": dict(written.title),
                "schema": schema_of(program.params),
                "timeout_s": written.timeout_s,
                "idempotent": program.query,
                "approval": written.approval,
                "resources": list(written.resources),
            }
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class WithPlaces(SilaOptions):
    """Of a robot whose options say which places there are."""

    @property
    def places(self) -> Collection[str]:
        """Of `KnowsPlaces`."""
        return self.ready.robot.places


def read_options(robot: str, options: Mapping[str, Any]) -> SilaOptions:
    """Raises ConfigError with one line for each fault."""
    where = f"robots.{robot}.options"

    def line(at: KeyPath, text: str) -> str:
        return f"{where}: {key_text(at)}: {text}" if at else f"{where}: {text}"

    read = SILA_ROBOT.read(options)
    if not isinstance(read, SilaRobot):
        raise ConfigError("\n".join(line(at, text) for at, text in read))
    reader = RobotReader(read)
    ready = reader.read()
    if ready is None:
        raise ConfigError("\n".join(line(at, text) for at, text in reader.faults))
    return (WithPlaces if read.places else SilaOptions)(ready=ready)
