"""Every key of a robot behind a SiLA 2 server: what stands under `options` of a robot with
`driver: sila`. Only the shapes; `robotq.drivers.sila` says what they mean together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from robotq.config.device_params import STRICT, DeviceCommand, DeviceParam
from robotq.config.shaped import Shaped
from robotq.config.strict_yaml import KeyPath


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SilaAsk:
    """A command that is called, or a property that is read. It moves nothing."""

    feature: str | None = None
    """Its full name, such as org.silastandard/core/SiLAService/v1."""
    command: str | None = None
    property: str | None = None
    parameters: Mapping[str, Any] | None = None
    """Of a command; texts in it may hold `{expressions}` of `params` and `values`. A text that is
    nothing but one `{expression}` becomes the value itself. None: each of `params` under its own
    name."""
    check: str | None = None
    """An expression over `response` or `value` that must be true."""
    otherwise: str | None = None
    """What it means where `check` is not true."""
    answer_s: float | None = Field(default=None, gt=0, le=3_600)
    """Seconds in which the answer comes. None: that of the robot."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SilaFeedback:
    """What the intermediate responses of an observable command say."""

    progress: str | None = None
    """An expression over `intermediate`, from 0 to 1. None: the progress that the server tells."""
    step: str | None = None
    """The name of what the robot does now, with `{expressions}` of `intermediate`."""
    partial: Mapping[str, str] = field(default_factory=dict)
    """Name -> expression: what clients see of the result while the command runs."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SilaCommand(SilaAsk, DeviceCommand):
    feedback: SilaFeedback = field(default_factory=SilaFeedback)
    requires: list[SilaAsk] = field(default_factory=list)
    """What has to be true before the command is sent."""
    result: Mapping[str, str] = field(default_factory=dict)
    """Name -> expression over `response` or `value`. Empty: all that the server answers."""
    place: str | None = None
    """Where the robot stands when the command is done, with `{expressions}`."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SilaStop:
    """A command that stops the robot."""

    feature: str | None = None
    command: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SilaDescription:
    """A description of a feature (.sila.xml), of which every command and property is brought."""

    file: str
    only: list[str] = field(default_factory=list)
    """Identifiers of those that are brought. Empty: all that take plain values."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SilaRobot:
    address: str = "127.0.0.1:50052"
    insecure: bool = False
    """No TLS. Only on a network of its own."""
    ca: str | None = None
    """A file with the certificates (PEM) by which the server is trusted. None: the system's."""
    certificate: str | None = None
    """A file with the certificate of robotq itself, where the server wants one."""
    key: str | None = None
    """The file with the private key to it."""
    tls_name: str | None = None
    """The name in the server's certificate, where it is not that of `address`."""
    server_uuid: str | None = None
    """By which the server is known. None: that of the first connection."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Names for numbers and texts that expressions use."""
    descriptions: list[SilaDescription] = field(default_factory=list)
    commands: Mapping[str, SilaCommand] = field(default_factory=dict)
    stop: list[SilaStop] = field(default_factory=list)
    """Sent by every stop, for a server with a stop of its own."""
    cancel_all: bool = True
    """A stop while robotq follows nothing cancels all that the server does. false: where others
    use it too. An emergency stop always does."""
    places: list[str] = field(default_factory=list)
    """All places to which the robot can be sent. Resources that name none of them are an error
    then; without it nobody knows."""
    answer_s: float = Field(default=10, gt=0, le=3_600)
    """Seconds in which a command that is not observable, or a property, answers."""
    accept_s: float = Field(default=5, gt=0, le=600)
    """Seconds in which an observable command gets its execution."""


def _below(path: KeyPath) -> Any:
    """The dataclass whose keys may stand at `path`."""
    above = path[-2] if len(path) > 1 else ""
    if above == "params":
        return DeviceParam
    if above == "commands":
        return SilaCommand
    last = next((part for part in reversed(path) if isinstance(part, str)), "")
    kinds: Mapping[str, Any] = {
        "stop": SilaStop,
        "requires": SilaAsk,
        "feedback": SilaFeedback,
        "descriptions": SilaDescription,
    }
    return kinds.get(last, SilaRobot)


SILA_ROBOT = Shaped(SilaRobot, _below)
