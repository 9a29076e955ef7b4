"""What a controller of the GRBL family says, line by line. Pure.

Sources: Grbl 1.1 interface and commands documentation (gnea/grbl, doc/markdown), and what
Grbl 1.1h, grblHAL 1.1f and FluidNC 4.0 were observed to send.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from robotq.drivers.identity import Self

_GREETING = re.compile(r"Grbl(HAL)? .*\[|.*'\$'.* for help\]", re.IGNORECASE)
"""Either half is enough: a start that is missed because of one damaged byte would let the rest of
a program be carried out from another position."""
_RESTING = frozenset({"Idle", "Check", "Alarm", "Sleep"})
_NUMBERS = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_STATE = re.compile(r"[A-Za-z]+(?::[0-9]{1,4})?")
_BLANKS = " \t\r\n\v\f"
"""Not every blank of every script: a damaged `ok` is none."""


@dataclass(frozen=True, slots=True)
class Ok:
    """A line was taken: read and planned, not carried out."""


@dataclass(frozen=True, slots=True)
class Error:
    """A line was refused; it has moved nothing."""

    number: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """Everything was stopped, and G-code is refused from now on."""

    number: int


@dataclass(frozen=True, slots=True)
class Greeting:
    """The controller has just started, or was reset: it has forgotten every line."""

    text: str

    @property
    def hal(self) -> bool:
        """It answers `?` also while it homes."""
        return self.text.lower().startswith("grblhal") or "'$HELP'" in self.text

    @property
    def firmware(self) -> str:
        """`Grbl 1.1h`, or `Grbl 4.0 FluidNC v4.0.5 (wifi)`."""
        head, _, inside = self.text.partition("[")
        return " ".join((head + inside.partition("'")[0]).split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A status report. What is None was not in it, and is as it was."""

    state: str
    """Idle, Run, Hold, Jog, Home, Alarm, Check, Door, Sleep, Tool."""
    substate: int | None = None
    machine_mm: tuple[float, ...] | None = None
    work_mm: tuple[float, ...] | None = None
    offset_mm: tuple[float, ...] | None = None
    feed: float | None = None
    pins: str = ""

    @property
    def held(self) -> bool:
        """It pauses until it is resumed. In Door:3 it was resumed, and what the door has switched
        off comes back before it moves."""
        return self.state in ("Hold", "Tool") or (self.state == "Door" and self.substate != 3)

    @property
    def ajar(self) -> bool:
        """The door is open: it cannot be resumed."""
        return self.state == "Door" and self.substate == 1

    @property
    def rests(self) -> bool:
        """Nothing moves, and nothing will by itself. Hold and Door count down to 0 while it
        slows down; Door:1 stands too, with the door still open."""
        if self.state == "Door":
            return self.substate in (0, 1)
        return self.state in _RESTING or (self.state == "Hold" and self.substate == 0)


@dataclass(frozen=True, slots=True)
class Told:
    """Anything in brackets, settings, or text: belongs to no line in particular."""

    text: str


Said: TypeAlias = Ok | Error | Alarm | Greeting | Status | Told


_OK = Ok()


def parse(line: bytes) -> Said:
    """What a line of the controller means; whatever is not known is Told."""
    if line == b"ok":
        return _OK
    text = line.decode("utf-8", "replace").strip(_BLANKS)
    if text == "ok":
        return Ok()
    if text.startswith("<"):
        return _status(text) or Told(text)
    kind, _, number = text.partition(":")
    if number.isascii() and number.isdigit() and len(number) <= 4:
        if kind == "error":
            return Error(int(number))
        if kind == "ALARM":
            return Alarm(int(number))
    if _GREETING.match(text):
        return Greeting(text)
    return Told(text)


def _status(text: str) -> Status | None:
    if not text.endswith(">"):
        return None
    state, *fields = text[1:-1].split("|")
    name, _, sub = state.partition(":")
    if not _STATE.fullmatch(state):
        return None
    found: dict[str, str] = {}
    for each in fields:
        key, colon, value = each.partition(":")
        if not colon:
            return None
        found[key] = value
    try:
        return Status(
            state=name,
            substate=int(sub) if sub else None,
            machine_mm=_point(found.get("MPos")),
            work_mm=_point(found.get("WPos")),
            offset_mm=_point(found.get("WCO")),
            feed=_feed(found),
            pins=found.get("Pn", ""),
        )
    except ValueError:
        # bytes were lost or changed on the way
        return None


def _point(text: str | None) -> tuple[float, ...] | None:
    return None if text is None else tuple(_number(part) for part in text.split(","))


def _feed(found: Mapping[str, str]) -> float | None:
    text = found.get("FS") or found.get("F")
    return None if text is None else _number(text.split(",")[0])


def _number(text: str) -> float:
    # float() would take `1_0` and `nan` too
    if not _NUMBERS.fullmatch(text):
        raise ValueError(text)
    return float(text)


_WHO = ("VER", "FIRMWARE", "BOARD")


@dataclass(slots=True)
class Identity:
    """What the controller says of itself when asked with `$I`."""

    firmware: str = ""
    lines: dict[str, str] = field(default_factory=dict)

    def take(self, text: str) -> None:
        """Take one line of its answer; others do nothing."""
        found = re.fullmatch(r"\[(VER|OPT|FIRMWARE|BOARD):(.*)\]", text)
        if found:
            self.lines[found[1]] = found[2]

    @property
    def told(self) -> Self:
        """What tells this controller from others: its version, and the name that `$I=` gives."""
        version = self.lines.get("VER", "")
        name = version.partition(":")[2].strip()
        lines = [f"[{key}:{self.lines[key]}]" for key in _WHO if key in self.lines]
        names = (name, version, f"[VER:{version}]") if name else ()
        return Self(names=names, whole=" ".join(lines))

    @property
    def planner_blocks(self) -> int | None:
        """Motions that it keeps ahead. None where it does not say."""
        parts = self.lines.get("OPT", "").split(",")
        if len(parts) >= 2 and re.fullmatch("[0-9]{1,4}", parts[1]):
            return int(parts[1])
        return None

    @property
    def receive_bytes(self) -> int:
        """Bytes that may be on their way at once. 127 where it does not say."""
        parts = self.lines.get("OPT", "").split(",")
        if (
            len(parts) >= 3
            and re.fullmatch("[0-9]{2,5}", parts[2])
            and 32 <= int(parts[2]) <= 65_536
        ):
            # one byte of a ring always stays free
            return int(parts[2]) - 1
        return 127
