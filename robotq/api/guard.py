"""Who may speak to the daemon: by name, by origin, by key, by network."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from aiohttp import web

from robotq.api.auth import Key, KeyFile
from robotq.api.scopes import GRANTED, Scope, allows
from robotq.config import Config
from robotq.model.errors import RobotqError

AGENT_HEADER = "X-Robotq-Agent"
"""A request that has it is made by an agent and not by a person, whatever its value."""
KEY_COOKIE = "robotq_key"
"""Where a browser keeps its key; scripts cannot read it."""

_CACHED = 1_024
"""Client addresses whose place in the networks is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who makes a request, and what they may do."""

    name: str
    """The actor in the journal."""
    scopes: frozenset[str]
    agent: bool = False
    """A program that decides by itself, and not a person."""


ANONYMOUS = Caller(name="anonymous", scopes=frozenset({*GRANTED, "worker:*"}))
"""Somebody who needs no key."""
_ANONYMOUS_AGENT = replace(ANONYMOUS, name="agent", agent=True)
NOBODY = Caller(name="anonymous", scopes=frozenset())
"""Somebody without the key that they would need, on a route that is open to all."""


class _Place(StrEnum):
    LOOPBACK = "loopback"
    TRUSTED = "trusted"
    ELSEWHERE = "elsewhere"


class Guard:
    """Checks each request before anything of it is read.

    Without any key, loopback and trusted networks may do everything and nobody else
    anything. With keys, loopback needs one too. No page of another site gets through, so
    that no web page can move a robot through a browser on the same machine.
    """

    def __init__(self, keys: KeyFile, addresses: Sequence[tuple[str, int]], config: Config) -> None:
        """`addresses` are those that the daemon listens on."""
        self._keys = keys
        self._addresses = tuple(addresses)
        self._take_over(config)

    def check(self, request: web.Request, config: Config, *, scope: str, same_site: bool) -> Caller:
        """The caller, who has `scope`. `same_site`: nothing that comes from another site.

        Raises RobotqError cross_site, unauthorized, forbidden.
        """
        if config is not self._config:
            self._take_over(config)
        headers = request.headers
        host = headers.get("Host")
        # no browser leaves Host out, so what comes without it is no web page's doing
        if host is not None and host not in self._hosts:
            self._check_host(host, request)
        if same_site:
            site = headers.get("Sec-Fetch-Site")
            if site is not None and site not in ("same-origin", "none"):
                raise RobotqError("cross_site", reason=f"Sec-Fetch-Site {site}")
            origin = headers.get("Origin")
            if origin is not None:
                self._check_origin(origin, host)
        caller = self._caller(request)
        if caller is None:
            if scope == Scope.OPEN:
                return NOBODY
            raise RobotqError("unauthorized")
        if caller is not ANONYMOUS and not allows(caller.scopes, scope):
            raise RobotqError("forbidden", scope=str(scope))
        if AGENT_HEADER in headers:
            return _ANONYMOUS_AGENT if caller is ANONYMOUS else replace(caller, agent=True)
        return caller

    @property
    def keyed(self) -> bool:
        """Whether any key exists."""
        return bool(self._keys)

    def state(self, config: Config) -> tuple[Config, int]:
        """While this is the same, `check` says the same of the same headers from the same
        place."""
        return config, self._keys.changes

    def _take_over(self, config: Config) -> None:
        self._config = config
        machine = socket.gethostname().lower()
        allowed = [entry.lower() for entry in config.allowed_hosts]
        self._names = {"localhost", "127.0.0.1", "::1", machine, f"{machine}.local"}
        self._names |= {address.partition("%")[0] for address, _ in self._addresses}
        self._names |= {_name_of(entry) for entry in allowed}
        ports = {port for _, port in self._addresses}
        self._hosts = {f"{name}:{port}" for name in ("localhost", "127.0.0.1") for port in ports}
        self._origins = {*allowed, *(f"{entry}:{port}" for entry in allowed for port in ports)}
        self._places: dict[str, _Place] = {}

    def _check_host(self, host: str, request: web.Request) -> None:
        name = _name_of(host.lower())
        if name in self._names:
            return
        transport = request.transport
        reached = transport.get_extra_info("sockname") if transport is not None else None
        if isinstance(reached, tuple) and name == str(reached[0]).partition("%")[0]:
            return
        raise RobotqError(
            "cross_site",
            reason=f"Host {host[:200]} is no name of this daemon; allowed_hosts can add it",
        )

    def _check_origin(self, origin: str, host: str | None) -> None:
        netloc = origin.lower().partition("://")[2]
        if netloc and (netloc in self._origins or (host is not None and netloc == host.lower())):
            return
        raise RobotqError("cross_site", reason=f"Origin {origin[:200]}")

    def _caller(self, request: web.Request) -> Caller | None:
        place = self._place(request.remote)
        if not self._keys:
            return ANONYMOUS if place is not _Place.ELSEWHERE else None
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            # a key that is wrong is refused also where none is needed: it was revoked
            key = self._keys.find(presented.strip())
            return None if key is None else _holder(key)
        kept = self._kept_key(request)
        if kept is not None:
            return _holder(kept)
        return ANONYMOUS if place is _Place.TRUSTED else None

    def _kept_key(self, request: web.Request) -> Key | None:
        """The key in the browser's cookie. A browser sends it by itself, so it changes nothing
        where the browser does not say, too, which page is asking."""
        if "Cookie" not in request.headers:
            return None
        asks = request.method in ("GET", "HEAD", "OPTIONS")
        if not asks and not {"Origin", "Sec-Fetch-Site"} & request.headers.keys():
            return None
        presented = request.cookies.get(KEY_COOKIE)
        return self._keys.find(presented) if presented else None

    def _place(self, remote: str | None) -> _Place:
        if remote is None:
            return _Place.ELSEWHERE
        place = self._places.get(remote)
        if place is None:
            if len(self._places) >= _CACHED:
                self._places.clear()
            place = self._places[remote] = self._look_up(remote)
        return place

    def _look_up(self, remote: str) -> _Place:
        if self._config.allow_anonymous:
            return _Place.TRUSTED
        address = ip_address(remote.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address in network for network in self._config.trusted_networks):
            return _Place.TRUSTED
        return _Place.LOOPBACK if address.is_loopback else _Place.ELSEWHERE


def _holder(key: Key) -> Caller:
    return Caller(name=key.name, scopes=frozenset(key.scopes), agent=Scope.AGENT in key.scopes)


def _name_of(host: str) -> str:
    """The host in `host` or `host:port`, without the brackets of an IPv6 address."""
    if host.startswith("["):
        return host[1:].partition("]")[0].partition("%")[0]
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).removesuffix(".")
