"""Every key of a robot behind rosbridge: what stands under `options` of a robot with
`driver: rosbridge`. Only the shapes; `robotq.drivers.rosbridge` says what they mean together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from robotq.config.device_params import STRICT, DeviceCommand, DeviceParam
from robotq.config.shaped import Shaped
from robotq.config.strict_yaml import KeyPath


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RosAsk:
    """A service that is called, or a topic of which the next message is taken. It moves nothing."""

    service: str | None = None
    topic: str | None = None
    type: str | None = None
    """Such as std_srvs/srv/Trigger or sensor_msgs/msg/BatteryState."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """Of a service; texts in it may hold `{expressions}` of `params` and `values`."""
    check: str | None = None
    """An expression over `response` or `message` that must be true."""
    otherwise: str | None = None
    """What it means where `check` is not true."""
    answer_s: float | None = Field(default=None, gt=0, le=3_600)
    """Seconds in which the answer, or the next message, comes. None: that of the robot."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RosFeedback:
    """What the feedback of an action says."""

    progress: str | None = None
    """An expression over `feedback`, from 0 to 1."""
    step: str | None = None
    """The name of what the robot does now, with `{expressions}` of `feedback`."""
    partial: Mapping[str, str] = field(default_factory=dict)
    """Name -> expression: what clients see of the result while the command runs."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RosCommand(RosAsk, DeviceCommand):
    """Exactly one of `action`, `service`, `topic`."""

    action: str | None = None
    goal: Mapping[str, Any] = field(default_factory=dict)
    """Of an action; texts in it may hold `{expressions}` of `params` and `values`. A text that is
    nothing but one `{expression}` becomes the value itself."""
    feedback: RosFeedback = field(default_factory=RosFeedback)
    requires: list[RosAsk] = field(default_factory=list)
    """What has to be true before the goal or the request is sent."""
    result: Mapping[str, str] = field(default_factory=dict)
    """Name -> expression over `result` of an action, `response` or `message`."""
    place: str | None = None
    """Where the robot stands when the command is done, with `{expressions}`."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RosStop:
    """What an emergency stop does besides cancelling every goal: a service or a message."""

    service: str | None = None
    topic: str | None = None
    type: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    message: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RosShows:
    """A number that a topic tells, shown while a command runs and while none does."""

    topic: str
    type: str
    value: str
    """An expression over `message` and `values`, such as `message.percentage * 100`."""
    unit: str = Field(default="", max_length=16)
    normal: list[float | None] | None = Field(default=None, min_length=2, max_length=2)
    """Least and most of what is normal, such as [20, 100] or [null, 60]."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RosRobot:
    url: str = "ws://127.0.0.1:9090"
    """Of the bridge."""
    ros: Literal[1, 2] = 2
    """1: actions are those of actionlib, with types such as move_base_msgs/MoveBaseAction."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Names for numbers and texts that expressions use."""
    allowed: list[str] = field(default_factory=list)
    """Names of actions, services and topics that may be used, with `*` for any characters.
    Empty: those of `commands` and `stop`."""
    commands: Mapping[str, RosCommand] = field(default_factory=dict)
    shows: Mapping[str, RosShows] = field(default_factory=dict)
    """Name -> what is listened to all the time, and shown with its normal range and its course."""
    stop: list[RosStop] = field(default_factory=list)
    """Sent by an emergency stop, behind the cancelling of all goals."""
    places: list[str] = field(default_factory=list)
    """All places to which the robot can be sent. Resources that name none of them are an error
    then; without it nobody knows."""
    answer_s: float = Field(default=10, gt=0, le=3_600)
    """Seconds in which a service answers, and a topic has a message."""
    accept_s: float = Field(default=5, gt=0, le=600)
    """Seconds in which a goal is accepted or rejected."""
    others: Literal["refuse", "ignore"] = "refuse"
    """What a command does while its action carries out a goal of somebody else."""


def _below(path: KeyPath) -> Any:
    """The dataclass whose keys may stand at `path`."""
    above = path[-2] if len(path) > 1 else ""
    if above == "params":
        return DeviceParam
    if above == "commands":
        return RosCommand
    if above == "shows":
        return RosShows
    last = next((part for part in reversed(path) if isinstance(part, str)), "")
    kinds: Mapping[str, Any] = {"stop": RosStop, "requires": RosAsk, "feedback": RosFeedback}
    return kinds.get(last, RosRobot)


ROS_ROBOT = Shaped(RosRobot, _below)
