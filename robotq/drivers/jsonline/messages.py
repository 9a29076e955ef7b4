"""What a device says, read with care: it is another program, and the wire may have changed it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from robotq.drivers.identity import Self
from robotq.drivers.jsonline.fields import (
    flag_of,
    maybe_text_of,
    number_of,
    object_of,
    text_of,
    whole_of,
)
from robotq.drivers.jsonline.wire import LEAST_LINE, MOST_LINE, PROTOCOL, BadLine
from robotq.model.carried.live_value import MOST_VALUES, LiveValue, LiveValues, fault_of
from robotq.model.json import JsonObject

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")

RUNNING = "running"
DONE = "done"
FAILED = "failed"
STOPPED = "stopped"
UNCERTAIN = "uncertain"
UNKNOWN = "unknown"
REFUSED = "refused"
STALE_EPOCH = "stale_epoch"
"""The code with which a device refuses a host that does not drive it any more."""
STATES = frozenset({RUNNING, DONE, FAILED, STOPPED, UNCERTAIN, UNKNOWN, REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFault:
    code: str
    message: str
    epoch: int = 0
    """Of the host that drives the device, with the code stale_epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """What a device says of itself when the link is made."""

    boot: str
    name: str = ""
    firmware: str = ""
    simulated: bool = False
    crc: bool = False
    max_line: int = LEAST_LINE
    beat_s: float = 0.5
    newest: int = PROTOCOL
    """The newest version that it speaks besides."""
    memory: str = ""
    """By what it tells whether it still knows the commands that it has begun."""
    begun: int = 0
    """Ids that it has ever remembered in this memory."""
    remembers: int = 0
    epoch: int = 0
    """Of the host that drives it; 0: it keeps none."""
    hold: bool = False
    position_survives_stop: bool = False
    query_while_busy: bool = False

    @property
    def told(self) -> Self:
        """What tells this device from others."""
        return Self(names=(self.name,) if self.name else (), whole=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedStep:
    n: int
    name: str
    detail: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question of the running command; `n` counts them."""

    n: int
    prompt: str
    schema: JsonObject
    timeout_s: float
    answered_by: str | None
    args: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Lines of a long parameter that the device has room for."""

    first: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a command stands: always the whole of it, so that one which was lost is no loss."""

    id: str
    state: str
    step: ReportedStep | None = None
    progress: float | None = None
    place: str | None = None
    tells_place: bool = False
    partial: JsonObject | None = None
    ask: Ask | None = None
    need: Need | None = None
    result: JsonObject = field(default_factory=dict)
    fault: DeviceFault | None = None
    refused: bool = False
    """Of an unknown one: it is not begun any more, whenever its request may come."""
    held: bool | None = None
    """None where it does not say."""
    held_because: str = ""
    values: LiveValues = field(default_factory=dict)

    @property
    def final(self) -> bool:
        return self.state != RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    boot: str
    running: str | None = None
    held: bool = False
    held_because: str = ""
    still_moving: bool = False
    planned_moves: int | None = None
    estop: bool = False
    position_known: bool = True
    place: str | None = None
    details: JsonObject = field(default_factory=dict)
    values: LiveValues = field(default_factory=dict)


def read_hello(ok: Mapping[str, Any]) -> Hello:
    """Raises BadLine, also for a protocol that is not spoken here."""
    protocol = ok.get("protocol")
    if protocol != PROTOCOL:
        raise BadLine(f"it speaks protocol {protocol!r}, this is {PROTOCOL}")
    can = object_of(ok, "can")
    return Hello(
        boot=text_of(ok, "boot"),
        name=maybe_text_of(ok, "name") or "",
        firmware=maybe_text_of(ok, "firmware") or "",
        simulated=flag_of(ok, "simulated"),
        crc=flag_of(ok, "crc"),
        max_line=min(MOST_LINE, max(LEAST_LINE, whole_of(ok, "max_line", LEAST_LINE))),
        beat_s=min(5.0, max(0.05, number_of(ok, "beat_s", 0.5))),
        newest=whole_of(ok, "newest", PROTOCOL),
        memory=maybe_text_of(ok, "memory") or "",
        begun=whole_of(ok, "begun", 0),
        remembers=whole_of(ok, "remembers", 0),
        epoch=whole_of(ok, "epoch", 0),
        hold=flag_of(can, "hold"),
        position_survives_stop=flag_of(can, "position_survives_stop"),
        query_while_busy=flag_of(can, "query_while_busy"),
    )


def read_status(ok: Mapping[str, Any]) -> Status:
    """Raises BadLine."""
    return Status(
        boot=text_of(ok, "boot"),
        running=maybe_text_of(ok, "running"),
        held=flag_of(ok, "held"),
        held_because=maybe_text_of(ok, "held_because") or "",
        still_moving=flag_of(ok, "still_moving"),
        planned_moves=whole_of(ok, "planned_moves", 0) if "planned_moves" in ok else None,
        estop=flag_of(ok, "estop"),
        position_known=flag_of(ok, "position_known", default=True),
        place=maybe_text_of(ok, "place"),
        details=object_of(ok, "details"),
        values=_values(ok),
    )


def _values(ok: Mapping[str, Any]) -> LiveValues:
    """A value that makes no sense is left out: the robot itself is none the worse for it."""
    told: dict[str, LiveValue] = {}
    values = ok.get("values")
    if not isinstance(values, Mapping):
        return told
    for name, written in list(values.items())[:MOST_VALUES]:
        fields = written if isinstance(written, Mapping) else {"value": written}
        normal = fields.get("normal")
        value = LiveValue(
            value=fields.get("value", math.nan),
            unit=fields.get("unit", ""),
            normal=tuple(normal) if isinstance(normal, list) else normal,
        )
        if not fault_of(name, value):
            told[name] = value
    return told


def read_report(message: Mapping[str, Any]) -> Report:
    """Raises BadLine."""
    state = text_of(message, "state")
    if state not in STATES:
        raise BadLine(f"no state {state!r}")
    progress = message.get("progress")
    return Report(
        id=text_of(message, "id"),
        state=state,
        step=_step(message.get("step")),
        progress=None if progress is None else number_of(message, "progress", 0.0),
        place=maybe_text_of(message, "place"),
        tells_place="place" in message,
        partial=object_of(message, "partial") if message.get("partial") is not None else None,
        ask=_ask(message.get("ask")),
        need=_need(message.get("need")),
        result=object_of(message, "result"),
        fault=read_fault(message["error"]) if "error" in message else None,
        refused=flag_of(message, "refused"),
        held=flag_of(message, "held") if "held" in message else None,
        held_because=maybe_text_of(message, "held_because") or "",
        values=_values(message),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """How a command stands by what the device has stored under its id."""

    memory: str
    begun: int
    report: Report


def read_run_status(ok: Mapping[str, Any]) -> RunStatus:
    """Raises BadLine."""
    run = ok.get("run")
    if not isinstance(run, Mapping):
        raise BadLine("the status says nothing of the command")
    return RunStatus(
        memory=text_of(ok, "memory"), begun=whole_of(ok, "begun", 0), report=read_report(run)
    )


def read_fault(value: object) -> DeviceFault:
    """Raises BadLine."""
    if not isinstance(value, Mapping):
        raise BadLine("an error is an object")
    code = value.get("code")
    known = isinstance(code, str) and _CODE.fullmatch(code)
    return DeviceFault(
        code=str(code) if known else "device_error",
        message=maybe_text_of(value, "message") or str(code),
        epoch=whole_of(value, "epoch", 0),
    )


def _step(value: object) -> ReportedStep | None:
    if not isinstance(value, Mapping):
        return None
    return ReportedStep(
        n=whole_of(value, "n", 0), name=text_of(value, "name"), detail=object_of(value, "detail")
    )


def _ask(value: object) -> Ask | None:
    if not isinstance(value, Mapping):
        return None
    return Ask(
        n=whole_of(value, "n", 0),
        prompt=text_of(value, "prompt"),
        schema=object_of(value, "schema"),
        timeout_s=min(86_400.0, max(1.0, number_of(value, "timeout_s", 300.0))),
        answered_by=maybe_text_of(value, "answered_by"),
        args=object_of(value, "args"),
    )


def _need(value: object) -> Need | None:
    if not isinstance(value, Mapping):
        return None
    return Need(first=whole_of(value, "from", 0), count=whole_of(value, "count", 1))
