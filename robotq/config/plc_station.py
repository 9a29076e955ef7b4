"""Every key of a station behind a PLC: what stands under `options` of a robot with `driver: plc`.
Only the shapes; `robotq.drivers.plc` says what they mean together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from robotq.config.device_params import STRICT, DeviceCommand, DeviceParam
from robotq.config.shaped import Shaped
from robotq.config.strict_yaml import KeyPath


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlcNode:
    """One row of the table of nodes."""

    name: str
    """In any language."""
    alias: str = ""
    """A second name."""
    type: Literal["bool", "int16", "uint16", "int32", "uint32", "float32", "float64", "string"]
    """A string only of OPC UA; 254 characters at most are written."""
    address: str
    """Of Modbus such as holding:100, coil:0, holding:100.3; of OPC UA such as ns=2;s=Start; of S7
    such as DB1.DBX0.0, DB1.DBW2, DB1.DBD4, M0.0, MW2."""
    words: Literal["ABCD", "CDAB", "BADC", "DCBA"] = "ABCD"
    """How the bytes of a number stand in the registers of Modbus, or in the bytes of S7."""
    scale: float = 1
    """A value is what the PLC has, times `scale`, plus `offset`."""
    offset: float = 0
    unit: str = ""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlcModbus:
    """Modbus TCP."""

    host: str
    port: int = Field(default=502, ge=1, le=65_535)
    device: int = Field(default=1, ge=0, le=255)
    """The unit."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlcModbusRtu:
    """Modbus RTU, over a serial line that nobody else is master of."""

    port: str
    """Such as /dev/ttyUSB0, or a name below /dev/serial/by-id; COM3 on Windows."""
    baud: int = Field(default=9_600, ge=300, le=1_000_000)
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: int = Field(default=1, ge=1, le=2)
    echo: bool = False
    """The adapter gives back what is sent, as some of two-wire RS-485 do."""
    device: int = Field(default=1, ge=1, le=247)
    """The address of the PLC on the line. 0 is everybody, of whom nobody answers."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlcS7:
    """S7 over TCP. An S7-1200 or S7-1500 has to permit PUT/GET, and its data blocks are without
    optimized access."""

    host: str
    port: int = Field(default=102, ge=1, le=65_535)
    rack: int = Field(default=0, ge=0, le=7)
    slot: int = Field(default=1, ge=0, le=31)
    """1 of an S7-1200 and S7-1500, 2 of an S7-300."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlcOpcUa:
    url: str
    """Such as opc.tcp://192.168.0.10:4840."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlcOutcome:
    """What the PLC has stored about the end of a command, written before `done`."""

    node: str
    ok: list[int] = field(default_factory=lambda: [1])
    """Numbers that mean that it was done."""
    stopped: list[int] = field(default_factory=list)
    """Numbers that mean that a stop has ended it, and that it stands."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Number -> what it means. Every number but those above is a failure after which it stands."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlcAlarm:
    """A word that is 0 where all is well."""

    node: str
    bits: Mapping[str, str] = field(default_factory=dict)
    """Bit from 0 -> its text."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """Number -> its text, in place of `bits`."""
    stands: bool = False
    """The PLC stops every motion in its own program when this word is not 0. Without that, what
    became of a command in which an alarm came is unknown."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlcLads:
    """A program of a functional unit of LADS (OPC 30500-1), in place of a handshake."""

    unit: str
    """Its node such as ns=5;i=5012, or its browse names from Objects, with / between them."""
    program: str
    """The id of the program template."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Name of a property -> the parameter whose value it gets."""
    sample: str | None = None
    """The parameter that is the id of the sample."""
    stopped_is_done: bool = False
    """This unit has no RunningStateMachine, and it goes from Running to Stopped by itself only at
    a good end, and nobody but robotq stops it. Without that, such an end is unknown."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlcCommand(DeviceCommand):
    lads: PlcLads | None = None
    """With it there is no pattern, and nothing in `write`."""
    pattern: Literal["pulse", "request", "numbered"] | None = None
    """None: a query, that only reads."""
    start: str | None = None
    """The bit that begins it, or the number of the request."""
    accepted: str | None = None
    """The bit, or the number, with which the PLC says that it has it."""
    done: str | None = None
    """The bit, or the number, with which the PLC says that it is at its end."""
    pulse_s: float | None = Field(default=None, gt=0, le=60)
    """Of a pulse: seconds after which the start bit is low again. None: when done is high."""
    idle: Literal[0] | None = None
    """Of numbered, 0: the PLC takes a new number only after `start` was 0, and it has set `done` to
    0 for that. robotq writes the 0 right before the next command."""
    outcome: PlcOutcome | None = None
    write: Mapping[str, str] = field(default_factory=dict)
    """Node -> the parameter whose value it gets before the start."""
    result: Mapping[str, str] = field(default_factory=dict)
    """Name in the result -> the node that is read at the end."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlcStop:
    node: str
    """The bit that stops the station, high for a stop."""
    stopped: str | None = None
    """The bit with which the PLC answers: high while the stop bit is high and nothing moves.
    Without it, what became of a command that was stopped is unknown."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlcValue:
    """A number that is shown while the station works and while it does not."""

    node: str
    normal: list[float | None] | None = Field(default=None, min_length=2, max_length=2)
    """Least and most of what is normal, such as [1, 6] or [null, 60]."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlcStation:
    modbus: PlcModbus | None = None
    modbus_rtu: PlcModbusRtu | None = None
    opcua: PlcOpcUa | None = None
    s7: PlcS7 | None = None
    table: str | None = None
    """A file with the nodes, CSV or YAML."""
    nodes: list[PlcNode] = field(default_factory=list)
    """Nodes besides those of the table."""
    commands: Mapping[str, PlcCommand] = field(default_factory=dict)
    stop: PlcStop | None = None
    boot: str | None = None
    """A number that is another one after every start of the PLC."""
    heartbeat: str | None = None
    """A node that the PLC changes all the time; the link counts as lost where it does not."""
    heartbeat_s: float = Field(default=3, gt=0, le=60)
    watchdog: str | None = None
    """A bit that robotq changes every `watchdog_s`, so that the PLC sees that it is there."""
    watchdog_s: float = Field(default=0.5, gt=0, le=60)
    alarms: list[PlcAlarm] = field(default_factory=list)
    after_alarm: Literal["resume", "go_on"] = "resume"
    """What lets waiting commands begin after an alarm that stood while nothing ran, or that has
    ended a command: `resume`, a person who resumes the motion; `go_on`, the PLC, when the word is 0
    again."""
    shows: Mapping[str, PlcValue] = field(default_factory=dict)
    """Name -> node that is read once a second, and shown with its normal range and its course."""
    poll_s: float = Field(default=0.05, gt=0, le=5)
    """Between two looks at a command that runs."""
    answer_s: float = Field(default=1, gt=0, le=30)
    """Seconds in which the PLC answers a read or a write."""
    ready_s: float = Field(default=2, gt=0, le=600)
    """Seconds in which the bits of the last command are low."""
    accept_s: float = Field(default=5, gt=0, le=600)
    """Seconds in which a command is accepted, where there is a node for it."""
    stop_s: float = Field(default=3, gt=0, le=600)
    """Seconds in which a stop is answered."""


def _below(path: KeyPath) -> Any:
    """The dataclass whose keys may stand at `path`."""
    above = path[-2] if len(path) > 1 else ""
    if above == "params":
        return DeviceParam
    if above == "commands":
        return PlcCommand
    if above == "shows":
        return PlcValue
    last = next((part for part in reversed(path) if isinstance(part, str)), "")
    kinds: Mapping[str, Any] = {
        "modbus": PlcModbus,
        "modbus_rtu": PlcModbusRtu,
        "opcua": PlcOpcUa,
        "s7": PlcS7,
        "nodes": PlcNode,
        "outcome": PlcOutcome,
        "lads": PlcLads,
        "alarms": PlcAlarm,
        "stop": PlcStop,
    }
    return kinds.get(last, PlcStation)


PLC_STATION = Shaped(PlcStation, _below)
