"""What Marlin and its relatives say, line by line, and how a line to them is framed. Pure.

Sources: Marlin's documentation of its G-codes and host protocol, and what Marlin 2.1.2 was
observed to send.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import TypeAlias

from robotq.drivers.identity import Self

_BLANKS = " \t\r\n\v\f"
"""Not every blank of every script: a damaged `ok` is none."""
_OK = re.compile(r"ok(?:\s+(.*))?", re.ASCII)
_OK_NUMBER = re.compile(r"\bN([0-9]+)\b", re.ASCII)
_RESEND = re.compile(r"(?:Resend|rs)\s*:?\s*N?(\d+)", re.IGNORECASE | re.ASCII)
_WIRE = re.compile(r"checksum|line number", re.IGNORECASE | re.ASCII)
_LAST = re.compile(r"Last Line:\s*(\d+)", re.IGNORECASE | re.ASCII)
_HALTED = re.compile(r"halted|kill\(\)", re.IGNORECASE | re.ASCII)
_SHUTDOWN = re.compile(r"echo:\s*M112 Shutdown", re.IGNORECASE | re.ASCII)
_STARTED = re.compile(
    r"\W*start|\W*PowerUp|\W*(?:External|Brown out|Watchdog|Software) Reset|"
    r"(?:echo:)?\s*Marlin \S+",
    re.ASCII,
)
"""A reset is told in several lines; what a board says first is often damaged."""
_UNKNOWN = re.compile(r'echo:\s*Unknown command:\s*"?(.*?)"?', re.ASCII)
_COMMAND = re.compile(r"[GMT][0-9][^*]*")
_NOT_DONE = re.compile(
    r"echo:\s*(?:Home [A-Z/ ]+ First|endstops hit|cold extrusion|too long extrusion|"
    r"Probing Failed|T[0-9]+ Invalid extruder)|(?:Error:\s*)?Printer stopped due to errors",
    re.IGNORECASE | re.ASCII,
)
_BUSY = re.compile(r"(?:echo:\s*)?busy:", re.IGNORECASE | re.ASCII)
_PAUSED = re.compile(r"(?:echo:\s*)?busy:\s*paused for (?:user|input)", re.IGNORECASE | re.ASCII)
_CHATTER = re.compile(r"wait|//.*|(?:T[0-9]*|B):(?!.*\bW:).*")
_POSITION = re.compile(r"X:\s*(-?[0-9.]+)\s+Y:\s*(-?[0-9.]+)(?:\s+Z:\s*(-?[0-9.]+))?", re.ASCII)
_TEMPERATURES = re.compile(r"(?:T[0-9]?|B):\s*-?[0-9]", re.ASCII)
_TEMPERATURE = re.compile(r"\b(T[0-9]?|B|C):\s*(-?[0-9]{1,4}(?:\.[0-9]{1,4})?)(?=[ /]|$)", re.ASCII)
_WHO = ("FIRMWARE_NAME", "MACHINE_TYPE", "MACHINE_NAME", "UUID")
_FIELD = re.compile(r"\b([A-Z_]{4,}):(.*?)(?=\s[A-Z_]{4,}:|$)", re.ASCII)
_CAPABILITY = re.compile(r"Cap:([A-Z0-9_]+):([01])")


@dataclass(frozen=True, slots=True)
class Ok:
    """A line was read, and carried out or planned."""

    rest: str = ""
    number: int | None = None
    """The line that it belongs to, where the firmware says it."""


@dataclass(frozen=True, slots=True)
class Resend:
    """This line arrived damaged or not at all; it wants it, and all that follow, again. Once
    with the reason and once without, each followed by the next; the last one by an `ok`."""

    number: int | None
    """None where it does not say."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It knows no such command; an `ok` follows. Also where it takes what has arrived of a line
    for a whole one."""

    command: str
    text: str

    @property
    def damaged(self) -> bool:
        """No line of ours looks like this: it cuts number and checksum off."""
        return _COMMAND.fullmatch(self.command) is None


@dataclass(frozen=True, slots=True)
class Chatter:
    """It says so by itself, and it means nothing for the lines that are on their way."""

    text: str


@dataclass(frozen=True, slots=True)
class Busy:
    """A command takes its time."""


@dataclass(frozen=True, slots=True)
class Paused:
    """It waits until a person presses its button, or M108 comes; said every two seconds."""


@dataclass(frozen=True, slots=True)
class Started:
    """The controller has started anew; it has forgotten every line, and where it stands."""


@dataclass(frozen=True, slots=True)
class Halted:
    """It has stopped everything, and answers nothing until it is restarted."""

    text: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """A command was not understood, or could not be carried out; an `ok` follows all the same."""

    text: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where the last command that was planned leads to, not where the tool is."""

    point: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """Anything else."""

    text: str


