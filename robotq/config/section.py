"""What all sections are made of: their base, and types that several of them use."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from robotq.config.receivers import HostRule, read_host_rule, read_url


class Section:
    """Part of a configuration. Made by the program it is a plain record; what an operator has
    written is checked by the loader, which builds its checks of all sections once."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, str | IPv4Network | IPv6Network):
        return ip_network(value)
    raise ValueError("not a text")


def _url(value: object) -> str:
    try:
        return str(read_url(value))
    except ValueError as error:
        raise PydanticCustomError("url", "a URL such as http://mes.lab:8000/done") from error


def _host(value: object) -> HostRule:
    try:
        return read_host_rule(str(value))
    except ValueError as error:
        raise PydanticCustomError("host", "a name, an address or a network") from error


RobotName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_network)]
Url = Annotated[str, PlainValidator(_url)]
Origin = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9_.:\[\]-]+$")]
Host = Annotated[HostRule, PlainValidator(_host)]
