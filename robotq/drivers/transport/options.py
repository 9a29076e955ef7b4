"""Which port a driver speaks on, and how: the part of `options` that all serial drivers share.

- `port`: a name (`/dev/ttyUSB0`, `COM3`), a pattern that one name fits
  (`/dev/serial/by-id/usb-Arduino*`), or a URL of pyserial (`socket://10.0.0.5:7000`,
  `rfc2217://…`, `loop://`).
- `usb`: instead of `port`, the device by what it says of itself: `vendor` and `product`, four
  hexadecimal digits in quotes as `lsusb` shows them, and `serial_number`; at least one of them.
- `replay`: instead of both, a recording: the driver runs against it and not against a machine.
- `identity`: what the robot says of itself, for drivers that can ask it. Without it, a port whose
  name may come to mean another board of the same kind is not opened while there is one.
- `baud` (115200), `data_bits` (8), `parity` (none, even, odd), `stop_bits` (1 or 2), `flow`
  (none, rtscts, xonxoff).
- `dtr`, `rts` (true): the levels that the port is opened with.
- `record`: a file that every byte in both directions is added to, with its time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from robotq.drivers.reading import Section

_HEX = re.compile(r"[0-9a-fA-F]{4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbId:
    """What a USB device says of itself; None fits any."""

    vendor: int | None = None
    product: int | None = None
    serial_number: str | None = None

    def __str__(self) -> str:
        parts = {
            "vendor": None if self.vendor is None else f"{self.vendor:04x}",
            "product": None if self.product is None else f"{self.product:04x}",
            "serial number": self.serial_number,
        }
        return ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortOptions:
    """Exactly one of `port`, `usb` and `replay` is given."""

    port: str | None = None
    usb: UsbId | None = None
    replay: Path | None = None
    identity: str | None = None
    baud: int = 115_200
    data_bits: int = 8
    parity: str = "none"
    stop_bits: int = 1
    flow: str = "none"
    dtr: bool = True
    rts: bool = True
    record: Path | None = None


def read_port_options(
    section: Section, *, baud: int = 115_200, tells_identity: bool = False
) -> PortOptions:
    """The port of a driver whose options are `section`; leaves `section.end()` to the driver.

    `baud` is the driver's default; `tells_identity`: the driver asks the device who it is, and
    compares that with `identity`. Raises ConfigError.
    """
    given = [key for key in ("port", "usb", "replay") if key in section.names()]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        section.refuse("port", f"expected one of port, usb and replay, found {found}")
    replay = section.optional_text("replay")
    record = section.optional_text("record")
    return PortOptions(
        port=section.optional_text("port"),
        usb=_usb(section.section("usb")) if "usb" in given else None,
        replay=None if replay is None else Path(replay),
        identity=section.optional_text("identity") if tells_identity else None,
        baud=section.whole("baud", least=50, default=baud),
        data_bits=section.whole("data_bits", least=7, most=8, default=8),
        parity=section.text("parity", of=("none", "even", "odd"), default="none"),
        stop_bits=section.whole("stop_bits", least=1, most=2, default=1),
        flow=section.text("flow", of=("none", "rtscts", "xonxoff"), default="none"),
        dtr=section.flag("dtr", default=True),
        rts=section.flag("rts", default=True),
        record=None if record is None else Path(record),
    )


def _usb(section: Section) -> UsbId:
    usb = UsbId(
        vendor=_hex(section, "vendor"),
        product=_hex(section, "product"),
        serial_number=section.optional_text("serial_number"),
    )
    section.end()
    if usb == UsbId():
        section.refuse("vendor", "expected a vendor, a product or a serial_number")
    return usb


def _hex(section: Section, key: str) -> int | None:
    if key not in section.names():
        return None
    text = section.text(key)
    if not _HEX.fullmatch(text):
        section.refuse(key, f'found {text!r}, expected four hexadecimal digits, like "2341"')
    return int(text, 16)
