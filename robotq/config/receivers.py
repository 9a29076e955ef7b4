"""Where webhooks may go, as the configuration and clients name it. Looks nothing up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

from yarl import URL

Address: TypeAlias = IPv4Address | IPv6Address
HostRule: TypeAlias = str | IPv4Network | IPv6Network
"""A name, `*.` and a domain, or a network; an address is a network of one."""

_MAX_URL = 2_000
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)")
"""127.1, 0x7f000001: clients may read these as addresses. No name ends in a number."""


_HOST = re.compile(r"[a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)*\.?")


def read_url(text: object) -> URL:
    """The URL of a receiver. Raises ValueError, whose text says what was expected."""
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_URL:
        raise ValueError(f"expected a URL of at most {_MAX_URL} characters")
    try:
        # the class that the client connects by, so that both see the same host
        url = URL(text)
        host = url.raw_host or ""
        named = _address(host) is not None or _HOST.fullmatch(host) is not None
        usable = url.scheme in ("http", "https") and named and url.port != 0
        usable = usable and URL(str(url)) == url
    except ValueError as error:
        raise ValueError("expected a URL such as http://mes.lab:8000/done") from error
    if not usable or not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("expected a URL such as http://mes.lab:8000/done")
    return url.with_fragment(None)


def shown_url(text: str) -> str:
    """A receiver's URL without the parts that may be secret: user, password, query."""
    return str(URL(text).with_user(None).with_query(None))


def read_host_rule(text: str) -> HostRule:
    """An entry of `webhooks.allowed_hosts`. Raises ValueError."""
    try:
        return ip_network(text)
    except ValueError:
        name = text.lower()
    if not _NAME.fullmatch(name) or _NUMBER.fullmatch(name):
        raise ValueError("expected a name, an address or a network")
    return name


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Where a client may have webhooks sent to.

    A name never leads to this machine or to a link-local address: those have to be allowed
    as addresses or networks.
    """

    rules: Sequence[HostRule]

    def takes(self, host: str) -> bool:
        """Whether the host of a URL is allowed, by its name or as an address."""
        address = _address(host)
        if address is not None:
            return self._in_a_network(address)
        name = host.lower().rstrip(".")
        return any(_names(rule, name) for rule in self.rules if isinstance(rule, str))

    def takes_address(self, text: str) -> bool:
        """Whether an address that an allowed name stands for may be connected to."""
        address = _address(text)
        return address is not None and (self._in_a_network(address) or _is_elsewhere(address))

    def _in_a_network(self, address: Address) -> bool:
        return any(address in rule for rule in self.rules if not isinstance(rule, str))


def _names(rule: str, name: str) -> bool:
    return name.endswith(rule[1:]) if rule.startswith("*.") else name == rule


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_elsewhere(address: Address) -> bool:
    return not (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or address.is_reserved
    )
