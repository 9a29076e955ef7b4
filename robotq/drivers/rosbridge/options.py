"""The `options` of a robot with `driver: rosbridge`: the keys of `robotq.config.ros_robot`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from yarl import URL

from robotq.config.ros_robot import ROS_ROBOT, RosRobot
from robotq.drivers.mapped.commands import brought, why_lacking, wrong_options
from robotq.drivers.rosbridge.reading import RobotReader
from robotq.drivers.rosbridge.ready import ReadyRobot
from robotq.model.json import JsonObject
from robotq.steps import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class RosbridgeOptions:
    url: str
    ready: ReadyRobot

    def lacks(self, cmd_type: str, program: Program | None) -> str | None:
        """Of `KnowsCommands`."""
        what = "a robot behind rosbridge does what its own options say"
        return why_lacking(cmd_type, program, self.ready.programs, what=what)

    @property
    def brings(self) -> Mapping[str, JsonObject]:
        """Of `BringsCommands`."""
        commands = self.ready.robot.commands
        return {
            name: brought(commands[name], program.params, query=program.query, reads=program.query)
            for name, program in self.ready.programs.items()
        }


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
