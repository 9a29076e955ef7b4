"""From what the configuration says about a port to the name or URL to open now."""

from __future__ import annotations

from pathlib import Path

from serial.tools import list_ports

from robotq.drivers.base import LinkLost
from robotq.drivers.transport.options import PortOptions, UsbId

_PATTERN = frozenset("*?[")


def find_port(options: PortOptions) -> str:
    """The port as it is named at this moment: a device that was unplugged may come back under
    another name. Raises LinkLost where there is none, or more than one."""
    if options.usb is not None:
        return _by_usb(options.usb)
    port = options.port
    assert port is not None
    if "://" in port or not _PATTERN & set(port):
        return port
    return _only(_matching(Path(port)), f"fits {port}")


def _matching(pattern: Path) -> list[str]:
    try:
        relative = pattern.relative_to(pattern.anchor)
        return sorted(map(str, Path(pattern.anchor or ".").glob(str(relative))))
    except OSError as error:
        raise LinkLost(f"{pattern}: {error.strerror}") from error


def _by_usb(usb: UsbId) -> str:
    found = [
        port.device
        for port in list_ports.comports()
        if usb.vendor in (None, port.vid)
        and usb.product in (None, port.pid)
        and usb.serial_number in (None, port.serial_number)
    ]
    return _only(sorted(found), f"is a USB device with {usb}")


def _only(names: list[str], wanted: str) -> str:
    if not names:
        raise LinkLost(f"no port {wanted}")
    if len(names) > 1:
        raise LinkLost(f"more than one port {wanted}: {', '.join(names)}")
    return names[0]
