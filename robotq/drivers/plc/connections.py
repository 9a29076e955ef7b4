"""From what the configuration says about a PLC to its connections."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from robotq.drivers.plc.nodes import Node
from robotq.drivers.plc.pattern import Plc
from robotq.drivers.plc.protocols import modbus, opcua, s7
from robotq.drivers.plc.protocols.modbus import ModbusPlc
from robotq.drivers.plc.protocols.modbus_line import serial_line, tcp_line
from robotq.drivers.plc.protocols.opcua import OpcUaPlc
from robotq.drivers.plc.protocols.s7 import S7Plc
from robotq.drivers.plc.ready import ReadyStation


class Connection(Plc, Protocol):
    """It is never opened again after it was closed."""

    def open(self) -> None:
        """Raises LinkLost."""

    def close(self) -> None: ...

    def misfits(self, names: Collection[str], written: Collection[str]) -> Mapping[str, str]:
        """In what nodes that can be read differ from the table, as far as the PLC tells it;
        nothing is written. `written`: those that have to take a value. Raises LinkLost."""


class Connections(NamedTuple):
    """New ones for each connection of the driver, and closed."""

    stop: Connection
    """A stop waits for no answer to anything else; on a serial line, which there is once, it waits
    for the one that is on its way."""
    work: Connection
    look: Connection


def check_installed(ready: ReadyStation) -> None:
    """Raises ConfigError."""
    if ready.written.opcua is not None:
        opcua.check_installed()
    elif ready.written.s7 is not None:
        s7.check_installed()
    else:
        modbus.check_installed()


def connections(ready: ReadyStation) -> Connections:
    written, nodes = ready.written, ready.nodes
    if (rtu := written.modbus_rtu) is not None:
        line = serial_line(rtu, written.answer_s)
        stop = ModbusPlc(line, rtu.device, nodes, first=True)
        return Connections(stop, *(ModbusPlc(line, rtu.device, nodes) for _ in range(2)))
    return Connections(*(one_connection(ready, nodes) for _ in range(3)))


def one_connection(ready: ReadyStation, nodes: Mapping[str, Node]) -> Connection:
    """To these nodes of its table."""
    written = ready.written
    if written.modbus is not None:
        line = tcp_line(written.modbus, written.answer_s)
        return ModbusPlc(line, written.modbus.device, nodes)
    if (rtu := written.modbus_rtu) is not None:
        return ModbusPlc(serial_line(rtu, written.answer_s), rtu.device, nodes)
    if written.s7 is not None:
        return S7Plc(written.s7, nodes, written.answer_s)
    assert written.opcua is not None
    return OpcUaPlc(written.opcua, nodes, written.answer_s)
