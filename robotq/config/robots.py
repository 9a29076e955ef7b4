"""What is said of each robot, and of the devices beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

from robotq.config.section import RobotName, Section
from robotq.model.carried.live_value import LONGEST_UNIT, VALUE_NAME

ValueName = Annotated[str, Field(pattern=VALUE_NAME)]


@dataclass(frozen=True, kw_only=True)
class DeviceConfig(Section):
    driver: Literal["line"] = "line"
    """What answers a line. Other drivers are for robots."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The same as those of a robot with `driver: line`."""


def _range(value: object) -> list[float | None]:
    said = PydanticCustomError("range", "two numbers, least and most; null for no such limit")
    if not isinstance(value, list) or len(value) != 2:
        raise said
    numbers = [one for one in value if one is not None]
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers):
        raise said
    if not all(isfinite(one) for one in numbers) or numbers != sorted(numbers) or not numbers:
        raise said
    return value


@dataclass(frozen=True, kw_only=True)
class ValueConfig(Section):
    normal: Annotated[list[float | None] | None, PlainValidator(_range)] = None
    """Least and most of what is normal, such as [20, 100] or [null, 60]; in place of what the
    driver says. None: as the driver says."""
    unit: Annotated[str, Field(max_length=LONGEST_UNIT)] = ""
    """Where the driver says none."""
    stale_s: Annotated[float, Field(gt=0, le=86_400)] = 10
    """A value that was not heard for so long is shown as old, with its age."""
    alarm: bool = False
    """Whether somebody has to act when it is out of its range."""
    alarm_after_s: Annotated[float, Field(ge=0, le=86_400)] = 5
    """Seconds that it has to be out of its range for that, without a break."""


@dataclass(frozen=True, kw_only=True)
class MaintenanceConfig(Section):
    counts: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
    """commands, hours (of running), days (of the calendar), or a cmd_type: how often it was
    carried out."""
    every: Annotated[float, Field(gt=0)]
    """So many of them, and it is due."""
    warn_before: Annotated[float, Field(ge=0)] = 0
    """It is shown as soon as so many are left."""
    then: Literal["warn", "hold"] = "warn"
    """hold: the queue of the robot is paused while it is due."""
    text: Annotated[str, Field(max_length=200)] = ""
    """What is to be done."""


@dataclass(frozen=True, kw_only=True)
class StandbyConfig(Section):
    """A robot that two machines can reach: each has it in its configuration, under one name and
    with the same `standby`, and one of them drives it. Needs `fleet.dsn`."""

    fence: Literal["device", "one_client", "none"]
    """What keeps the machine away that drove before. device: the robot's own controller refuses
    it, by an epoch (jsonline 2). one_client: the device, or its serial server, takes one
    connection, and a new one cuts the one before. none: nothing does, so the other machine never
    takes over by itself; a person says that the old one is off."""
    lease_s: Annotated[float, Field(ge=1, le=600)] = 10
    """Seconds without a sign of life after which the other machine takes over. A daemon that
    cannot reach the database for so long, less `margin_s`, stops driving this robot."""
    margin_s: Annotated[float, Field(ge=0.2, le=200)] = 3
    """So long before its lease can be taken a daemon stops driving; at most half of `lease_s`."""


@dataclass(frozen=True, kw_only=True)
class RobotConfig(Section):
    driver: str = "simulator"
    """A driver of this package, or one registered under the entry-point group robotq.drivers."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the driver needs to know; each driver documents its own. A value that begins with
    `./`, `../` or `~/` is a path, relative to this file."""
    devices: Mapping[RobotName, DeviceConfig] = field(default_factory=dict)
    """Devices beside the robot, such as a balance, that steps of its commands use by name:
    `{on: balance, do: {cmd_type: WEIGH}}`."""
    values: Mapping[ValueName, ValueConfig] = field(default_factory=dict)
    """What is normal for values that the driver tells, such as `battery`, and whether somebody has
    to act when one is not. `GET /robots/{robot_id}/values` has their names."""
    maintenance: Mapping[RobotName, MaintenanceConfig] = field(default_factory=dict)
    """What is to be seen to after so many commands, hours or days, by name. Counted from the first
    start with it on."""
    on_start: Literal["resume", "hold"] | None = None
    """Whether waiting commands run by themselves after the daemon starts. None: resume for a
    simulated robot, hold for every other."""
    on_failure: Literal["continue", "hold"] = "continue"
    """What happens to the queue when the device reports that a command failed."""
    on_shutdown: Literal["stop", "leave"] = "stop"
    """What becomes of a running command when the daemon ends. stop: it is given
    `limits.shutdown_grace_s`, and stopped then. leave: it goes on at its device, and the next start
    follows it again, so that robotq can be upgraded while the robot works; only with a driver that
    can ask its device, and not while the command is held, asks or is to stop. Nothing can stop the
    robot through robotq until that is back."""
    durability: Literal["own", "fleet"] = "own"
    """Where a command has to be on disk before its submit is answered. own: here. fleet: here and
    in the database of the fleet, so that the loss of this machine loses no accepted command; while
    that database is away, new commands for this robot are refused, and the robot goes on."""
    standby: StandbyConfig | None = None
    """Another machine takes this robot over if this one is gone: `fence` (device, one_client or
    none), `lease_s` (10), `margin_s` (3). None: it is this daemon's alone."""
    reconnect_s: Annotated[float, Field(gt=0)] = 1
    """Longest pause in seconds between two attempts to restore the link. The first pauses are
    shorter; attempts never end."""
