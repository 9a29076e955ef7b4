"""Every key of a device that answers a line: what stands in its file, or under `options` of its
robot. Only the shapes; `robotq.drivers.line` says what they mean together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from robotq.config.device_params import STRICT, DeviceCommand, DeviceParam, Type
from robotq.config.shaped import Shaped
from robotq.config.strict_yaml import KeyPath


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LineEnds:
    send: str = Field(default="\r\n", min_length=1, max_length=4)
    """Ends a line that is sent."""
    receive: str = Field(default="\n", min_length=1, max_length=4)
    """Ends a line of the device. Blanks, CR and LF around a line mean nothing."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LineFrame:
    send: str = "{line}"
    """What is sent for a line: `{line}`, and `{address}`, `{id}`, `{checksum}` where the device
    wants them."""
    receive: str = "(?P<line>.*)"
    """A regular expression for a whole line of the device, whose group `line` is what it says;
    with `{address}` and `{id}` as above, and a group `checksum`. A line that it does not fit is
    for somebody else."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LineChecksum:
    algorithm: Literal["xor", "sum", "lrc", "crc8", "crc16-modbus", "crc16-ccitt", "crc16-xmodem"]
    """sum: modulo 256. lrc: its two's complement. crc8: polynomial 07. crc16-ccitt: begins with
    ffff; crc16-xmodem: with 0."""
    written: Literal["hex", "hex_lower", "decimal"] = "hex"
    """How it stands in the line."""
    skip: int = Field(default=0, ge=0, le=64)
    """Characters at the front that do not count."""
    mark: str = Field(default="", max_length=8)
    """Characters before the checksum that do not count, such as `*`."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LineQuestion:
    """One line, and its answer."""

    send: str | None = None
    """The line, with `{expressions}` of `params`, `values` and what was answered before."""
    expect: str | None = None
    """A regular expression for the whole answer; its named groups become the result, those that
    begin with `_` do not. None: the device says nothing."""
    types: Mapping[str, Type] = field(default_factory=dict)
    """Group -> what it is; a text if it is not named. A number that is none is an error."""
    error: Mapping[str, str] = field(default_factory=dict)
    """Regular expression for a whole answer -> what it means: the command has failed."""
    busy: list[str] = field(default_factory=list)
    """Answers with which the device refuses for now; the line is sent again."""
    pending: list[str] = field(default_factory=list)
    """Answers that say that it has begun; the one that counts comes later."""
    check: str | None = None
    """An expression that must be true for what was answered."""
    otherwise: str | None = None
    """What it means where `check` is not true."""
    answer_s: float | None = Field(default=None, gt=0, le=3_600)
    """Seconds in which the answer comes. None: that of the device."""
    reads: bool = False
    """The line only asks: it moves and changes nothing."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LinePoll(LineQuestion):
    """A question that is asked again and again until the device is done. It only reads."""

    until: str | None = None
    """A regular expression for the whole answer of a device that is done."""
    reached: str | None = None
    """The same as an expression over what was answered. Exactly one of the two."""
    progress: str | None = None
    """An expression from 0 to 1: how far the command is."""
    every_s: float = Field(default=0.2, ge=0.01, le=3_600)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LineExchange(LineQuestion):
    """A line that is sent, its answer, and what is waited for then."""

    poll: LinePoll | None = None
    step: str | None = None
    """A name that clients see while it lasts."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LineCommand(LineExchange, DeviceCommand):
    """One exchange, or several under `do`."""

    do: list[LineExchange] = field(default_factory=list)
    result: Mapping[str, str] = field(default_factory=dict)
    """Name -> expression: entries of the result that are calculated."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LineResync:
    send: str | None = None
    """A question that only reads, and whose answer is like no other one. None: that of `who`."""
    expect: str | None = None
    quiet_s: float = Field(default=0.1, gt=0, le=60)
    """A pause of this length ends what still comes."""
    wait_s: float = Field(default=5, gt=0, le=600)
    """Seconds in which an answer that is late still comes. After that the link is opened
    anew."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LineErrors:
    """A queue of errors in the device."""

    send: str
    none: str
    """A regular expression for the whole answer of an empty queue."""
    most: int = Field(default=20, ge=1, le=1_000)
    """Errors that are read after one command."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LineLimits:
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LineDevice:
    about: str = ""
    """What the file is for."""
    link: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the port that the device wants, such as `baud`; those of the robot go before."""
    ends: LineEnds = field(default_factory=LineEnds)
    encoding: Literal["ascii", "latin-1", "utf-8"] = "ascii"
    address: str = Field(default="", max_length=64)
    """Which of several devices on one wire it is; stands in `frame`."""
    frame: LineFrame = field(default_factory=LineFrame)
    checksum: LineChecksum | None = None
    echo: bool = False
    """The device sends back each line that it gets, before its answer."""
    answer_s: float = Field(default=2, gt=0, le=3_600)
    """Seconds in which an answer comes, where nothing else is said."""
    gap_s: float = Field(default=0, ge=0, le=10)
    """Shortest pause between an answer and the next line."""
    busy_s: float = Field(default=0.5, gt=0, le=60)
    """Seconds until a line that met a busy device is sent again."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Constants by name, for expressions: numbers, texts, tables."""
    types: Mapping[str, Type] = field(default_factory=dict)
    """Group -> what it is, for all commands."""
    error: Mapping[str, str] = field(default_factory=dict)
    """Answers that mean an error, in all commands."""
    ignore: list[str] = field(default_factory=list)
    """Lines that the device sends unasked, and that mean nothing here."""
    restarted: str | None = None
    """What the device says when it was switched on. The link is then made anew."""
    who: LineQuestion | None = None
    """Asks the device who it is, at each connection; its groups are what `identity` of the robot
    may be."""
    start: list[LineExchange] = field(default_factory=list)
    """Lines that are sent at each connection. They move nothing."""
    resync: LineResync = field(default_factory=LineResync)
    error_query: LineErrors | None = None
    """Asked after each command; errors in it mean that the command has failed."""
    safe_state: list[LineExchange] | None = None
    """Lines that bring the device to rest: sent at a stop, a cancel, an emergency stop. May come
    twice. `[]`: there is nothing that would have to stop."""
    commands: Mapping[str, LineCommand] = field(default_factory=dict)
    limits: Mapping[str, LineLimits] = field(default_factory=dict)
    """Parameter -> tighter bounds, in every command that has it."""


def _below(path: KeyPath) -> Any:
    """The dataclass whose keys may stand at `path`."""
    last = next((part for part in reversed(path) if isinstance(part, str)), "")
    kinds: Mapping[str, Any] = {
        "": LineDevice,
        "ends": LineEnds,
        "frame": LineFrame,
        "checksum": LineChecksum,
        "who": LineQuestion,
        "start": LineExchange,
        "safe_state": LineExchange,
        "do": LineExchange,
        "poll": LinePoll,
        "resync": LineResync,
        "error_query": LineErrors,
    }
    above = path[-2] if len(path) > 1 else ""
    if above == "params":
        return DeviceParam
    if above == "limits":
        return LineLimits
    return kinds.get(last, LineCommand)


_DEVICE = Shaped(LineDevice, _below)

KEYS = _DEVICE.keys
"""All keys of a device."""


def read_device(value: Mapping[str, Any]) -> LineDevice | list[tuple[KeyPath, str]]:
    """The device; or every fault, with its place, where it is none."""
    return _DEVICE.read(value)
