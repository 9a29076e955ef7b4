"""Who may speak to the daemon: by name, by origin, by key, by network."""

from __future__ import annotations

import hmac
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from urllib.parse import unquote

import msgspec
from aiohttp import web

from robotq.api.access.key_rows import RESERVED, Key
from robotq.api.access.keys import KeyFile
from robotq.api.access.scopes import GRANTED, Scope, allows
from robotq.config import Config
from robotq.model.errors import RobotqError

AGENT_HEADER = "X-Robotq-Agent"
"""A request that has it is made by an agent and not by a person, whatever its value."""
PEER_HEADER = "X-Robotq-Fleet-Caller"
"""For whom another daemon of the fleet asks: JSON with `name`, `scopes`, `agent`. Believed only
beside the key of the fleet."""
NAME_HEADER = "X-Robotq-Name"
"""Who somebody without a key says they are; percent-encoded where it is not ASCII. A name never
decides whether a request is taken: one that is no name counts as none."""
KEY_COOKIE = "robotq_key"
"""Where a browser keeps its key; scripts cannot read it."""

_BRACKETS = re.compile(r"\[([0-9a-f:.]+(?:%[^\]]*)?)\](?::[0-9]{1,5})?")

_LONGEST_NAME = 64
_CACHED = 1_024
"""Client addresses whose place in the networks is remembered, and names of this daemon."""

