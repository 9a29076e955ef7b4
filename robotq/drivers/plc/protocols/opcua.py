"""Nodes over OPC UA. A client that has lost its connection is thrown away: it does not mend."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar

from robotq.config.plc_station import PlcOpcUa
from robotq.drivers.base import LinkLost, NotAsConfigured
from robotq.drivers.plc.nodes import Node
from robotq.drivers.plc.pattern import Refused
from robotq.model.errors import ConfigError

if TYPE_CHECKING:
    from asyncua import ua
    from asyncua.sync import Client

_T = TypeVar("_T")
_REFUSALS = (
    "BadNotWritable", "BadTypeMismatch", "BadUserAccessDenied", "BadNodeIdUnknown", "BadOutOfRange",
    "BadWriteNotSupported", "BadNodeIdInvalid", "BadAttributeIdInvalid", "BadMethodInvalid",
    "BadInvalidState", "BadInvalidArgument", "BadArgumentsMissing", "BadTooManyArguments",
    "BadNotExecutable", "BadNotFound", "BadNotSupported", "BadNotImplemented", "BadLocked",
)  # fmt: skip
"""Of a write or a call: nothing was done."""
_NO_WRITE = frozenset({
    "BadNotWritable", "BadTypeMismatch", "BadUserAccessDenied", "BadNodeIdUnknown",
    "BadNodeIdInvalid", "BadWriteNotSupported", "BadAttributeIdInvalid",
})  # fmt: skip
"""Those of a write that can mean nothing else."""
_NOT_THERE = frozenset({
    "BadNodeIdUnknown", "BadNodeIdInvalid", "BadNotReadable", "BadUserAccessDenied",
    "BadAttributeIdInvalid",
})  # fmt: skip
"""Of a read: the table is wrong, or the server lets nobody read it."""
_TYPES: Mapping[str, str] = {
    "bool": "Boolean", "int16": "Int16", "uint16": "UInt16", "int32": "Int32", "uint32": "UInt32",
    "float32": "Float", "float64": "Double", "string": "String",
}  # fmt: skip
_KINDS: Mapping[type, Collection[str]] = {
    bool: ("bool",),
    int: ("int16", "uint16", "int32", "uint32", "float32", "float64"),
    float: ("float32", "float64"),
    str: ("string",),
}
"""What is read -> the types of the table that it may have."""
_UNNAMED: Mapping[str, Collection[str]] = {
    "Byte": ("int16", "uint16", "int32", "uint32"),
    "SByte": ("int16", "int32"),
    "Int64": ("int32",),
    "UInt64": ("uint32",),
}
"""Types that have no name in the table -> as what they may be read; they are never written."""
_LONGEST_TEXT = 10_000
"""Characters of a text that is read; a result of a command carries it."""
_WRITE = 2
"""The bit of an access level that lets a value be written."""


def check_installed() -> None:
    """Raises ConfigError."""
    try:
        import asyncua.sync  # noqa: F401, PLC0415 - only where it is used
    except ImportError as error:
        raise ConfigError("OPC UA needs asyncua: pip install 'robotq[opcua]'") from error
    # at the level of the daemon it writes a line for each look, five and more a second
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    # what fails there is raised here too, and told once with the node and the address; the library
    # would write forty lines for each connection that does not close
    logging.getLogger("asyncua.client").setLevel(logging.CRITICAL)


@contextlib.contextmanager
def refusals(what: str) -> Iterator[None]:
    """Raises Refused where the server has answered that it does not do this."""
    from asyncua.ua.uaerrors import UaStatusCodeError  # noqa: PLC0415 - only where it is used

    try:
        yield
    except UaStatusCodeError as error:
        if type(error).__name__ in _REFUSALS:
            certain = type(error).__name__ in _NO_WRITE
            raise Refused(f"{what}: {error}", certain=certain) from error
        raise


def _kind(data: ua.DataValue) -> str:
    """The type of what was read: that of the node, for a server sends no other one."""
    value = data.Value
    if value is None:
        return "nothing"
    return f"a list of {value.VariantType.name}" if value.is_array else str(value.VariantType.name)


def _may_write(access: ua.DataValue) -> bool:
    """By its access level. A server that does not tell is found out by the first write."""
    level = None if access.Value is None else access.Value.Value
    return level is None or bool(int(level) & _WRITE)


async def _cut(client: Client) -> None:
    """A PLC that stands still answers no goodbye, which the library would leave waiting."""
    protocol = client.aio_obj.uaclient.protocol
    if protocol is not None and protocol.transport is not None:
        protocol.transport.abort()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # the loop closes the socket in its next turn
    await asyncio.sleep(0)


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
            self._end(client)
            raise
        self._client = client

    def read(self, names: Collection[str]) -> Mapping[str, Any]:
        """Raises LinkLost; NotAsConfigured where the table is not that of the server. All in one
        question."""
        return {
            name: self._value(name, data)
            for name, data in zip(names, self._answers(names), strict=True)
        }

    def _answers(self, names: Collection[str], attribute: str = "Value") -> list[ua.DataValue]:
        from asyncua.ua.attribute_ids import AttributeIds  # noqa: PLC0415 - only where it is used

        with self._lock:
            client = self._there()
            with self._as_lost(", ".join(names)):
                nodes = [client.get_node(self._address(name)) for name in names]
                return list(client.read_attributes(nodes, AttributeIds[attribute]))

    def _value(self, name: str, data: ua.DataValue) -> Any:
        node, where = self._nodes[name], f"{name} at {self._address(name)}"
        status = data.StatusCode
        if status is not None and status.is_bad():
            kind = NotAsConfigured if status.name in _NOT_THERE else LinkLost
            raise kind(f"{where}: {status.name}: {status.doc}")
        raw = None if data.Value is None else data.Value.Value
        if raw is None:
            raise LinkLost(f"{where} has no value in the PLC yet")
        if node.written.type not in _KINDS.get(type(raw), ()):
            raise NotAsConfigured(
                f"{where} is {_kind(data)} in the PLC ({raw!r:.80}), and {node.written.type} in "
                "the table"
            )
        if isinstance(raw, str) and len(raw) > _LONGEST_TEXT:
            raise NotAsConfigured(
                f"{where} has {len(raw)} characters in the PLC, expected {_LONGEST_TEXT} at most"
            )
        return node.value(raw)

    def misfits(self, names: Collection[str], written: Collection[str]) -> Mapping[str, str]:
        """Raises LinkLost."""
        if not names:
            return {}
        taken = [name for name in names if name in written]
        kinds = {
            name: self._misfit(name, _kind(data), written=name in written)
            for name, data in zip(names, self._answers(names), strict=True)
        }
        access = self._answers(taken, "UserAccessLevel") if taken else []
        levels = {
            name: "is written by a command or by the station, and the PLC lets it only be read"
            for name, data in zip(taken, access, strict=True)
            if not _may_write(data)
        }
        return levels | {name: why for name, why in kinds.items() if why}

    def _misfit(self, name: str, kind: str, *, written: bool) -> str:
        node = self._nodes[name]
        own = _TYPES[node.written.type]
        if kind == own or (not written and node.written.type in _UNNAMED.get(kind, ())):
            return ""
        return f"is {kind} in the PLC, and {own} ({node.written.type}) in the table"

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
            client.tloop.post(client.aio_obj.disconnect())
        self._end(client)

    def _end(self, client: Client) -> None:
        """Its thread and its socket are gone then, whatever it was still waiting for."""
        with contextlib.suppress(LinkLost), self._as_lost(self._url):
            client.tloop.post(_cut(client))
        client.tloop.stop()

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
