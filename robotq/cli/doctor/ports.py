"""The serial ports of robots and their scanners, and the programs that write to such ports."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from robotq.cli.doctor.finding import Finding, Verdict
from robotq.config import Config
from robotq.drivers.base import LinkLost, WrongDevice
from robotq.drivers.reading import Section
from robotq.drivers.scanner import read_scanner_options
from robotq.drivers.scanner.camera.decode import INSTALL as INSTALL_VISION
from robotq.drivers.scanner.camera.heard import heard
from robotq.drivers.scanner.camera.options import CameraOptions
from robotq.drivers.scanner.camera.picture import PictureRefused
from robotq.drivers.scanner.hid import HidOptions
from robotq.drivers.scanner.hid.events import INSTALL, found_keyboard
from robotq.drivers.transport import PortOptions, read_port_options
from robotq.drivers.transport.find import Finder
from robotq.drivers.transport.twins import by_socket, port_named, usb_ports
from robotq.model.errors import ConfigError
from robotq.system.listen import addresses_of

_PORT_KEYS = ("port", "usb", "identity")
_BY_ORDER = re.compile(r"/dev/tty(USB|ACM)[0-9]+")
Board = tuple[int, int]
"""Vendor and product."""
BRIDGES = frozenset({(0x1A86, 0x7523), (0x10C4, 0xEA60), (0x0403, 0x6001)})
"""CH340, CP210x and FTDI."""
_CONNECT_S = 2.0
PROCESSES = Path("/proc")
UDEV_DATA = Path("/run/udev/data")
UDEV_RULES = (Path("/etc/udev/rules.d"), Path("/usr/lib/udev/rules.d"), Path("/lib/udev/rules.d"))
RULE_FILE = "/etc/udev/rules.d/99-robotq.rules"


def devices(config: Config) -> Iterator[Finding]:
    """What is to be said about the ports of all robots."""
    named: list[str] = []
    looked = False
    for robot, its in config.robots.items():
        yield from _scanner_at(config, robot, its.options)
        ports = [*_ports(robot, its.options)]
        for device, each in its.devices.items():
            yield from _device_at(config, f"port of {device} of {robot}", each.options)
            ports += _ports(f"{device} of {robot}", each.options)
        for what, port in ports:
            looked = True
            finding, name = _port(what, port)
            yield finding
            named += [name] if name is not None else []
    if looked:
        found = [port_named(name, usb_ports()) for name in named]
        boards = {(port.vid or 0, port.pid or 0) for port in found if port is not None}
        # brltty makes a port vanish: then it may be any of those that it likes
        yield from others_on_the_port(named, boards or BRIDGES)


def _ports(robot: str, options: Mapping[str, Any]) -> Iterator[tuple[str, PortOptions]]:
    """The ports of a robot that are files of this machine, by what they are for."""
    scanner = options.get("scanner")
    of = [(f"port of {robot}", options)]
    if isinstance(scanner, Mapping):
        of.append((f"scanner of {robot}", scanner))
    for what, mapping in of:
        port = mapping.get("port")
        if "usb" not in mapping and not (isinstance(port, str) and port.startswith("/")):
            continue
        given = {key: mapping[key] for key in _PORT_KEYS if key in mapping}
        try:
            yield what, read_port_options(Section(given, str), tells_identity=True)
        except ConfigError:
            # a driver of somebody else means another thing by it
            continue


def _device_at(config: Config, what: str, options: Mapping[str, Any]) -> Iterator[Finding]:
    """A device beside a robot that is reached over TCP."""
    port = options.get("port")
    url = urlsplit(port if isinstance(port, str) else "")
    if url.scheme == "socket":
        yield _over_tcp(config, what, url.hostname or "", url.port or 0)


def _over_tcp(config: Config, what: str, host: str, port: int) -> Finding:
    shown = f"{host}:{port}"
    if any(_answers(address, config.port) for address in addresses_of(config.host)):
        found = f"{shown}, not tried: the daemon runs, and many take one connection only"
        return Finding(what=what, verdict=Verdict.OK, found=found)
    if _answers(host, port):
        return Finding(what=what, verdict=Verdict.OK, found=f"{shown} takes connections")
    return Finding(
        what=what,
        verdict=Verdict.BAD,
        found=f"{shown} takes no connection",
        mend=f"Look at its cable and power; `ping {host}` tells whether it is there. "
        "Another program may have the only connection that it takes.",
    )


def _scanner_at(config: Config, robot: str, options: Mapping[str, Any]) -> Iterator[Finding]:
    """A scanner that is reached over TCP, or is a keyboard."""
    scanner = options.get("scanner")
    try:
        read = read_scanner_options(Section({"scanner": scanner}, str)) if scanner else None
    except ConfigError:
        # check-config says it
        return
    if read is not None and read.camera is not None:
        yield _camera(f"camera of {robot}", read.camera)
        return
    if read is not None and read.hid is not None:
        yield _keyboard(f"scanner of {robot}", read.hid)
        return
    url = urlsplit("" if read is None else read.port.port or "")
    if url.scheme == "socket":
        yield _over_tcp(config, f"scanner of {robot}", url.hostname or "", url.port or 0)


def _camera(what: str, options: CameraOptions) -> Finding:
    try:
        return Finding(what=what, verdict=Verdict.OK, found=heard(options))
    except PictureRefused as error:
        # codes in view are looked at when somebody reads
        bad = error.code == "picture_refused" and error.reason != "reason.picture_none"
        verdict = Verdict.BAD if bad else Verdict.NOTE
        mend = "See docs/drivers/camera.md for what it says."
        return Finding(what=what, verdict=verdict, found=f"{options.where}: {error}", mend=mend)
    except LinkLost as error:
        mend = "Open its address in a browser on this machine; look at cable, power, name and key."
        missing = INSTALL_VISION in error.reason
        return Finding(
            what=what, verdict=Verdict.BAD, found=error.reason,
            mend=INSTALL_VISION if missing else mend,
        )  # fmt: skip


def _keyboard(what: str, options: HidOptions) -> Finding:
    if find_spec("evdev") is None:
        found = "a scanner that is a keyboard needs the library evdev"
        return Finding(what=what, verdict=Verdict.BAD, found=found, mend=INSTALL)
    try:
        name = found_keyboard(options.device)
    except LinkLost as error:
        mend = "Plug it in; `ls /dev/input/by-id/*-event-kbd` tells its name."
        return Finding(what=what, verdict=Verdict.BAD, found=error.reason, mend=mend)
    if not os.access(name, os.R_OK | os.W_OK):
        mend = "sudo usermod -aG input $USER, then log in again."
        found = f"{name} may not be used by this user"
        return Finding(what=what, verdict=Verdict.BAD, found=found, mend=mend)
    return Finding(what=what, verdict=Verdict.OK, found=name)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_CONNECT_S).close()
    except OSError:
        return False
    return True


def _port(what: str, options: PortOptions) -> tuple[Finding, str | None]:
    """What is found, and the name of a port that is there."""
    try:
        name = Finder(options).find()
    except WrongDevice as error:
        mend = "Name it by its socket, see docs/drivers/transport.md, the right robot."
        return Finding(what=what, verdict=Verdict.BAD, found=error.reason, mend=mend), None
    except LinkLost as error:
        return _absent(what, error.reason), None
    if not Path(name).exists():
        return _absent(what, f"{name} is not there"), None
    if not os.access(name, os.R_OK | os.W_OK):
        mend = "sudo usermod -aG dialout $USER, then log in again."
        found = f"{name} may not be used by this user"
        return Finding(what=what, verdict=Verdict.BAD, found=found, mend=mend), name
    if options.identity is None and _BY_ORDER.fullmatch(name) and options.usb is None:
        usb = port_named(name, usb_ports())
        socket = None if usb is None else by_socket(usb)
        mend = f"Name it by its socket: {socket or '/dev/serial/by-path/...'}"
        found = f"{name}, which is whatever was plugged in at this turn"
        return Finding(what=what, verdict=Verdict.NOTE, found=found, mend=mend), name
    shown = name if name == options.port else f"{name} ({options.port or options.usb})"
    return Finding(what=what, verdict=Verdict.OK, found=shown), name


def _absent(what: str, reason: str) -> Finding:
    there: Sequence[Path] = sorted(Path("/dev").glob("tty[UA][SC][BM]*"))
    instead = f"; there are {', '.join(map(str, there))}" if there else ""
    return Finding(
        what=what,
        verdict=Verdict.BAD,
        found=f"{reason}{instead}",
        mend="Plug it in and switch it on; `dmesg | tail` tells the name it gets.",
    )


# -- others on the port --------------------------------------------------------------------------


def others_on_the_port(names: Sequence[str], boards: AbstractSet[Board]) -> Iterator[Finding]:
    """Services of Linux that write to serial ports which nobody has given to them.

    `names`: ports that are there; `boards`: their vendors and products.
    """
    running = _running()
    ignored = bool(names) and all(_ignored_by_modem_manager(name) for name in names)
    if "ModemManager" in running and not ignored:
        yield Finding(
            what="ModemManager",
            verdict=Verdict.NOTE,
            found="it runs, and may write `AT` to a robot that is plugged in",
            mend=f"{_rule(boards)} in {RULE_FILE}, then `sudo udevadm control --reload && sudo "
            "udevadm trigger`; or `sudo systemctl disable --now ModemManager`.",
        )
    rules = _brltty_rules(boards)
    if "brltty" in running or rules:
        found = "it runs" if "brltty" in running else f"{rules} gives it boards such as these"
        yield Finding(
            what="brltty",
            verdict=Verdict.NOTE,
            found=f"{found}, and takes CH340 and CP210x bridges for braille displays",
            mend="`sudo apt remove brltty`; who needs it takes the line of this board out of its "
            f"udev rules ({rules or '85-brltty.rules'}).",
        )


def _rule(boards: AbstractSet[Board]) -> str:
    """The udev rule that keeps a modem manager away from these boards."""
    vendors = sorted({f"{vendor:04x}" for vendor, _ in boards})
    return "; ".join(
        f'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{vendor}", ENV{{ID_MM_DEVICE_IGNORE}}="1", '
        'ENV{ID_MM_PORT_IGNORE}="1"'
        for vendor in vendors
    )


def _running() -> set[str]:
    found = set()
    for comm in PROCESSES.glob("[0-9]*/comm"):
        try:
            found.add(comm.read_text(errors="replace").strip())
        except OSError:
            # it has ended meanwhile
            continue
    return found


def _ignored_by_modem_manager(name: str) -> bool:
    """What udev has noted about a port."""
    try:
        device = Path(name).stat().st_rdev
        noted = (UDEV_DATA / f"c{os.major(device)}:{os.minor(device)}").read_text(errors="replace")
    except OSError:
        return False
    return re.search(r"^E:ID_MM_(DEVICE|PORT)_IGNORE=1$", noted, re.MULTILINE) is not None


def _brltty_rules(boards: AbstractSet[Board]) -> str | None:
    """The file whose rules start brltty for one of these boards."""
    for folder in UDEV_RULES:
        for path in sorted(folder.glob("*brltty*.rules")):
            try:
                lines = path.read_text(errors="replace").lower().splitlines()
            except OSError:
                continue
            rules = [line for line in lines if not line.lstrip().startswith("#")]
            for vendor, product_id in sorted(boards):
                product = rf"\b0*{vendor:x}/0*{product_id:x}/"
                if any(re.search(product, line) for line in rules):
                    return str(path)
    return None
