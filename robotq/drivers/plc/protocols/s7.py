"""Nodes over S7, read and written by their addresses (PUT/GET)."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from robotq.config.plc_station import PlcS7
from robotq.drivers.base import LinkLost
from robotq.drivers.plc.nodes import Node
from robotq.drivers.plc.pattern import Refused
from robotq.model.errors import ConfigError

_AREAS = {"I": 0x81, "Q": 0x82, "M": 0x83, "DB": 0x84}
_BIT, _BYTE = 1, 2
_LONGEST_READ = 200
"""Bytes at once, which the smallest frame carries."""
_REFUSAL = "Write operation failed"
_UNREADABLE = (
    "the PLC does not let it be read; is there such an address, PUT/GET permitted, and the block "
    "without optimized access?"
)


def check_installed() -> None:
    """Raises ConfigError."""
    try:
        import snap7.client  # noqa: F401, PLC0415 - only where it is used
    except ImportError as error:
        raise ConfigError("S7 needs python-snap7: pip install 'robotq[s7]'") from error


class S7Plc:
    """One connection; it is never opened again. Each method may be called from any thread."""

    def __init__(self, options: PlcS7, nodes: Mapping[str, Node], answer_s: float) -> None:
        from snap7.client import Client  # noqa: PLC0415 - only where it is used

        self._options = options
        self._nodes = nodes
        self._answer_s = answer_s
        self._lock = threading.Lock()
        self._closed = False
        # it would not try again by itself, and asks nothing by itself
        self._client: Any = Client(auto_reconnect=False)
        self._client.use_optimizer = False

    def open(self) -> None:
        """Raises LinkLost."""
        to = self._options
        with self._lock, self._as_lost(f"{to.host}:{to.port}"):
            self._client.connect(to.host, to.rack, to.slot, to.port)
            self._client.connection.timeout = self._answer_s
            self._client.connection.socket.settimeout(self._answer_s)

    def read(self, names: Collection[str]) -> Mapping[str, Any]:
        """Raises LinkLost. What stands close together is read at once."""
        told = {}
        for run in _runs([self._nodes[name] for name in names]):
            first = run[0]
            length = max(node.at + node.length for node in run) - first.at
            what = ", ".join(node.name for node in run)
            with self._one(what) as client:
                data = bytes(
                    client.read_area(_area(first), first.block, first.at, length, _width(_BYTE))
                )
            if len(data) != length:
                self.close()
                raise LinkLost(f"{what}: the answer has another length than was asked for")
            for node in run:
                at = node.at - first.at
                told[node.name] = node.value(node.from_bytes(data[at : at + node.length]))
        return told

    def write(self, name: str, value: Any) -> None:
        """Raises LinkLost, Refused. A bit is written alone, without its neighbours."""
        node = self._nodes[name]
        raw = node.raw(value)
        bit = node.bit
        with self._one(name, writes=True) as client:
            if bit is not None:
                data, at, width = bytearray([bool(raw)]), node.at * 8 + bit, _BIT
            else:
                data, at, width = bytearray(node.to_bytes(raw)), node.at, _BYTE
            client.write_area(_area(node), node.block, at, data, _width(width))

    def misfits(self, names: Collection[str], written: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002 - nothing tells of them
        return {}

    def close(self) -> None:
        # without the lock: whoever waits in it for an answer ends with LinkLost
        self._closed = True
        connection = self._client.connection
        if connection is not None and connection.socket is not None:
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
        self._client.disconnect()

    @contextlib.contextmanager
    def _one(self, what: str, *, writes: bool = False) -> Iterator[Any]:
        from snap7.error import S7ProtocolError  # noqa: PLC0415 - only where it is used

        with self._lock, self._as_lost(what):
            if self._closed or not self._client.connected:
                raise LinkLost("the connection is closed")
            try:
                yield self._client
            except S7ProtocolError as error:
                # not one of those that say that an answer was of another question
                if type(error) is not S7ProtocolError:
                    raise
                if not writes:
                    self.close()
                    raise LinkLost(f"{what}: {_UNREADABLE}: {error}") from error
                if _REFUSAL in str(error):
                    raise Refused(f"{what}: {error}") from error
                raise

    @contextlib.contextmanager
    def _as_lost(self, what: str) -> Iterator[None]:
        """After an error the connection is not used again."""
        from snap7.error import S7Error  # noqa: PLC0415 - only where it is used

        try:
            yield
        except (S7Error, OSError, AttributeError, ValueError) as error:
            # AttributeError: it was closed by another thread meanwhile
            self.close()
            raise LinkLost(f"{what}: {error}") from error


def _runs(nodes: Sequence[Node]) -> Iterator[Sequence[Node]]:
    run: list[Node] = []
    for node in sorted(nodes, key=lambda each: (each.area, each.block, each.at)):
        same = run and (run[0].area, run[0].block) == (node.area, node.block)
        if run and not (same and node.at + node.length - run[0].at <= _LONGEST_READ):
            yield run
            run = []
        run.append(node)
    if run:
        yield run


def _area(node: Node) -> Any:
    from snap7.type import Area  # noqa: PLC0415 - only where it is used

    return Area(_AREAS[node.area])


def _width(width: int) -> Any:
    from snap7.type import WordLen  # noqa: PLC0415 - only where it is used

    return WordLen(width)
