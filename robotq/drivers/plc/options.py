"""The `options` of a robot with `driver: plc`: the keys of `robotq.config.plc_station`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robotq.config.plc_station import PLC_STATION, PlcStation
from robotq.drivers.mapped.commands import brought, why_lacking, wrong_options
from robotq.drivers.plc.reading import ReadyStation, StationReader
from robotq.drivers.plc.table import known_types, read_table
from robotq.model.json import JsonObject
from robotq.steps import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class PlcOptions:
    ready: ReadyStation

    def lacks(self, cmd_type: str, program: Program | None) -> str | None:
        """Of `KnowsCommands`."""
        what = "a station behind a PLC does what its own options say"
        return why_lacking(cmd_type, program, self.ready.programs, what=what)

    @property
    def brings(self) -> Mapping[str, JsonObject]:
        """Of `BringsCommands`."""
        commands = self.ready.written.commands
        return {
            name: brought(
                commands[name],
                program.params,
                query=commands[name].query,
                reads=commands[name].query,
            )
            for name, program in self.ready.programs.items()
        }


def read_options(robot: str, options: Mapping[str, Any]) -> PlcOptions:
    """Raises ConfigError with one line for each fault."""
    whole = dict(options)
    if isinstance(table := whole.get("table"), str):
        own = whole.get("nodes")
        rows = read_table(table)
        whole["nodes"] = [*rows, *(own if isinstance(own, list) else [])]
    if isinstance(whole.get("nodes"), list):
        whole["nodes"] = known_types(whole["nodes"])
    read = PLC_STATION.read(whole)
    if not isinstance(read, PlcStation):
        raise wrong_options(robot, read)
    reader = StationReader(read)
    ready = reader.read()
    if ready is None or reader.faults:
        raise wrong_options(robot, reader.faults)
    return PlcOptions(ready=ready)
