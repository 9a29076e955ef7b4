"""What a device says, read with care: it is another program, and the wire may have changed it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from robotq.drivers.identity import Self
from robotq.drivers.jsonline.wire import LEAST_LINE, MOST_LINE, PROTOCOL, BadLine
from robotq.model.carried.live_value import MOST_VALUES, LiveValue, LiveValues, fault_of
from robotq.model.json import JsonObject

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TEXT = 2_000
"""Characters of a text that are kept."""

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
    can = _object(ok, "can")
    return Hello(
        boot=_text(ok, "boot"),
        name=_optional_text(ok, "name") or "",
        firmware=_optional_text(ok, "firmware") or "",
        simulated=_flag(ok, "simulated"),
        crc=_flag(ok, "crc"),
        max_line=min(MOST_LINE, max(LEAST_LINE, _whole(ok, "max_line", LEAST_LINE))),
        beat_s=min(5.0, max(0.05, _number(ok, "beat_s", 0.5))),
        newest=_whole(ok, "newest", PROTOCOL),
        memory=_optional_text(ok, "memory") or "",
        begun=_whole(ok, "begun", 0),
        remembers=_whole(ok, "remembers", 0),
        epoch=_whole(ok, "epoch", 0),
        hold=_flag(can, "hold"),
        position_survives_stop=_flag(can, "position_survives_stop"),
        query_while_busy=_flag(can, "query_while_busy"),
    )


def read_status(ok: Mapping[str, Any]) -> Status:
    """Raises BadLine."""
    return Status(
        boot=_text(ok, "boot"),
        running=_optional_text(ok, "running"),
        held=_flag(ok, "held"),
        held_because=_optional_text(ok, "held_because") or "",
        still_moving=_flag(ok, "still_moving"),
        planned_moves=_whole(ok, "planned_moves", 0) if "planned_moves" in ok else None,
        estop=_flag(ok, "estop"),
        position_known=_flag(ok, "position_known", default=True),
        place=_optional_text(ok, "place"),
        details=_object(ok, "details"),
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
    state = _text(message, "state")
    if state not in STATES:
        raise BadLine(f"no state {state!r}")
    progress = message.get("progress")
    return Report(
        id=_text(message, "id"),
        state=state,
        step=_step(message.get("step")),
        progress=None if progress is None else _number(message, "progress", 0.0),
        place=_optional_text(message, "place"),
        tells_place="place" in message,
        partial=_object(message, "partial") if message.get("partial") is not None else None,
        ask=_ask(message.get("ask")),
        need=_need(message.get("need")),
        result=_object(message, "result"),
        fault=read_fault(message["error"]) if "error" in message else None,
        refused=_flag(message, "refused"),
        held=_flag(message, "held") if "held" in message else None,
        held_because=_optional_text(message, "held_because") or "",
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
        memory=_text(ok, "memory"), begun=_whole(ok, "begun", 0), report=read_report(run)
    )


def read_fault(value: object) -> DeviceFault:
    """Raises BadLine."""
    if not isinstance(value, Mapping):
        raise BadLine("an error is an object")
    code = value.get("code")
    known = isinstance(code, str) and _CODE.fullmatch(code)
    return DeviceFault(
        code=str(code) if known else "device_error",
        message=_optional_text(value, "message") or str(code),
        epoch=_whole(value, "epoch", 0),
    )


def _step(value: object) -> ReportedStep | None:
    if not isinstance(value, Mapping):
        return None
    return ReportedStep(
        n=_whole(value, "n", 0), name=_text(value, "name"), detail=_object(value, "detail")
    )


def _ask(value: object) -> Ask | None:
    if not isinstance(value, Mapping):
        return None
    return Ask(
        n=_whole(value, "n", 0),
        prompt=_text(value, "prompt"),
        schema=_object(value, "schema"),
        timeout_s=min(86_400.0, max(1.0, _number(value, "timeout_s", 300.0))),
        answered_by=_optional_text(value, "answered_by"),
        args=_object(value, "args"),
    )


def _need(value: object) -> Need | None:
    if not isinstance(value, Mapping):
        return None
    return Need(first=_whole(value, "from", 0), count=_whole(value, "count", 1))


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value:
        raise BadLine(f"{key} is no text")
    return value[:_TEXT]


def _optional_text(values: Mapping[str, Any], key: str) -> str | None:
    return None if values.get(key) in (None, "") else _text(values, key)


def _flag(values: Mapping[str, Any], key: str, *, default: bool = False) -> bool:
    value = values.get(key, default)
    if not isinstance(value, bool):
        raise BadLine(f"{key} is neither true nor false")
    return value


def _whole(values: Mapping[str, Any], key: str, default: int) -> int:
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadLine(f"{key} is no whole number")
    return value


def _number(values: Mapping[str, Any], key: str, default: float) -> float:
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadLine(f"{key} is no number")
    return float(value)


def _object(values: Mapping[str, Any], key: str) -> JsonObject:
    value = values.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadLine(f"{key} is no object")
    return value
