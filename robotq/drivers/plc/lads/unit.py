"""A functional unit of LADS (OPC 30500-1): where its nodes are, what it says, what it is told.

A state is known by the browse name of its node, which is the same in every language.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import dropwhile
from typing import TYPE_CHECKING, Any, cast

from robotq.drivers.base import LinkLost
from robotq.drivers.plc.lads.nodes import (
    LOOKED,
    MACHINE,
    MOST_CHANGES,
    PATHS,
    Changes,
    Found,
    Seen,
    packed,
)
from robotq.drivers.plc.pattern import Refused
from robotq.drivers.plc.protocols.opcua import OpcUaPlc, refusals

if TYPE_CHECKING:
    from asyncua.sync import Client, SyncNode

NAMESPACE = "http://opcfoundation.org/UA/LADS/"
_KEY_VALUE, _SAMPLE_INFO = 3003, 3002
"""Their data types in that namespace."""
_SERVER_STARTED, _HAS_ENCODING = 2257, 38
_PUBLISHED_MS = 50
_LATEST = 20
"""Results that are looked at, from the newest."""


class LadsUnit:
    """Over one connection, which each of its methods may find lost: LinkLost."""

    def __init__(self, plc: OpcUaPlc, where: str, found: Found, aborted: set[str]) -> None:
        """`where`: its node, or its path of browse names from Objects. `found`: of the connections
        to it that were made together. `aborted`: the units that robotq has aborted by itself,
        which it may clear; kept over connections."""
        self._plc = plc
        self._where = where
        self._found = found
        self._aborted = aborted
        self._changes = Changes()

    @property
    def may_clear(self) -> bool:
        return self._where in self._aborted

    @property
    def judges(self) -> bool:
        """Whether it can say that a program came to a good end."""
        return "inner" in self._ids

    @property
    def can_stop(self) -> bool:
        return bool(self._ids.keys() & {"Stop", "Abort"})

    @property
    def names_runs(self) -> bool:
        """Whether its active program says which run it is."""
        return "run" in self._ids

    def listen(self) -> None:
        """For the changes of its state, and of what it does while it is running: a look might come
        too late for one that lasts for a moment."""
        names = {self._ids[name]: name for name in ("state", "inner") if name in self._ids}
        self._changes.names = names

        def ask(client: Client) -> None:
            # that the link is lost is told by who looks; the library would tell it every second
            logging.getLogger("asyncua.client.ua_session").setLevel(logging.CRITICAL)
            # one for both: what was earlier is never told later than by the same answer
            subscription = client.create_subscription(_PUBLISHED_MS, self._changes)
            nodes = [client.get_node(each) for each in names]
            subscription.subscribe_data_change(nodes, queuesize=MOST_CHANGES)

        self._asked(ask)

    def mark(self) -> None:
        """Only the changes from here on count."""
        self._changes.seen.clear()

    @property
    def states(self) -> Sequence[str]:
        """Since `listen` or `mark`, from Running on: what comes late is of before."""
        return [name for name, _ in self._heard("state")]

    @property
    def changes(self) -> Sequence[str]:
        """What it did while it was running, since `listen` or `mark`. Empty where it did not."""
        left = next((at for name, at in self._heard("state") if name != "Running"), None)
        return [
            name for name, at in self._heard("inner") if left is None or at is None or at <= left
        ]

    def _heard(self, of: str) -> Sequence[tuple[str, dt.datetime | None]]:
        heard = [
            (self._name(value), at) for name, value, at in list(self._changes.seen) if name == of
        ]
        if of == "state":
            return list(dropwhile(lambda each: each[0] != "Running", heard))
        return heard

    def look(self) -> Seen:
        names = [name for name in LOOKED if name in self._ids]
        read = self._asked(
            lambda client: client.read_attributes([client.get_node(self._ids[n]) for n in names])
        )
        told = {
            name: value.Value.Value
            for name, value in zip(names, read, strict=True)
            if value.StatusCode.is_good() and value.Value is not None
        }
        if told.get("state") is None:
            raise LinkLost(f"{self._where} does not say in which state it is")
        runtime, whole = told.get("runtime"), told.get("whole")
        return Seen(
            boot=str(told.get("boot", "")),
            state=self._name(told["state"]),
            inner=self._name(told.get("inner")),
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
                ua.ExtensionObject(self._encoding(kind), ua.ByteString(packed(row))) for row in rows
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
            if name not in self._ids:
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
        there = self._ids.get("results")
        if there is None:
            return
        children = self._asked(lambda client: client.get_node(there).get_children())
        for each in reversed(children[-_LATEST:]):
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
        if self._where.startswith(("ns=", "i=")):
            return cast("SyncNode", self._asked(lambda client: client.get_node(self._where)))
        node = self._asked(lambda client: client.nodes.objects)
        for part in self._where.split("/"):
            children = self._asked(lambda _, node=node: node.get_children_descriptions())
            found = [each.NodeId for each in children if each.BrowseName.Name == part]
            if len(found) != 1:
                raise LinkLost(f"{self._where}: {part} is there {len(found)} times, expected once")
            node = self._asked(lambda client, at=found[0]: client.get_node(at))
        return cast("SyncNode", node)

    @property
    def _ids(self) -> Mapping[str, Any]:
        """Looked for once."""
        if not self._found.ids:
            unit = self._unit
            nodes = {name: self._child(unit, path) for name, path in PATHS.items()}
            if nodes["state"] is None:
                raise LinkLost(f"{self._where} is no functional unit of LADS: no {MACHINE}")
            ids = {name: node.nodeid for name, node in nodes.items() if node is not None}
            boot = self._asked(lambda client: client.get_node(f"i={_SERVER_STARTED}"))
            self._found.ids = {**ids, "boot": boot.nodeid}
        return self._found.ids

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
        names = self._found.names
        if node_id not in names:
            name = self._asked(lambda client: client.get_node(node_id).read_browse_name().Name)
            names[node_id] = str(name)
        return names[node_id]

    # -- the connection ------------------------------------------------------------------------

    def _call(self, name: str, *arguments: Any) -> Any:
        method, machine = self._ids.get(name), self._ids["machine"]
        if method is None:
            raise Refused(f"{self._where} has no {name}")

        def ask(client: Client) -> Any:
            with refusals(name):
                return client.get_node(machine).call_method(method, *arguments)

        return self._asked(ask)

    def _asked(self, ask: Any) -> Any:
        return self._plc.asked(self._where, ask)