_OUR_SITE = ("same-origin", "none")
"""What a browser says in Sec-Fetch-Site of a page of ours, and of none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who makes a request, and what they may do."""

    name: str
    """The actor in the journal."""
    scopes: frozenset[str]
    agent: bool = False
    """A program that decides by itself, and not a person."""
    keyed: bool = False
    """Has shown a valid key."""
    account: str = ""
    """Under which name the same request counts as the same; a name that anybody can say is none."""


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

    Where no key is needed, loopback and trusted networks may do everything and nobody else
    anything. Where keys are needed, loopback needs one too; whether they are is said by the
    data folder (see `KeyFile`) and by `require_key`, and not by how many keys there are. No
    page of another site gets through, so that no web page can move a robot through a browser
    on the same machine.
    """

    def __init__(self, keys: KeyFile, addresses: Sequence[tuple[str, int]], config: Config) -> None:
        """`addresses` are those that the daemon listens on."""
        self._keys = keys
        self._addresses = tuple(addresses)
        self._take_over(config)

    def check(
        self,
        request: web.Request,
        config: Config,
        *,
        scope: str,
        same_site: bool,
        changes: bool | None = None,
    ) -> Caller:
        """The caller, who has `scope`. `same_site`: nothing that comes from another site, but
        for the pages of `allowed_origins`. `changes`: whether the request can change anything;
        None where the method says it.

        Raises RobotqError bad_parameter, cross_site, unauthorized, forbidden.
        """
        if config is not self._config:
            self._take_over(config)
        headers = request.headers
        host = headers.get("Host")
        # no browser leaves Host out, so what comes without it is no web page's doing
        if host is not None and host not in self._hosts:
            self._check_host(_plain("Host", host), request)
        origin = headers.get("Origin")
        if origin is not None:
            _plain("Origin", origin)
        if same_site and (origin is None or origin.lower() not in self._pages):
            site = headers.get("Sec-Fetch-Site")
            if origin is not None:
                self._check_origin(origin, host)
            if site is not None and _plain("Sec-Fetch-Site", site) not in _OUR_SITE:
                raise RobotqError(
                    "cross_site",
                    reason=f"Sec-Fetch-Site {site[:200]}; pages of allowed_origins are let in "
                    "where their requests have the header Origin",
                )
        if changes is None:
            changes = request.method not in ("GET", "HEAD", "OPTIONS")
        caller = self._caller(request, changes=changes)
        if caller is None:
            if scope == Scope.OPEN:
                return NOBODY
            raise RobotqError("unauthorized")
        if caller is not ANONYMOUS and not allows(caller.scopes, scope):
            raise RobotqError("forbidden", scope=str(scope))
        return self._as_told(caller, headers)

    def allowed_page(self, request: web.Request, config: Config) -> str | None:
        """The origin of the page that asks, where the configuration lets pages from there in."""
        if not config.allowed_origins:
            return None
        if config is not self._config:
            self._take_over(config)
        origin = request.headers.get("Origin")
        return origin if origin is not None and origin.lower() in self._pages else None

    @property
    def keyed(self) -> bool:
        """Whether nobody comes in without a key, trusted networks aside."""
        return self._keys.required or self._config.require_key

    def _as_told(self, caller: Caller, headers: Mapping[str, str]) -> Caller:
        """The caller with what they say of themselves: an agent, or somebody without a key by
        their own name, which is never that of a key."""
        if AGENT_HEADER in headers:
            return _ANONYMOUS_AGENT if caller is ANONYMOUS else replace(caller, agent=True)
        if caller is not ANONYMOUS or NAME_HEADER not in headers:
            return caller
        name = said_name(headers[NAME_HEADER])
        return ANONYMOUS if name is None or self._keys.is_named(name) else _person(name)

    def _take_over(self, config: Config) -> None:
        self._config = config
        key = config.fleet.key if config.fleet.dsn is not None else None
        self._fleet_key = None if key is None else key.encode()
        machine = socket.gethostname().lower()
        allowed = [entry.lower() for entry in config.allowed_hosts]
        self._names = {"localhost", "127.0.0.1", "::1", machine, f"{machine}.local"}
        self._names |= {address.partition("%")[0] for address, _ in self._addresses}
        self._names |= {_name_of(entry) for entry in allowed}
        ports = {port for _, port in self._addresses}
        self._hosts = {f"{name}:{port}" for name in ("localhost", "127.0.0.1") for port in ports}
        self._origins = {*allowed, *(f"{entry}:{port}" for entry in allowed for port in ports)}
        self._pages = {entry.lower() for entry in config.allowed_origins}
        self._places: dict[str, _Place] = {}

    def _check_host(self, host: str, request: web.Request) -> None:
        name = _name_of(host.lower())
        if name in self._names:
            if len(self._hosts) < _CACHED:
                self._hosts.add(host)
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
        raise RobotqError(
            "cross_site",
            reason=f"Origin {origin[:200]} is another site; to let its pages in, add it to the "
            f'configuration: allowed_origins: ["{origin[:200]}"]',
        )

    def _caller(self, request: web.Request, *, changes: bool) -> Caller | None:
        if self._fleet_key is not None and (peer := self._peer(request, self._fleet_key)):
            return peer
        remote = request.remote
        place = self._places.get(remote or "") or self._place(remote)
        if not self.keyed:
            return ANONYMOUS if place is not _Place.ELSEWHERE else None
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            # a key that is wrong is refused also where none is needed: it was revoked
            key = self._keys.find(presented.strip())
            return None if key is None else _holder(key)
        kept = self._kept_key(request, changes=changes)
        if kept is not None:
            return _holder(kept)
        return ANONYMOUS if place is _Place.TRUSTED else None

    def _peer(self, request: web.Request, key: bytes) -> Caller | None:
        """Another daemon of the fleet, which asks for somebody."""
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        given = presented.strip().encode("utf-8", "surrogateescape")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given, key):
            return None
        return peer_caller(request.headers.get(PEER_HEADER))

    def _kept_key(self, request: web.Request, *, changes: bool) -> Key | None:
        """The key in the browser's cookie. A browser sends it by itself, so it changes nothing
        where the browser does not say, too, which page is asking."""
        if "Cookie" not in request.headers:
            return None
        if changes and not {"Origin", "Sec-Fetch-Site"} & request.headers.keys():
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


_OF_PEERS = frozenset({Scope.READ, Scope.SUBMIT, Scope.AGENT, Scope.CONTROL})
"""The most that a daemon of the fleet may do here, for whomever it asks."""


def peer_caller(told: str | None) -> Caller:
    """Who another daemon asks for; itself, where it does not say that it is somebody else.

    Raises RobotqError bad_parameter."""
    if told is None:
        return Caller(name="fleet", scopes=_OF_PEERS - {Scope.AGENT}, keyed=True)
    try:
        said = msgspec.json.decode(told, type=_Said)
    except msgspec.MsgspecError as error:
        raise RobotqError("bad_parameter", field=PEER_HEADER, reason=str(error)[:200]) from error
    scopes = frozenset(said.scopes)
    if Scope.ADMIN in scopes:
        scopes |= _OF_PEERS - {Scope.AGENT}
    return Caller(name=said.name[:200], scopes=scopes & _OF_PEERS, agent=said.agent, keyed=True)


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    scopes: tuple[str, ...]
    agent: bool = False


@lru_cache(maxsize=_CACHED)
def said_name(told: str) -> str | None:
    """The name in a header; None where it is none that could stand in the journal."""
    try:
        text = unquote(told, errors="strict") if "%" in told else told
        text.encode()
    except UnicodeError:
        return None
    name = " ".join(text.split())
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        return None
    # the journal has those, and parts of robotq, as actors of their own
    taken = name.casefold() in (*RESERVED, "fleet") or name.casefold().startswith("robotq")
    return None if taken else name


@lru_cache(maxsize=_CACHED)
def _person(name: str) -> Caller:
    return replace(ANONYMOUS, name=name, account=ANONYMOUS.name)


def _holder(key: Key) -> Caller:
    return Caller(
        name=key.name,
        scopes=frozenset(key.scopes),
        agent=Scope.AGENT in key.scopes,
        keyed=True,
    )


def _plain(name: str, value: str) -> str:
    """A header that says where a request comes from or goes to. What no browser sends, such as
    bytes that are no text, is not guessed at: it could not even be told in the answer.

    Raises RobotqError bad_parameter.
    """
    if not (value.isascii() and value.isprintable()):
        raise RobotqError("bad_parameter", field=name, reason="expected visible ASCII characters")
    return value


def _name_of(host: str) -> str:
    """The host in `host` or `host:port`, without the brackets of an IPv6 address. Empty, which
    is nobody's name, where it has neither form."""
    if host.startswith("["):
        found = _BRACKETS.fullmatch(host)
        return "" if found is None else found[1].partition("%")[0]
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).removesuffix(".")
