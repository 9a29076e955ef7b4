"""Makes a station ready, and finds everything that is wrong in its nodes and commands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from robotq.config.plc_station import (
    PlcAlarm,
    PlcCommand,
    PlcLads,
    PlcNode,
    PlcOutcome,
    PlcStation,
    PlcValue,
)
from robotq.config.strict_yaml import KeyPath
from robotq.drivers.mapped.pieces import MappedPieces
from robotq.drivers.params import Param, ParamReader
from robotq.drivers.plc.nodes import Node, modbus_node, opcua_node, s7_node
from robotq.drivers.plc.pattern import Alarm, Outcome, Pattern, Station
from robotq.drivers.plc.ready import PlcProgram, ReadyStation
from robotq.model.carried.live_value import MOST_VALUES, LiveValue, fault_of

_MOST_BITS = 32
_SERVER_STATE = "i=2259"
"""0 while an OPC UA server runs."""
_NODES: Mapping[str, Callable[[PlcNode], Node]] = {
    "modbus": modbus_node,
    "modbus_rtu": modbus_node,
    "opcua": opcua_node,
    "s7": s7_node,
}
"""What carries them -> how its addresses are written."""


class StationReader:
    """Reads one station. `faults` has what is wrong, each with its place."""

    def __init__(self, station: PlcStation) -> None:
        self._written = station
        self._pieces = MappedPieces()
        self.faults = self._pieces.faults
        self._params = ParamReader(self._pieces, {}, {}, any_text=True)
        self._nodes: dict[str, Node] = {}
        """By name and by alias."""
        self._used: dict[str, Node] = {}
        self._writes: set[str] = set()
        self._faulty: set[str] = set()
        """Names of rows with a fault of their own, which says enough."""

    def read(self) -> ReadyStation | None:
        """None where there are faults."""
        written, fault = self._written, self._pieces.fault
        if sum(getattr(written, name) is not None for name in _NODES) != 1:
            fault((), "expected one of modbus, modbus_rtu, opcua and s7")
        self._read_nodes()
        stop = written.stop
        station = Station(
            stop=None if stop is None else self._bit(stop.node, ("stop", "node"), writes=True),
            stopped=None if stop is None else self._maybe_bit(stop.stopped, ("stop", "stopped")),
            boot=None if written.boot is None else self._number(written.boot, ("boot",)),
            alarms=[self._alarm(each, ("alarms", i)) for i, each in enumerate(written.alarms)],
            ready_s=written.ready_s,
            accept_s=written.accept_s,
            stop_s=written.stop_s,
            after_alarm=written.after_alarm,
        )
        self._pieces.commands(written.commands)
        programs = {
            name: self._program(command, ("commands", name))
            for name, command in written.commands.items()
        }
        if written.opcua is not None and any(each.lads for each in programs.values()):
            # what is looked at to see that the server is there
            server = PlcNode(name="server state", type="int32", address=_SERVER_STATE)
            self._used.setdefault(server.name, opcua_node(server))
        beat = written.heartbeat
        dog = written.watchdog
        ready = ReadyStation(
            written=written,
            station=station,
            programs=programs,
            heartbeat=None if beat is None else self._node(beat, ("heartbeat",)),
            watchdog=None if dog is None else self._bit(dog, ("watchdog",), writes=True),
            shows={name: self._shown(name, value) for name, value in written.shows.items()},
            nodes=self._used,
            writes=self._writes,
            table={node.name: node for node in self._nodes.values()},
        )
        if not self._used and not self._faulty:
            fault((), "expected nodes, and commands that use them")
        return None if self.faults else ready

    # -- nodes ---------------------------------------------------------------------------------

    def _read_nodes(self) -> None:
        given = (name for name in _NODES if getattr(self._written, name) is not None)
        make = _NODES[next(given, "modbus")]
        for index, row in enumerate(self._written.nodes):
            at: KeyPath = ("nodes", index)
            names = {row.name, row.alias} - {""}
            if row.scale == 0:
                self._pieces.fault((*at, "scale"), "found 0, expected another number")
                self._faulty |= names
                continue
            node = self._pieces.attempt((*at, "address"), lambda row=row: make(row))  # type: ignore[misc]
            if node is None:
                self._faulty |= names
                continue
            for name in names:
                if name in self._nodes:
                    self._pieces.fault(at, f"{name!r} stands in the table twice")
                self._nodes[name] = node

    def _node(self, name: str, at: KeyPath, *, writes: bool = False) -> str:
        node = self._nodes.get(name)
        if node is None and name in self._faulty:
            return name
        if node is None:
            self._pieces.fault(at, f"found {name!r}, which is no node of the table")
            return name
        if writes and not node.writable:
            self._pieces.fault(
                at, f"{name} cannot be written: {node.written.address}{node.instead}"
            )
        self._used[node.name] = node
        if writes:
            self._writes.add(node.name)
        return node.name

    def _bit(self, name: str, at: KeyPath, *, writes: bool = False) -> str:
        own = self._node(name, at, writes=writes)
        node = self._used.get(own)
        if node is not None and not (node.is_bit or node.is_integer):
            self._pieces.fault(
                at,
                f"{name} is no bit: expected type bool, or a whole number without scale and offset "
                "that is 0 or 1",
            )
        return own

    def _maybe_bit(self, name: str | None, at: KeyPath) -> str | None:
        return None if name is None else self._bit(name, at)

    def _number(self, name: str, at: KeyPath, *, writes: bool = False) -> str:
        own = self._node(name, at, writes=writes)
        if own in self._used and not self._used[own].is_integer:
            self._pieces.fault(at, f"{name} is no whole number without scale and offset")
        return own

    def _shown(self, name: str, value: PlcValue) -> str:
        at: KeyPath = ("shows", name)
        own = self._node(value.node, (*at, "node"))
        if own in self._used and self._used[own].is_text:
            self._pieces.fault((*at, "node"), f"{value.node} is a text, and no number")
        normal = None if value.normal is None else tuple(value.normal)
        fault = fault_of(name, LiveValue(value=0.0, normal=normal))  # type: ignore[arg-type]
        if fault:
            self._pieces.fault(at, fault)
        if len(self._written.shows) > MOST_VALUES:
            self._pieces.fault(at, f"expected at most {MOST_VALUES}")
        return own

    # -- commands ------------------------------------------------------------------------------

    def _program(self, command: PlcCommand, at: KeyPath) -> PlcProgram:
        fault = self._pieces.fault
        params = {
            name: self._params.read(name, param, (*at, "params", name))
            for name, param in command.params.items()
        }
        for name in command.result:
            self._pieces.name(name, (*at, "result", name))
        result = {
            name: self._node(node, (*at, "result", name)) for name, node in command.result.items()
        }
        write = {
            self._node(node, (*at, "write", node), writes=True): param
            for node, param in command.write.items()
        }
        for node, name in write.items():
            self._fits(node, name, params, (*at, "write", node))
        lads = command.lads
        given = set() if lads is None else {*lads.properties.values(), lads.sample or ""} - {""}
        for name in params.keys() - set(write.values()) - given:
            fault((*at, "params", name), "is written nowhere: expected it in `write`")
        if lads is not None:
            self._lads(command, lads, given - params.keys(), at)
            return PlcProgram(pattern=None, lads=lads, params=params, write={}, result=result)
        if command.query:
            if command.pattern is not None or write:
                fault(at, "a query only reads: expected no pattern, and nothing in write")
            return PlcProgram(pattern=None, params=params, write={}, result=result)
        return PlcProgram(
            pattern=self._pattern(command, frozenset(result.values()), at),
            params=params,
            write=write,
            result=result,
        )

    def _lads(
        self, command: PlcCommand, lads: PlcLads, unknown: Collection[str], at: KeyPath
    ) -> None:
        fault, here = self._pieces.fault, (*at, "lads")
        if self._written.opcua is None:
            fault(here, "only a server of OPC UA has programs of LADS")
        if command.pattern is not None or command.write or command.query:
            fault(at, "a program of LADS has no pattern, nothing in write, and is no query")
        for name in unknown:
            fault(here, f"found {name!r}, expected a name of params")
        if lads.unit.startswith(("ns=", "i=")):
            node = PlcNode(name="unit", type="int32", address=lads.unit)
            self._pieces.attempt((*here, "unit"), lambda: opcua_node(node))
        for key in ("unit", "program"):
            if not getattr(lads, key).strip("/ "):
                fault((*here, key), "is empty")

    def _fits(self, node: str, name: str, params: Mapping[str, Param], at: KeyPath) -> None:
        param = params.get(name)
        if param is None:
            self._pieces.fault(at, f"found {name!r}, expected a name of params")
        elif node in self._used:
            if (param.type == "text") != self._used[node].is_text:
                own = self._used[node].written.type
                told = f"{name} is of type {param.type}, and {node} is {own} in the table"
                self._pieces.fault(at, told)
                return
            for value in param.samples():
                self._pieces.attempt(at, lambda value=value: self._used[node].raw(value))  # type: ignore[misc]

    def _pattern(self, command: PlcCommand, results: frozenset[str], at: KeyPath) -> Pattern | None:
        fault, numbered = self._pieces.fault, command.pattern == "numbered"
        if command.pattern is None or command.start is None or command.done is None:
            fault(at, "expected pattern, start and done, or lads, or query: true")
            return None
        if command.pattern == "request" and command.accepted is None:
            fault((*at, "accepted"), "is missing: the bit that says that the request was received")
        if command.pulse_s is not None and command.pattern != "pulse":
            fault((*at, "pulse_s"), "only a pulse has it")
        if command.idle is not None and not numbered:
            fault((*at, "idle"), "only numbered has it")
        kind = self._number if numbered else self._bit
        start = kind(command.start, (*at, "start"), writes=True)
        done = kind(command.done, (*at, "done"))
        accepted = command.accepted and kind(command.accepted, (*at, "accepted"))
        names = [name for name in (start, done, accepted) if name]
        stop = self._written.stop
        if len(set(names)) < len(names) or (stop is not None and stop.node in names):
            fault(at, "start, accepted, done and stop are nodes of their own")
        most = 1
        if numbered and not self.faults:
            most = min(self._used[name].largest for name in names)
        return Pattern(
            numbered=numbered,
            start=start,
            done=done,
            accepted=accepted or None,
            most=most,
            pulse_s=command.pulse_s,
            idle=command.idle is not None,
            outcome=None
            if command.outcome is None
            else self._outcome(command.outcome, (*at, "outcome")),
            results=results,
        )

    def _outcome(self, outcome: PlcOutcome, at: KeyPath) -> Outcome:
        if set(outcome.ok) & set(outcome.stopped):
            self._pieces.fault(at, "a number cannot mean ok and stopped")
        if 0 in outcome.ok:
            self._pieces.fault((*at, "ok"), "0 is what stands there after a start of the PLC")
        return Outcome(
            node=self._number(outcome.node, (*at, "node")),
            ok=frozenset(outcome.ok),
            stopped=frozenset(outcome.stopped),
            texts=self._texts(outcome.texts, (*at, "texts")),
        )

    def _alarm(self, alarm: PlcAlarm, at: KeyPath) -> Alarm:
        bits = self._texts(alarm.bits, (*at, "bits"))
        if any(not 0 <= bit < _MOST_BITS for bit in bits):
            self._pieces.fault((*at, "bits"), f"expected bits from 0 to {_MOST_BITS - 1}")
        if bits and alarm.codes:
            self._pieces.fault(at, "expected one of bits and codes")
        name = self._node(alarm.node, (*at, "node"))
        if name in self._used and not (self._used[name].is_bit or self._used[name].is_integer):
            self._pieces.fault((*at, "node"), f"{alarm.node} is no bit and no whole number")
        codes = self._texts(alarm.codes, (*at, "codes"))
        return Alarm(node=name, bits=bits, codes=codes, stands=alarm.stands)

    def _texts(self, texts: Mapping[str, Any], at: KeyPath) -> Mapping[int, str]:
        told = {}
        for key, text in texts.items():
            number = self._pieces.attempt((*at, key), lambda key=key: int(key))  # type: ignore[misc]
            if number is not None:
                told[number] = text
        return told
