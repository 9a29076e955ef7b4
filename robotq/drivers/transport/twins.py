"""Whether the name of a port says which board it is.

Two boards with the same USB bridge and no serial number have the same name in
/dev/serial/by-id, and ttyUSB0 is whichever came first. After a plug was pulled such a name may
be that of the other one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from serial.tools import list_ports

BY_PATH = Path("/dev/serial/by-path")


class UsbPort(Protocol):
    """What pyserial tells of a port."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    location: str | None


def usb_ports() -> list[UsbPort]:
    """The ports of this machine that are USB devices."""
    return [port for port in list_ports.comports() if port.vid is not None]


def port_named(name: str, ports: Iterable[UsbPort]) -> UsbPort | None:
    """The one that a name stands for at this moment."""
    real = os.path.realpath(name)
    return next((port for port in ports if os.path.realpath(port.device) == real), None)


def says_where(name: str) -> bool:
    """The name stands for a socket of this machine, whatever is plugged in there."""
    # elsewhere the system names a board without a serial number by its socket
    return Path(name).parent.name == "by-path" or sys.platform != "linux"


def twins_of(port: UsbPort, ports: Iterable[UsbPort]) -> list[UsbPort]:
    """Other boards that say the same of themselves."""
    return [
        other
        for other in ports
        if (other.vid, other.pid, other.serial_number or None)
        == (port.vid, port.pid, port.serial_number or None)
        and board(other) != board(port)
    ]


def board(port: UsbPort) -> str:
    """Which board a port belongs to: some have several ports."""
    return (port.location or port.device).partition(":")[0]


def by_socket(port: UsbPort) -> str | None:
    """The name of its socket, where the system has one."""
    try:
        names = sorted(BY_PATH.iterdir())
    except OSError:
        return None
    real = os.path.realpath(port.device)
    return next((str(name) for name in names if os.path.realpath(name) == real), None)


def advice(port: UsbPort) -> str:
    """How to name it instead."""
    socket = by_socket(port) or f"one of {BY_PATH}"
    return (
        f"Name the port by its socket ({socket}), or set `identity` to what the robot says of "
        "itself"
    )
