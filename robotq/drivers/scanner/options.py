"""The options under `scanner`. See docs/drivers/scanner.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from robotq.drivers.reading import Section
from robotq.drivers.scanner.camera.options import CameraOptions, read_camera_options
from robotq.drivers.scanner.hid.options import KEYBOARDS, HidOptions
from robotq.drivers.transport import PortOptions, read_port_options

NO_READ = (r"NO[ _-]?READ", "ERROR", r"\x15", r"\x18")
"""What scanners send in place of a code, as their makers deliver them."""

_PROBE = "Aa0 ~"
_CONNECTIONS = ("socket://", "rfc2217://")
_TCP = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:/?#\[\]\s]+):(?P<port>[0-9]{1,5})", re.ASCII)
_MOST_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOptions:
    """How a code is taken out of what the scanner sends."""

    end: bytes | None = None
    """Ends a code. None: CR, LF or both, as it comes; empty: nothing but the pause."""
    prefix: re.Pattern[bytes] | None = None
    suffix: re.Pattern[bytes] | None = None
    strip: int = 0
    """Characters in front that are not part of the code, behind the prefix."""
    encoding: str = "utf-8"
    no_read: tuple[re.Pattern[str], ...] = tuple(re.compile(p, re.IGNORECASE) for p in NO_READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoOptions:
    """How it is asked who it is."""

    ask: bytes
    says: re.Pattern[bytes]
    """Finds it in the answer: its first group, or all of it."""
    identity: str | None
    """What it has to be. None: what it says at the first connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerOptions:
    port: PortOptions
    hid: HidOptions | None = None
    """The scanner is a keyboard; `port` names it only."""
    camera: CameraOptions | None = None
    """It is a camera; `port` names it only."""
    who: WhoOptions | None = None
    wait_s: float = 0.0
    """So long a command waits for a scanner that is not there, before anything moves."""
    trigger: bytes = b""
    """Makes it read. Empty: it reads by itself."""
    untrigger: bytes = b""
    """Ends an attempt in which it read nothing."""
    code: CodeOptions = CodeOptions()
    gap_s: float = 0.1
    """A pause of this length ends whatever has been sent."""
    not_again_s: float = 1.0
    """The code that was given last counts as a repetition until it has been away so long."""
    late_s: float = 1.0
    """After a read without a code, nothing that comes within this time is anybody's code."""


def read_scanner_options(section: Section) -> ScannerOptions | None:
    """The options under `scanner`; None without them. Raises ConfigError."""
    if "scanner" not in section.names():
        # so that it is among the known keys
        section.optional_text("scanner")
        return None
    own = section.section("scanner")
    if own.text("kind", of=("camera", "scanner"), default="scanner") == "camera":
        return _camera(own)
    end = own.optional_text("end", empty=True)
    hid = _hid(own)
    port = _port(own) if hid is None else PortOptions(port=hid.device)
    connection = port.port is not None and port.port.startswith(_CONNECTIONS)
    read = ScannerOptions(
        port=port,
        hid=hid,
        who=_who(own),
        wait_s=own.number("wait_s", least=0, default=0.0),
        trigger=_bytes(own, "trigger"),
        untrigger=_bytes(own, "untrigger"),
        code=CodeOptions(
            end=None if end is None else _bytes(own, "end"),
            prefix=_pattern(own, "prefix"),
            suffix=_pattern(own, "suffix"),
            strip=own.whole("strip", default=0, most=64),
            encoding=_encoding(own),
            no_read=_no_read(own),
        ),
        # a packet that is sent again is 0.2 s late
        gap_s=own.number("gap_s", least=0.01, default=0.5 if connection else 0.1),
        not_again_s=own.number("not_again_s", least=0, default=1.0),
        late_s=own.number("late_s", least=0, default=1.0),
    )
    own.end()
    if (connection or hid) and read.code.end == b"" and read.code.suffix is None:
        own.refuse(
            "end",
            "over a connection or from a keyboard a pause may stand in a code: have something end "
            "it, or `suffix`",
        )
    return read


