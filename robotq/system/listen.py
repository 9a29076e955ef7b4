"""Where the daemon listens: which addresses, which it refuses, the sockets, and the file that tells
the port."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from robotq.model.errors import ConfigError, DataUnavailable
from robotq.system.durable import write_durably

_log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "::1")
"""Listened on where the configuration names no host; ::1 only where the machine has it."""

_BACKLOG = 1_024
_PORT_FILE_S = 1.0
"""Wall seconds that the disk gets to forget the port, before the robots are stopped."""
_ATTEMPTS = 20
"""Free ports tried until one is free on every address."""

_NO_SUCH_FAMILY = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})


class CannotListen(Exception):
    """The port cannot be had; the message names it and says how to choose another."""


def addresses_of(host: str) -> tuple[str, ...]:
    """The IP addresses that `host` stands for; empty stands for the loopback addresses.

    Raises ConfigError where the name is not known. May ask a name server: call it before
    the event loop runs.
    """
    if not host:
        return LOOPBACK
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigError(f"host: found {host!r}, which names no address ({error})") from error
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def is_loopback(address: str) -> bool:
    """Whether only programs on this machine can reach the address."""
    return ip_address(address.partition("%")[0]).is_loopback


def check_exposure(host: str, *, guarded: bool) -> None:
    """Refuse an address that others can reach while nothing says who may use it.

    `guarded`: keys exist, or networks are trusted, or the configuration allows everybody.
    Raises ConfigError with the command line that would do.
    """
    if guarded or all(is_loopback(address) for address in addresses_of(host)):
        return
    raise ConfigError(
        f"refusing to listen on {host}: without keys, everybody who reaches the port could "
        "move the robots. Name the network that may:\n"
        f"  serve --host {host} --trusted-network 192.168.0.0/16\n"
        "or make a key first (`robotq keys new NAME`), or set `allow_anonymous: true`."
    )


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on every address of `host`, all on one port.

    From here on clients can connect; they are answered as soon as somebody accepts.
    Port 0 takes a free one. Raises CannotListen; ConfigError for an unknown host.
    """
    addresses = addresses_of(host)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _open_all(addresses, port, all_needed=bool(host))
        except CannotListen:
            # the port that was free on the first address may be taken on the next
            if port != 0 or attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def own_address() -> str:
    """The address under which other machines reach this one; 127.0.0.1 without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # a datagram socket sends nothing when it connects: it only looks up the route
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return LOOPBACK[0]
        return str(probe.getsockname()[0])


def _open_all(addresses: Sequence[str], port: int, *, all_needed: bool) -> list[socket.socket]:
    opened: list[socket.socket] = []
    try:
        for address in addresses:
            try:
                opened.append(_open(address, port))
            except OSError as error:
                if error.errno in _NO_SUCH_FAMILY and not all_needed and opened:
                    continue
                raise CannotListen(_why(error, address, port)) from error
            port = port or int(opened[0].getsockname()[1])
    except CannotListen:
        for one in opened:
            one.close()
        raise
    return opened


def _open(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        # lets a restart take the port over from connections that are still timing out
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind((address, port))
        one.listen(_BACKLOG)
        one.setblocking(False)
    except BaseException:
        one.close()
        raise
    return one


def _why(error: OSError, address: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {address} is taken by another program (a daemon that still runs?); "
            "choose another with --port N or ROBOTQ_PORT=N, 0 takes any free one"
        )
    if error.errno == errno.EACCES:
        return (
            f"port {port} on {address} is not allowed for this user; "
            "choose one above 1023 with --port N or ROBOTQ_PORT=N"
        )
    if error.errno in _NO_SUCH_FAMILY:
        return f"this machine has no address {address}; choose another with --host"
    return f"cannot listen on port {port} of {address}: {error.strerror}"


def write_port(file: Path, port: int) -> None:
    """Raises DataUnavailable."""
    try:
        # whole, for whoever waits for it
        write_durably(file, f"{port}\n".encode())
    except OSError as error:
        raise DataUnavailable(f"{file} cannot be written: {error.strerror}") from error


async def forget_port(file: Path) -> None:
    """A disk that does not answer must not keep the robots from being stopped."""
    removing = asyncio.ensure_future(asyncio.to_thread(file.unlink, missing_ok=True))
    try:
        async with asyncio.timeout(_PORT_FILE_S):
            await removing
    except TimeoutError:
        _log.warning("%s is left: the disk does not answer", file)
    except OSError as error:
        _log.warning("%s is left: %s", file, error.strerror)
