"""A port that two of them would open: each takes the other's answers, or finds it taken."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson

from robotq.checks.places import line_of
from robotq.config import Config
from robotq.config.strict_yaml import KeyPath


class _Named(msgspec.Struct, frozen=True):
    """One port, as it is written."""

    owner: str
    at: KeyPath
    shown: str
    address: str | None
    """Which of several on one wire it is."""


def shared_ports(config: Config) -> Iterator[str]:
    """A fault for each port that has been given to another robot, scanner or device already."""
    found: dict[str, list[_Named]] = {}
    for owner, at, options in _owners(config):
        for name, key, shown in _ports(options):
            address = options.get("address")
            told = None if address is None else str(address)
            found.setdefault(key, []).append(_Named(owner, (*at, name), shown, told))
    for key, users in found.items():
        first, *rest = users
        addresses = {one.address for one in users}
        if key.startswith("socket:") and None not in addresses and len(addresses) == len(users):
            # a converter that takes several connections, with devices that tell their address
            continue
        for one in rest:
            if one.at[:2] == first.at[:2] and one.shown == first.shown and "devices" in one.at:
                # the devices of one robot are compared where they are read
                continue
            text = f"found {one.shown}, which {first.owner} has; expected a port of its own"
            yield line_of(config, one.at, text)


def _owners(config: Config) -> Iterator[tuple[str, KeyPath, Mapping[str, Any]]]:
    for name, robot in config.robots.items():
        at: KeyPath = ("robots", name, "options")
        yield name, at, robot.options
        line = robot.options.get("modbus_rtu")
        if isinstance(line, Mapping):
            yield name, (*at, "modbus_rtu"), line
        scanner = robot.options.get("scanner")
        if isinstance(scanner, Mapping):
            yield f"the scanner of {name}", (*at, "scanner"), scanner
        for device, its in robot.devices.items():
            where: KeyPath = ("robots", name, "devices", device, "options")
            yield f"{device} of {name}", where, its.options


def _ports(options: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The key, what is the same for the same port, and how it is written. What a driver of
    somebody else means by a `port` of another form, nobody knows here."""
    port = options.get("port")
    if isinstance(port, str):
        if port.startswith("/"):
            # a name that stays and /dev/ttyUSB0 can be one port
            yield "port", f"file:{os.path.realpath(port)}", port
        elif port.startswith("socket://"):
            url = urlsplit(port)
            yield "port", f"socket:{url.netloc.lower()}", port
    usb = options.get("usb")
    if usb:
        written = usb if isinstance(usb, str) else orjson.dumps(usb, default=str).decode()
        yield "usb", f"usb:{written.lower()}", f"usb: {written}"