def _camera(own: Section) -> ScannerOptions:
    encoding = _encoding(own)
    camera = read_camera_options(own, encoding)
    read = ScannerOptions(
        port=PortOptions(port=camera.where),
        camera=camera,
        code=CodeOptions(encoding=encoding),
        wait_s=own.number("wait_s", least=0, default=0.0),
        not_again_s=own.number("not_again_s", least=0, default=1.0),
    )
    own.end()
    return read


_NOT_FOR_KEYBOARDS = ("tcp", "port", "usb", "replay", "trigger", "untrigger", "who", "encoding")


def _hid(own: Section) -> HidOptions | None:
    device = own.optional_text("hid")
    if device is None:
        for key in ("keyboard", "shift"):
            if key in own.names():
                own.refuse(key, "set `hid` to the keyboard that the scanner is")
            # so that it is among the known keys
            own.optional_text(key)
        return None
    for key in _NOT_FOR_KEYBOARDS:
        if key in own.names():
            own.refuse(key, "a scanner with `hid` is a keyboard, which has none and takes none")
    if not device.startswith("/"):
        own.refuse("hid", f"found {device!r}, expected a file of /dev/input/by-id")
    return HidOptions(
        device=device,
        keyboard=own.text("keyboard", of=KEYBOARDS, default="us"),
        shift=own.text("shift", of=("each", "held"), default="each"),
    )


def _port(own: Section) -> PortOptions:
    if "tcp" not in own.names():
        own.optional_text("tcp")
        return read_port_options(own, baud=9_600)
    text = own.text("tcp")
    found = _TCP.fullmatch(text)
    if found is None or not 0 < int(found["port"]) <= _MOST_PORT:
        own.refuse("tcp", f"found {text!r}, expected host:port, like 10.0.0.5:2112")
    others = [key for key in ("port", "usb", "replay") if key in own.names()]
    if others:
        own.refuse("tcp", f"expected one of tcp, port, usb and replay, found {others[0]} too")
    record = own.optional_text("record")
    return PortOptions(port=f"socket://{text}", record=None if record is None else Path(record))


def _who(own: Section) -> WhoOptions | None:
    identity = own.optional_text("identity")
    ask = _bytes(own, "who")
    says = _pattern(own, "says")
    if not ask:
        for key in ("identity", "says"):
            if key in own.names():
                own.refuse(key, "set `who` to what asks it for that")
        return None
    return WhoOptions(
        ask=ask, says=says or re.compile(rb"[^\s\x00-\x1f][^\x00-\x1f]*"), identity=identity
    )


def _bytes(section: Section, key: str) -> bytes:
    text = section.optional_text(key, empty=True) or ""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        section.refuse(key, "expected characters up to \\xff")


def _pattern(section: Section, key: str) -> re.Pattern[bytes] | None:
    """A pattern for bytes: what stands around a code may be no text at all."""
    source = _bytes(section, key)
    if not source:
        return None
    try:
        return re.compile(source, re.DOTALL)
    except re.error as error:
        section.refuse(key, f"is no regular expression: {error}")


def _no_read(section: Section) -> tuple[re.Pattern[str], ...]:
    read = []
    for source in section.texts("no_read", default=NO_READ):
        try:
            read.append(re.compile(source, re.IGNORECASE))
        except re.error as error:
            section.refuse("no_read", f"{source!r} is no regular expression: {error}")
    return tuple(read)


def _encoding(section: Section) -> str:
    name = section.text("encoding", default="utf-8")
    try:
        # one byte each: the others put marks in front that belong to no code
        plain = _PROBE.encode(name).decode(name) == _PROBE and len("A".encode(name)) == 1
    except (LookupError, UnicodeError, ValueError):
        plain = False
    if not plain:
        section.refuse("encoding", f"found {name!r}, expected one like utf-8, latin-1, shift_jis")
    return name
