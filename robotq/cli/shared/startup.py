"""The lines that a daemon prints once it serves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path

from robotq.cli.shared.words import say
from robotq.config import Config
from robotq.system.listen import is_loopback, own_address


def startup_lines(
    config: Config,
    addresses: Sequence[tuple[str, int]],
    own_addresses: Mapping[str, Sequence[tuple[str, int]]] = {},
) -> Iterator[str]:
    """What is on, where it listens, under which address others reach it, and how.

    `own_addresses`: of the interfaces that have a port of their own."""
    yield say("dashboard", url=f"{url_of(addresses)}/dashboard")
    if config.mode == "queue":
        yield say("queue_on")
        yield say("queue_line_1")
        yield say("queue_line_2")
        yield ""
    yield say("server_on")
    yield say(
        "listening",
        addresses=", ".join(shown_address(host, port) for host, port in addresses),
        reach=say(_reach([host for host, _ in addresses])),
    )
    for name, of_interface in own_addresses.items():
        at = ", ".join(shown_address(host, port) for host, port in of_interface)
        yield say("listening_interface", name=name, addresses=at)
    yield say("own_address", address=own_address())
    yield say("mode", mode=say(f"mode.{config.mode}"))
    if config.time_scale != 1:
        yield say("time_scale", scale=f"{config.time_scale:g}")
    yield say("data", folder=_short(config.data))
    yield say("stop_with")


def shown_address(host: str, port: int) -> str:
    """Address and port as they stand in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def url_of(addresses: Sequence[tuple[str, int]]) -> str:
    """A URL under which this machine reaches the daemon."""
    host, port = addresses[0]
    if ip_address(host.partition("%")[0]).is_unspecified:
        host = "::1" if ":" in host else "127.0.0.1"
    return f"http://{shown_address(host, port)}"


def _reach(hosts: Sequence[str]) -> str:
    if all(is_loopback(host) for host in hosts):
        return "this_machine"
    if any(ip_address(host.partition("%")[0]).is_unspecified for host in hosts):
        return "everywhere"
    return "network"


def _short(folder: Path) -> str:
    """The folder as a person would type it."""
    absolute = folder.absolute()
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)
