"""A functional unit of LADS (OPC 30500-1): where its nodes are, what it says, what it is told.

A state is known by the browse name of its node, which is the same in every language.
"""

from __future__ import annotations

import contextlib
import logging
import struct
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from robotq.drivers.base import LinkLost
from robotq.drivers.plc.opcua import OpcUaPlc, refusals
from robotq.drivers.plc.pattern import Refused

if TYPE_CHECKING:
    from asyncua.sync import Client, SyncNode

NAMESPACE = "http://opcfoundation.org/UA/LADS/"
_KEY_VALUE, _SAMPLE_INFO = 3003, 3002
"""Their data types in that namespace."""
_SERVER_STARTED, _HAS_ENCODING = 2257, 38
_PUBLISHED_MS, _MOST_CHANGES = 50, 1_000
_LATEST = 20
"""Results that are looked at, from the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A unit at one moment. What it does not tell, or does not know now, is empty."""

    boot: str
    """When its server was started."""
    state: str
    """Stopped, Running, Stopping, Aborting, Aborted, Clearing."""
    inner: str
    """While it is running, such as Execute and Complete."""
    transition: str
    """The last one, such as ClearingToStopped."""
    run: str
    """DeviceProgramRunId of the active program."""
    step: str
    fraction: float | None


class LadsUnit:
    """Over one connection, which each of its methods may find lost: LinkLost."""

    def __init__(self, plc: OpcUaPlc, where: str, aborted: set[str]) -> None:
        """`where`: its node, or its path of browse names from Objects. `aborted`: the units that
        robotq has aborted by itself, which it may clear; kept over connections."""
        self._plc = plc
        self._where = where
        self._aborted = aborted
        self._names: dict[Any, str] = {}
        self._changes = _Changes()

    @property
    def may_clear(self) -> bool:
        return self._where in self._aborted

    @property
    def judges(self) -> bool:
        """Whether it can say that a program came to a good end."""
        return self._nodes["inner"] is not None

    @property
    def can_stop(self) -> bool:
        return bool(self._methods.keys() & {"Stop", "Abort"})

    def listen(self) -> None:
        """For the changes of what it does while it is running: a look might come too late for a
        state that lasts for a moment."""
        inner = self._nodes["inner"]
        if inner is None:
            return

        def ask(client: Client) -> None:
            # that the link is lost is told by who looks; the library would tell it every second
            logging.getLogger("asyncua.client.ua_session").setLevel(logging.CRITICAL)
            subscription = client.create_subscription(_PUBLISHED_MS, self._changes)
            subscription.subscribe_data_change(inner, queuesize=_MOST_CHANGES)

        self._asked(ask)

    def mark(self) -> None:
        """Only the changes from here on count."""
        self._changes.seen.clear()

    @property
    def changes(self) -> Sequence[str]:
        """Since `listen` or `mark`. Empty where it does nothing."""
        return [self._name(each) for each in list(self._changes.seen)]

    def look(self) -> Seen:
        nodes = {name: node for name, node in self._nodes.items() if node is not None}
        read = self._asked(lambda client: client.read_attributes(list(nodes.values())))
        told = {
            name: value.Value.Value
            for name, value in zip(nodes, read, strict=True)
            if value.StatusCode.is_good() and value.Value is not None
        }
        if told.get("state") is None:
            raise LinkLost(f"{self._where} does not say in which state it is")
        runtime, whole = told.get("runtime"), told.get("whole")
        return Seen(
            boot=str(told.get("boot", "")),
            state=self._name(told["state"]),
            inner=self._name(told.get("inner")),
            transition=self._name(told.get("transition")),
            run=str(told.get("run") or ""),
            step=str(getattr(told.get("step"), "Text", None) or "")[:80],
            fraction=min(1.0, max(0.0, runtime / whole)) if runtime is not None and whole else None,
        )

    def start(self, program: str, properties: Mapping[str, Any], sample: str, task: str) -> str:
        """DeviceProgramRunId. Raises Refused where it has begun nothing."""
        from asyncua import ua  # noqa: PLC0415 - only where it is used

        def text(value: str) -> Any:
            return ua.Variant(value, ua.VariantType.String)

        def many(kind: int, rows: Sequence[Sequence[str]]) -> Any:
            made = [
                ua.ExtensionObject(self._encoding(kind), ua.ByteString(_packed(row)))
                for row in rows
            ]
            return ua.Variant(made, ua.VariantType.ExtensionObject)

        given = [(key, str(value)) for key, value in properties.items()]
        samples = [("", sample, "", "")] if sample else []
        arguments = (
            text(program), many(_KEY_VALUE, given), text("robotq"), text(task),
            many(_SAMPLE_INFO, samples),
        )  # fmt: skip
        return str(self._call("StartProgram", *arguments) or "")

    def end(self, *, abort: bool) -> None:
        """Stop it, or abort it. Raises Refused where it goes on."""
        refused = Refused(f"{self._where} has neither Stop nor Abort")
        for name in ("Abort", "Stop") if abort else ("Stop", "Abort"):
            if name not in self._methods:
                continue
            try:
                self._call(name)
            except Refused as error:
                if self.look().state != "Running":
                    return
                refused = error
            else:
                if name == "Abort":
                    self._aborted.add(self._where)
                return
        raise refused

    def clear(self) -> None:
        """Raises Refused."""
        self._call("Clear")
        self._aborted.discard(self._where)

    def results(self) -> Iterator[tuple[str, str]]:
        """The DeviceProgramRunId and the SupervisoryTaskId of each, the newest first."""
        there = self._nodes["results"]
        if there is None:
            return
        for each in reversed(self._asked(lambda _: there.get_children())[-_LATEST:]):
            task = self._value(each, "SupervisoryTaskId")
            if task:
                run = self._value(each, "DeviceProgramRunId") or self._name(each.nodeid)
                yield str(run), str(task)

    # -- its nodes -----------------------------------------------------------------------------

    @cached_property
    def _space(self) -> int:
        spaces = self._asked(lambda client: client.get_namespace_array())
        if NAMESPACE not in spaces:
            raise LinkLost("this server has no units of LADS")
        return int(spaces.index(NAMESPACE))

    @cached_property
    def _unit(self) -> SyncNode:
        if self._where.startswith(("ns=", "nsu=", "i=", "s=", "g=")):
            return cast("SyncNode", self._asked(lambda client: client.get_node(self._where)))
        node = self._asked(lambda client: client.nodes.objects)
        for part in self._where.split("/"):
            children = self._asked(lambda _, node=node: node.get_children_descriptions())
            found = [each.NodeId for each in children if each.BrowseName.Name == part]
            if len(found) != 1:
                raise LinkLost(f"{self._where}: {part} is there {len(found)} times, expected once")
            node = self._asked(lambda client, at=found[0]: client.get_node(at))
        return cast("SyncNode", node)

    @cached_property
    def _nodes(self) -> Mapping[str, SyncNode | None]:
        machine, program = "FunctionalUnitState", "ProgramManager/ActiveProgram"
        paths = {
            "state": f"{machine}/0:CurrentState/0:Id",
            "inner": f"{machine}/RunningStateMachine/0:CurrentState/0:Id",
            "transition": f"{machine}/0:LastTransition/0:Id",
            "run": f"{program}/DeviceProgramRunId",
            "step": f"{program}/CurrentStepName",
            "runtime": f"{program}/CurrentRuntime",
            "whole": f"{program}/EstimatedRuntime",
            "results": "ProgramManager/ResultSet",
        }
        found = {name: self._child(self._unit, path) for name, path in paths.items()}
        if found["state"] is None:
            raise LinkLost(f"{self._where} is no functional unit of LADS: it has no {machine}")
        found["boot"] = self._asked(lambda client: client.get_node(f"i={_SERVER_STARTED}"))
        return found

    @cached_property
    def _methods(self) -> Mapping[str, Any]:
        names = ("StartProgram", "Stop", "Abort", "Clear")
        found = {name: self._child(self._unit, f"FunctionalUnitState/{name}") for name in names}
        return {name: node.nodeid for name, node in found.items() if node is not None}

    def _encoding(self, kind: int) -> Any:
        """Of a structure, as it goes over the wire."""
        space = self._space

        def ask(client: Client) -> Any:
            node = client.get_node(f"ns={space};i={kind}")
            for each in node.get_references(_HAS_ENCODING):
                if each.BrowseName.Name == "Default Binary":
                    return each.NodeId
            return None

        found = self._asked(ask)
        if found is None:
            raise Refused(f"the server does not describe the structure {kind} of LADS")
        return found

    def _child(self, node: SyncNode, path: str) -> SyncNode | None:
        from asyncua.ua.uaerrors import BadNoMatch  # noqa: PLC0415 - only where it is used

        names = [part if ":" in part else f"{self._space}:{part}" for part in path.split("/")]

        def ask(_: Client) -> Any:
            with contextlib.suppress(BadNoMatch):
                return node.get_child(names)
            return None

        return cast("SyncNode | None", self._asked(ask))

    def _value(self, node: SyncNode, name: str) -> Any:
        child = self._child(node, name)
        if child is None:
            return None
        (value,) = self._asked(lambda client: client.read_attributes([child]))
        good = value.StatusCode.is_good() and value.Value is not None
        return value.Value.Value if good else None

    def _name(self, node_id: Any) -> str:
        if node_id is None or node_id.is_null():
            return ""
        if node_id not in self._names:
            name = self._asked(lambda client: client.get_node(node_id).read_browse_name().Name)
            self._names[node_id] = str(name)
        return self._names[node_id]

    # -- the connection ------------------------------------------------------------------------

    def _call(self, name: str, *arguments: Any) -> Any:
        method = self._methods.get(name)
        if method is None:
            raise Refused(f"{self._where} has no {name}")
        machine = self._child(self._unit, "FunctionalUnitState")
        assert machine is not None

        def ask(_: Client) -> Any:
            with refusals(name):
                return machine.call_method(method, *arguments)

        return self._asked(ask)

    def _asked(self, ask: Any) -> Any:
        return self._plc.asked(self._where, ask)


class _Changes:
    """On the thread of the connection; the library calls it by this name."""

    def __init__(self) -> None:
        self.seen: deque[Any] = deque(maxlen=_MOST_CHANGES)

    def datachange_notification(self, _: Any, value: Any, __: Any) -> None:
        self.seen.append(value)


def _packed(texts: Sequence[str]) -> bytes:
    """A structure of texts, as OPC UA writes it."""
    raw = [text.encode() for text in texts]
    return b"".join(struct.pack("<i", len(each)) + each for each in raw)
