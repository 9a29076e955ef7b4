"""The `options` of a robot with `driver: plc`: the keys of `robotq.config.plc_station`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

    @property
    def notes(self) -> Iterator[str]:
        """Of `NotesOptions`."""
        station = self.ready.station
        if station.stopped is not None:
            return
        for name, program in self.programs.items():
            if program.pattern is None or program.pattern.outcome is not None:
                continue
            if station.stop is None:
                yield f"{name} cannot be stopped: the options have no `stop`"
            else:
                unless = ", unless an alarm with `stands` comes for it"
                yield (
                    f"{name}: without `stopped` or `outcome.stopped` every stop ends as "
                    f"outcome_unknown{unless if any(a.stands for a in station.alarms) else ''}"
                )


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
