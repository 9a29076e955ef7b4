"""The `options` of a robot with `driver: rosbridge`: the keys of `robotq.config.ros_robot`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from yarl import URL

from robotq.config.ros_robot import ROS_ROBOT, RosRobot
from robotq.drivers.mapped.commands import MappedOptions, Written, wrong_options
from robotq.drivers.rosbridge.reading import RobotReader
from robotq.drivers.rosbridge.ready import ReadyRobot, RosProgram


@dataclass(frozen=True, slots=True, kw_only=True)
class RosbridgeOptions(MappedOptions[RosProgram]):
    does = "a robot behind rosbridge does what its own options say"

    url: str
    ready: ReadyRobot

    @property
    def programs(self) -> Mapping[str, RosProgram]:
        return self.ready.programs

    @property
    def written(self) -> Mapping[str, Written]:
        return self.ready.robot.commands


@dataclass(frozen=True, slots=True, kw_only=True)
class WithPlaces(RosbridgeOptions):
    """Of a robot whose options say which places there are."""

    @property
    def places(self) -> Collection[str]:
        """Of `KnowsPlaces`."""
        return self.ready.robot.places


def read_options(robot: str, options: Mapping[str, Any]) -> RosbridgeOptions:
    """Raises ConfigError with one line for each fault."""
    read = ROS_ROBOT.read(options)
    if not isinstance(read, RosRobot):
        raise wrong_options(robot, read)
    reader = RobotReader(read)
    ready = reader.read()
    if not _is_bridge(read.url):
        reader.faults.append((("url",), f"found {read.url!r}, expected ws://host:9090"))
    if ready is None or reader.faults:
        raise wrong_options(robot, reader.faults)
    kind = WithPlaces if read.places else RosbridgeOptions
    return kind(url=read.url, ready=ready)


def _is_bridge(text: str) -> bool:
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in ("ws", "wss") and bool(url.host) and url.user is None
