"""From what the configuration says about a port to the name or URL to open now."""

from __future__ import annotations

from pathlib import Path

from serial.tools import list_ports

from robotq.drivers.base import LinkLost, WrongDevice
from robotq.drivers.transport.options import PortOptions, UsbId
from robotq.drivers.transport.twins import (
    UsbPort,
    advice,
    port_named,
    says_where,
    twins_of,
    usb_ports,
)

_PATTERN = frozenset("*?[")


class Finder:
    """Finds one port again and again, and remembers in which socket its board was."""

    def __init__(self, options: PortOptions) -> None:
        self._options = options
        self._socket: str | None = None
        """Where a board was that nothing but its socket tells from others."""
        self._refused: str | None = None

    def find(self) -> str:
        """The port as it is named at this moment: a device that was unplugged may come back
        under another name.

        Raises LinkLost where there is none, or more than one, and WrongDevice where the name
        may mean another board than the one that is meant.
        """
        name = _named(self._options)
        if "://" not in name and self._options.identity is None:
            self._look(name)
        return name

    def accept(self) -> None:
        """Take the board that was refused last for its socket: a person has said so."""
        if self._refused is not None:
            self._socket, self._refused = self._refused, None

    def _look(self, name: str) -> None:
        options = self._options
        if says_where(name if options.port is None else options.port) or says_where(name):
            return
        ports = usb_ports()
        port = port_named(name, ports)
        if port is None:
            return
        others = twins_of(port, ports)
        if others:
            alike = ", ".join(sorted({each.device for each in (port, *others)}))
            raise WrongDevice(
                f"{options.port or options.usb} may be either of two boards: {alike} are both "
                f"{_what(port)}, and such names change places when a plug was pulled. "
                f"{advice(port)}",
                found=alike,
            )
        if port.serial_number or port.location is None:
            self._refused = None
            return
        if self._socket not in (None, port.location):
            self._refused = port.location
            raise WrongDevice(
                f"the board in USB socket {port.location} may be another machine: it is "
                f"{_what(port)}, and at the first connection the robot was in socket "
                f"{self._socket}. Plug it in there, or take it as it is by an emergency stop and "
                f"its reset, or by a restart of robotq. {advice(port)}",
                found=port.location,
                expected=str(self._socket),
            )
        self._socket, self._refused = port.location, None


def _what(port: UsbPort) -> str:
    serial = f"with serial number {port.serial_number}" if port.serial_number else (
        "without a serial number"
    )  # fmt: skip
    return f"{port.vid or 0:04x}:{port.pid or 0:04x} {serial}"


def _named(options: PortOptions) -> str:
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
