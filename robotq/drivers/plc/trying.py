"""The table of nodes is tried at the PLC itself: each of its nodes is read once, none written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from robotq.drivers.base import LinkLost
from robotq.drivers.plc.connections import Connection, check_installed, one_connection
from robotq.drivers.plc.lads.units import LadsUnits
from robotq.drivers.plc.ready import ReadyStation


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One node as it was found."""

    name: str
    alias: str
    address: str
    value: Any
    """None where it could not be read."""
    unit: str
    used: bool
    """Whether a command or the station uses it."""
    fault: str
    """Why it could not be read."""
    misfit: str = ""
    """In what it differs from the table, where it could."""


def tried(ready: ReadyStation) -> Iterator[Tried]:
    """Every node of the table, in its order, and every unit of LADS. Raises ConfigError where the
    library is missing, and LinkLost where the PLC is not there."""
    check_installed(ready)
    connection = _opened(ready)
    try:
        for name, node in ready.table.items():
            value, fault, misfit = None, "", ""
            try:
                value = connection.read([name])[name]
                misfit = connection.misfits([name], ready.writes).get(name, "")
            except LinkLost as error:
                # a node that is not there is no end of the others; the connection may be one
                fault = error.reason
                connection.close()
                connection = _opened(ready)
            yield Tried(
                name=name,
                alias=node.written.alias,
                address=node.written.address,
                value=value,
                unit=node.written.unit,
                fault=fault,
                misfit=misfit,
                used=name in ready.nodes,
            )
        for where in ready.units:
            value, fault = None, ""
            try:
                units = LadsUnits([where])
                units.stop_over(connection)
                units.work_over(connection)
                value = units.of(where).look().state
            except LinkLost as error:
                fault = error.reason
                connection.close()
                connection = _opened(ready)
            yield Tried(
                name=where, alias="", address="LADS", value=value, unit="", fault=fault, used=True
            )
    finally:
        connection.close()


def _opened(ready: ReadyStation) -> Connection:
    connection = one_connection(ready, ready.table)
    try:
        connection.open()
    except BaseException:
        connection.close()
        raise
    return connection
