"""The `options` of a robot with `driver: plc`: the keys of `robotq.config.plc_station`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robotq.config.plc_station import PLC_STATION, PlcStation
from robotq.config.strict_yaml import KeyPath, key_text
from robotq.drivers.params import schema_of
from robotq.drivers.plc.nodes import read_table
from robotq.drivers.plc.reading import ReadyStation, StationReader
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.steps import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class PlcOptions:
    ready: ReadyStation

    def lacks(self, cmd_type: str, program: Program | None) -> str | None:
        """Of `KnowsCommands`."""
        if program is not None:
            return "a station behind a PLC does what its own options say, and no steps"
        if cmd_type in self.ready.programs:
            return None
        return f"it can do {', '.join(self.ready.programs) or 'nothing'}"

    @property
    def brings(self) -> Mapping[str, JsonObject]:
        """Of `BringsCommands`."""
        told: dict[str, JsonObject] = {}
        for name, program in self.ready.programs.items():
            written = self.ready.written.commands[name]
            told[name] = {
                "kind": "query" if written.query else "queued",
                "title": dict(written.title),
                "schema": schema_of(program.params),
                "timeout_s": written.timeout_s,
                "idempotent": written.query,
                "approval": written.approval,
                "resources": list(written.resources),
            }
        return told


def read_options(robot: str, options: Mapping[str, Any]) -> PlcOptions:
    """Raises ConfigError with one line for each fault."""
    where = f"robots.{robot}.options"

    def line(at: KeyPath, text: str) -> str:
        return f"{where}: {key_text(at)}: {text}" if at else f"{where}: {text}"

    whole = dict(options)
    if isinstance(table := whole.get("table"), str):
        own = whole.get("nodes")
        rows = read_table(table)
        whole["nodes"] = [*rows, *(own if isinstance(own, list) else [])]
    read = PLC_STATION.read(whole)
    if not isinstance(read, PlcStation):
        raise ConfigError("\n".join(line(at, text) for at, text in read))
    reader = StationReader(read)
    ready = reader.read()
    if ready is None or reader.faults:
        raise ConfigError("\n".join(line(at, text) for at, text in reader.faults))
    return PlcOptions(ready=ready)
