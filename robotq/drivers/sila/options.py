"""The `options` of a robot with `driver: sila`: the keys of `robotq.config.sila_robot`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from robotq.config.sila_robot import SILA_ROBOT, SilaRobot
from robotq.drivers.mapped.commands import MappedOptions, Written, wrong_options
from robotq.drivers.sila.reading import RobotReader
from robotq.drivers.sila.ready import ReadyRobot, SilaProgram


@dataclass(frozen=True, slots=True, kw_only=True)
class SilaOptions(MappedOptions[SilaProgram]):
    does = "a robot behind a SiLA server does what its own options say"

    ready: ReadyRobot

    @property
    def programs(self) -> Mapping[str, SilaProgram]:
        return self.ready.programs

    @property
    def written(self) -> Mapping[str, Written]:
        return self.ready.commands


@dataclass(frozen=True, slots=True, kw_only=True)
class WithPlaces(SilaOptions):
    """Of a robot whose options say which places there are."""

    @property
    def places(self) -> Collection[str]:
        """Of `KnowsPlaces`."""
        return self.ready.robot.places


def read_options(robot: str, options: Mapping[str, Any]) -> SilaOptions:
    """Raises ConfigError with one line for each fault."""
    read = SILA_ROBOT.read(options)
    if not isinstance(read, SilaRobot):
        raise wrong_options(robot, read)
    reader = RobotReader(read)
    ready = reader.read()
    if ready is None:
        raise wrong_options(robot, reader.faults)
    return (WithPlaces if read.places else SilaOptions)(ready=ready)
