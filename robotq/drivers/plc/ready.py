"""A station with everything in its nodes and commands that can be made ready beforehand."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from robotq.config.plc_station import PlcLads, PlcStation
from robotq.drivers.params import Param
from robotq.drivers.plc.nodes import Node
from robotq.drivers.plc.pattern import Pattern, Station


@dataclass(frozen=True, slots=True, kw_only=True)
class PlcProgram:
    """What is done for one command."""

    pattern: Pattern | None
    """None for a query, and for a program of LADS."""
    lads: PlcLads | None = None
    params: Mapping[str, Param]
    write: Mapping[str, str]
    """Node -> parameter."""
    result: Mapping[str, str]
    """Name -> node."""

    @property
    def query(self) -> bool:
        return self.pattern is None and self.lads is None

    def told(self, read: Mapping[str, Any]) -> dict[str, Any]:
        """The result, of what was read node by node."""
        return {name: read[node] for name, node in self.result.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyStation:
    written: PlcStation
    nodes: Mapping[str, Node]
    """By name; those that are used."""
    table: Mapping[str, Node]
    """By name, all."""
    writes: Collection[str]
    """By name; those that robotq writes."""
    station: Station
    programs: Mapping[str, PlcProgram]
    heartbeat: str | None
    watchdog: str | None
    shows: Mapping[str, str]
    """Name of a value -> its node."""

    @property
    def units(self) -> Collection[str]:
        """Of LADS, where they are."""
        each = (program.lads for program in self.programs.values())
        return dict.fromkeys(lads.unit for lads in each if lads is not None)
