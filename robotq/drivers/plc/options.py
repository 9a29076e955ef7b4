"""The `options` of a robot with `driver: plc`: the keys of `robotq.config.plc_station`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robotq.config.plc_station import PLC_STATION, PlcStation
from robotq.drivers.mapped.commands import MappedOptions, Written, wrong_options
from robotq.drivers.plc.reading import StationReader
from robotq.drivers.plc.ready import PlcProgram, ReadyStation
from robotq.drivers.plc.table import known_types, read_table


@dataclass(frozen=True, slots=True, kw_only=True)
class PlcOptions(MappedOptions[PlcProgram]):
    does = "a station behind a PLC does what its own options say"

    ready: ReadyStation

    @property
    def programs(self) -> Mapping[str, PlcProgram]:
        return self.ready.programs

    @property
    def written(self) -> Mapping[str, Written]:
        return self.ready.written.commands


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
