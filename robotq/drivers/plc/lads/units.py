"""The LADS units of a station, over its connections."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from robotq.config.plc_station import PlcLads
from robotq.drivers.base import LinkLost, UncertainOutcome
from robotq.drivers.plc.connections import Connection
from robotq.drivers.plc.lads.nodes import Found
from robotq.drivers.plc.lads.unit import LadsUnit
from robotq.drivers.plc.pattern import Refused
from robotq.drivers.plc.protocols.opcua import OpcUaPlc
from robotq.drivers.settling import UnsettledRun


class LadsUnits:
    """Kept by a driver over its connections: `connected` and `lost` tell of them."""

    def __init__(self, places: Collection[str]) -> None:
        self._places = places
        self._aborted: set[str] = set()
        self._found: Mapping[str, Found] = {}
        self._working: Mapping[str, LadsUnit] = {}
        self._stopping: Mapping[str, LadsUnit] = {}

    def __bool__(self) -> bool:
        return bool(self._places)

    def stop_over(self, plc: Connection) -> None:
        """From now on a stop goes over this one, and another one for programs is made."""
        self._found = {where: Found() for where in self._places}
        self._stopping = self._over(plc)

    def work_over(self, plc: Connection) -> None:
        """From now on programs go over this one. Raises LinkLost where one is not there."""
        self._working = self._over(plc)
        for unit in self._working.values():
            unit.look()
            unit.listen()

    def lost(self) -> None:
        self._working = self._stopping = {}

    def end(self, *, abort: bool, only: str | None = None) -> None:
        """All of them, or one. Raises LinkLost, and Refused when each was told."""
        if self._places and not self._stopping:
            raise LinkLost("the units are not connected")
        refused: Refused | None = None
        for where, unit in self._stopping.items():
            if only in (None, where):
                try:
                    unit.end(abort=abort)
                except Refused as error:
                    refused = Refused(f"{where}: {error}")
        if refused is not None:
            raise refused

    def of(self, where: str) -> LadsUnit:
        unit = self._working.get(where)
        if unit is None:
            raise LinkLost(f"{where} is not connected")
        return unit

    def that_has(self, lads: PlcLads, run: UnsettledRun) -> LadsUnit:
        """Raises UncertainOutcome where the options name another one now."""
        if run.at_device.details.get("unit") != lads.unit:
            raise UncertainOutcome("answer_lost", "the options name another unit by now")
        return self.of(lads.unit)

    def _over(self, plc: Connection) -> Mapping[str, LadsUnit]:
        if not self._places:
            return {}
        assert isinstance(plc, OpcUaPlc)
        return {
            where: LadsUnit(plc, where, its, self._aborted) for where, its in self._found.items()
        }


def properties_of(lads: PlcLads, values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: values[param] for name, param in lads.properties.items()}


def sample_of(lads: PlcLads, values: Mapping[str, Any]) -> str:
    return "" if lads.sample is None else str(values[lads.sample])