Said: TypeAlias = (
    Ok | Resend | Unknown | Busy | Paused | Started | Halted | Complaint | Position | Chatter | Told
)


_OK_ALONE = Ok()


def parse(line: bytes) -> Said:
    """What a line of the controller means."""
    if line == b"ok":
        return _OK_ALONE
    text = line.decode("utf-8", "replace").strip(_BLANKS)
    if found := _OK.fullmatch(text):
        rest = found[1] or ""
        number = _OK_NUMBER.search(rest)
        return Ok(rest, int(number[1]) if number else None)
    if _STARTED.fullmatch(text):
        return Started()
    if _PAUSED.match(text):
        return Paused()
    if _BUSY.match(text):
        return Busy()
    if found := _RESEND.fullmatch(text):
        return Resend(int(found[1]))
    if _NOT_DONE.match(text):
        return Complaint(text)
    if text.startswith(("Error:", "!!")) or _SHUTDOWN.match(text):
        return _error(text)
    if found := _UNKNOWN.fullmatch(text):
        return Unknown(found[1].strip(), text)
    if _CHATTER.fullmatch(text):
        return Chatter(text)
    position = position_in(text)
    return Told(text) if position is None else position


def _error(text: str) -> Said:
    if _HALTED.search(text) or _SHUTDOWN.match(text):
        return Halted(text.removeprefix("Error:").removeprefix("echo:").strip())
    if not _WIRE.search(text):
        return Complaint(text)
    # a line that did not arrive whole is asked for again; nothing is wrong with the robot
    last = _LAST.search(text)
    return Resend(int(last[1]) + 1 if last else None)


def position_in(text: str) -> Position | None:
    """The position that a text begins with."""
    found = _POSITION.match(text)
    try:
        return Position(tuple(float(part) for part in found.groups() if part)) if found else None
    except ValueError:
        return None


def temperatures_in(text: str) -> dict[str, float]:
    """What a report of M105, or of a heater that heats, says: `T:205.1 /210.0 B:60.0 /60.0 @:64`.
    Empty for every other text."""
    if not _TEMPERATURES.match(text):
        return {}
    try:
        return {name: float(degrees) for name, degrees in _TEMPERATURE.findall(text)}
    except ValueError:
        return {}


def capability_in(text: str) -> tuple[str, bool] | None:
    """What a line of the answer to M115 says that the firmware can or cannot do."""
    found = _CAPABILITY.fullmatch(text)
    return (found[1], found[2] == "1") if found else None


def self_in(text: str) -> Self:
    """What the answer to M115 says that tells this controller from others. Builds that were not
    given a UUID of their own all have the same one."""
    found = dict(_FIELD.findall(text))
    fields = {key: found[key].strip() for key in _WHO if key in found}
    names = [fields.get(key, "") for key in ("UUID", "MACHINE_TYPE", "MACHINE_NAME")]
    return Self(
        names=tuple(filter(None, names)),
        whole=" ".join(f"{key}:{value}" for key, value in fields.items()),
    )


def framed(number: int, text: str) -> bytes:
    """A line with number and checksum, which is the XOR of all bytes before the asterisk."""
    body = f"N{number} {text}".encode("ascii")
    return b"%b*%d\n" % (body, reduce(xor, body))
