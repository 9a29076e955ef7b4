"""Nodes over Modbus, TCP or RTU."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from robotq.drivers.base import LinkLost
from robotq.drivers.plc.nodes import Node
from robotq.drivers.plc.pattern import Refused
from robotq.drivers.plc.protocols.modbus_line import ModbusLine
from robotq.model.errors import ConfigError

_READS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
"""Area -> the function that reads it."""
_WRITE_COIL, _WRITE_REGISTERS = 5, 16
_NO_WRITE = (1, 2, 3)
"""Exceptions that come before a write: no such function, address or value."""


def check_installed() -> None:
    """Raises ConfigError."""
    try:
        import pymodbus.client  # noqa: F401, PLC0415 - only where it is used
    except ImportError as error:
        raise ConfigError("Modbus needs pymodbus: pip install 'robotq[modbus]'") from error


class ModbusPlc:
    """The nodes at one device of a line. `first`: it goes before all others on that line."""

    def __init__(
        self, line: ModbusLine, device: int, nodes: Mapping[str, Node], *, first: bool = False
    ) -> None:
        self._line = line
        self._device = device
        self._nodes = nodes
        self._first = first

    def open(self) -> None:
        """Raises LinkLost."""
        self._line.open()

    def read(self, names: Collection[str]) -> Mapping[str, Any]:
        """Raises LinkLost."""
        return {name: self._read(self._nodes[name]) for name in names}

    def write(self, name: str, value: Any) -> None:
        """Raises LinkLost, Refused."""
        node, device = self._nodes[name], self._device
        raw = node.raw(value)
        coil = node.area == "coil"
        words = [] if coil else node.to_registers(raw)
        answer = self._line.ask(
            name,
            _WRITE_COIL if coil else _WRITE_REGISTERS,
            lambda client: (
                client.write_coil(node.at, bool(raw), device_id=device)
                if coil
                else client.write_registers(node.at, words, device_id=device)
            ),
            first=self._first,
        )
        if answer.isError():
            certain = getattr(answer, "exception_code", None) in _NO_WRITE
            raise Refused(f"{name}: {answer}", certain=certain)
        if answer.address != node.at or not (coil or answer.count == len(words)):
            self.close()
            raise LinkLost(f"{name}: this was the answer to another write")

    def misfits(self, names: Collection[str], written: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002 - nothing tells of them
        return {}

    def close(self) -> None:
        self._line.close()

    def _read(self, node: Node) -> Any:
        device, bits = self._device, node.area in ("coil", "discrete")

        def question(client: Any) -> Any:
            reads = {
                "coil": client.read_coils,
                "discrete": client.read_discrete_inputs,
                "holding": client.read_holding_registers,
                "input": client.read_input_registers,
            }
            return reads[node.area](node.at, count=node.registers, device_id=device)

        answer = self._line.ask(
            node.name, _READS[node.area], question, first=self._first, again=True
        )
        if answer.isError():
            raise LinkLost(f"{node.name}: the PLC does not let it be read: {answer}")
        found = answer.bits if bits else answer.registers
        if len(found) < node.registers or (not bits and len(found) > node.registers):
            self.close()
            raise LinkLost(f"{node.name}: the answer has another length than was asked for")
        return bool(found[0]) if bits else node.value(node.from_registers(found))
