"""Nodes over OPC UA. A client that has lost its connection is thrown away: it does not mend."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar

from robotq.config.plc_station import PlcOpcUa
from robotq.drivers.base import LinkLost
from robotq.drivers.plc.nodes import Node
from robotq.drivers.plc.pattern import Refused
from robotq.model.errors import ConfigError

if TYPE_CHECKING:
    from asyncua.sync import Client

_T = TypeVar("_T")
_REFUSALS = (
    "BadNotWritable", "BadTypeMismatch", "BadUserAccessDenied", "BadNodeIdUnknown", "BadOutOfRange",
    "BadWriteNotSupported", "BadNodeIdInvalid", "BadAttributeIdInvalid", "BadMethodInvalid",
    "BadInvalidState", "BadInvalidArgument", "BadArgumentsMissing", "BadTooManyArguments",
    "BadNotExecutable", "BadNotFound", "BadNotSupported", "BadNotImplemented", "BadLocked",
)  # fmt: skip
"""Of a write or a call: nothing was done."""
_TYPES: Mapping[str, str] = {
    "bool": "Boolean", "int16": "Int16", "uint16": "UInt16", "int32": "Int32", "uint32": "UInt32",
    "float32": "Float", "float64": "Double",
}  # fmt: skip


def check_installed() -> None:
    """Raises ConfigError."""
    try:
        import asyncua.sync  # noqa: F401, PLC0415 - only where it is used
    except ImportError as error:
        raise ConfigError("OPC UA needs asyncua: pip install 'robotq[opcua]'") from error
    # at the level of the daemon it writes a line for each look, five and more a second
    logging.getLogger("asyncua").setLevel(logging.WARNING)


@contextlib.contextmanager
def refusals(what: str) -> Iterator[None]:
    """Raises Refused where the server has answered that it does not do this."""
    from asyncua.ua.uaerrors import UaStatusCodeError  # noqa: PLC0415 - only where it is used

    try:
        yield
    except UaStatusCodeError as error:
        if type(error).__name__ in _REFUSALS:
            raise Refused(f"{what}: {error}") from error
        raise


class OpcUaPlc:
    """One connection; it is never opened again. Each method may be called from any thread."""

    def __init__(self, options: PlcOpcUa, nodes: Mapping[str, Node], answer_s: float) -> None:
        self._url = options.url
        self._nodes = nodes
        self._answer_s = answer_s
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._closed = False

    def open(self) -> None:
        """Raises LinkLost."""
        from asyncua.sync import Client  # noqa: PLC0415 - only where it is used

        client = Client(
            self._url,
            timeout=self._answer_s,
            sync_wrapper_timeout=self._answer_s * 5,
            # it asks by itself whether the server lives, and would give it a second only
            watchdog_intervall=self._answer_s,
        )
        try:
            with self._as_lost(self._url):
                client.connect()
        except BaseException:
            # its thread would stay
            client.tloop.stop()
            raise
        self._client = client

    def read(self, names: Collection[str]) -> Mapping[str, Any]:
        """Raises LinkLost. All in one question."""
        with self._lock:
            client = self._there()
            with self._as_lost(", ".join(names)):
                found = client.read_values([client.get_node(self._address(n)) for n in names])
        told = {}
        for name, raw in zip(names, found, strict=True):
            node = self._nodes[name]
            if isinstance(raw, bool) != node.is_bit or not isinstance(raw, bool | int | float):
                raise LinkLost(
                    f"{name} is {raw!r} in the PLC, and {node.written.type} in the table"
                )
            told[name] = node.value(raw)
        return told

    def asked(self, what: str, ask: Callable[[Client], _T]) -> _T:
        """What `ask` answers. Raises LinkLost, and what it raises of robotq's own."""
        with self._lock:
            client = self._there()
            with self._as_lost(what):
                return ask(client)

    def write(self, name: str, value: Any) -> None:
        """Raises LinkLost, Refused."""
        from asyncua import ua  # noqa: PLC0415 - only where it is used

        node = self._nodes[name]
        kind = ua.VariantType[_TYPES[node.written.type]]
        data = ua.DataValue(ua.Variant(node.raw(value), kind))
        with self._lock:
            client = self._there()
            with self._as_lost(name), refusals(name):
                client.get_node(self._address(name)).write_value(data)

    def close(self) -> None:
        self._closed = True
        client, self._client = self._client, None
        if client is None:
            return
        with contextlib.suppress(LinkLost), self._as_lost(self._url):
            client.disconnect()

    def _there(self) -> Client:
        if self._closed or self._client is None:
            raise LinkLost("the connection is closed")
        return self._client

    def _address(self, name: str) -> str:
        return self._nodes[name].written.address

    @contextlib.contextmanager
    def _as_lost(self, what: str) -> Any:
        from asyncua.sync import ThreadLoopNotRunning  # noqa: PLC0415 - only where it is used
        from asyncua.ua.uaerrors import UaError  # noqa: PLC0415

        try:
            yield
        except (
            UaError, OSError, TimeoutError, CancelledError, RuntimeError, ThreadLoopNotRunning
        ) as error:  # fmt: skip
            self._closed = True
            raise LinkLost(f"{what}: {type(error).__name__} {error}".strip()) from error
