"""Nodes over Modbus TCP. A write goes out once: pymodbus would repeat it three times."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Mapping
from typing import Any

from robotq.config.plc_station import PlcModbus
from robotq.drivers.base import LinkLost
from robotq.drivers.plc.nodes import Node
from robotq.drivers.plc.pattern import Refused
from robotq.model.errors import ConfigError


def check_installed() -> None:
    """Raises ConfigError."""
    try:
        import pymodbus.client  # noqa: F401, PLC0415 - only where it is used
    except ImportError as error:
        raise ConfigError("Modbus needs pymodbus: pip install 'robotq[modbus]'") from error


class ModbusPlc:
    """One connection; it is never opened again. Each method may be called from any thread."""

    def __init__(self, options: PlcModbus, nodes: Mapping[str, Node], answer_s: float) -> None:
        from pymodbus.client import ModbusTcpClient  # noqa: PLC0415 - only where it is used

        self._options = options
        self._nodes = nodes
        self._lock = threading.Lock()
        self._closed = False
        # its open and close are untyped
        self._client: Any = ModbusTcpClient(
            options.host, port=options.port, timeout=answer_s, retries=0
        )

    def open(self) -> None:
        """Raises LinkLost."""
        with self._lock:
            if not self._client.connect():
                raise LinkLost(f"{self._options.host}:{self._options.port} takes no connection")

    def read(self, names: Collection[str]) -> Mapping[str, Any]:
        """Raises LinkLost."""
        return {name: self._read(self._nodes[name]) for name in names}

    def write(self, name: str, value: Any) -> None:
        """Raises LinkLost, Refused."""
        node, device = self._nodes[name], self._options.device
        raw = node.raw(value)
        with self._one(name) as client:
            if node.area == "coil":
                answer = client.write_coil(node.at, bool(raw), device_id=device)
            else:
                answer = client.write_registers(node.at, node.to_registers(raw), device_id=device)
        if answer.isError():
            raise Refused(f"{name}: {answer}")

    def close(self) -> None:
        # without the lock: whoever waits in it for an answer ends with LinkLost
        self._closed = True
        self._client.close()

    def _read(self, node: Node) -> Any:
        device = self._options.device
        with self._one(node.name) as client:
            reads = {
                "coil": client.read_coils,
                "discrete": client.read_discrete_inputs,
                "holding": client.read_holding_registers,
                "input": client.read_input_registers,
            }
            answer = reads[node.area](node.at, count=node.registers, device_id=device)
        if answer.isError():
            raise LinkLost(f"{node.name}: the PLC does not let it be read: {answer}")
        found = answer.bits if node.area in ("coil", "discrete") else answer.registers
        if len(found) < node.registers:
            raise LinkLost(f"{node.name}: the answer is too short")
        if node.area in ("coil", "discrete"):
            return bool(found[0])
        return node.value(node.from_registers(found))

    @contextlib.contextmanager
    def _one(self, name: str) -> Any:
        """One exchange. After one without an answer the connection is not used again: a late
        answer would be taken for that of the next question."""
        from pymodbus.exceptions import ModbusException  # noqa: PLC0415 - only where it is used

        with self._lock:
            if self._closed or not self._client.connected:
                raise LinkLost("the connection is closed")
            try:
                yield self._client
            except (ModbusException, OSError, AttributeError) as error:
                # AttributeError: the socket was closed by another thread meanwhile
                self.close()
                raise LinkLost(f"{name}: {error}") from error
