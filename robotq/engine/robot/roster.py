"""The robots of a daemon by name, and the names of those for which something is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from robotq.engine.queue.absent import AbsentRobots
from robotq.engine.robot.robot import Robot
from robotq.engine.settings import Settings
from robotq.engine.state.tasks import TaskMemory
from robotq.model.errors import RobotqError


class Roster(Mapping[str, Robot]):
    """The configured robots, in the order of the configuration."""

    def __init__(
        self,
        robots: Mapping[str, Robot],
        absent: AbsentRobots,
        memory: TaskMemory,
        settings: Settings,
    ) -> None:
        self._robots = robots
        self._absent = absent
        self._memory = memory
        self._settings = settings

    def __getitem__(self, name: str) -> Robot:
        return self._robots[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._robots)

    def __len__(self) -> int:
        return len(self._robots)

    @property
    def default(self) -> str:
        """The robot of a command that names none; empty where there is no robot."""
        return self._settings.config.default_robot or next(iter(self._robots), "")

    def robot(self, name: str) -> Robot:
        """Raises RobotqError bad_parameter with the known names."""
        robot = self._robots.get(name)
        if robot is None:
            known = ", ".join(self._robots)
            gone = f"{name} is not in the configuration; " if name in self._absent.names else ""
            reason = f"{gone}expected one of {known}"
            raise RobotqError("bad_parameter", field="robot_id", reason=reason)
        return robot

    @property
    def queue_names(self) -> Sequence[str]:
        """The queues of all robots, also of those that are not configured any more."""
        return (*self._robots, *self._absent.names)

    def queue_name(self, name: str) -> str:
        """Raises RobotqError bad_parameter with the known names."""
        return name if name in self._absent.names else self.robot(name).name

    def meant(self, name: str | None) -> Sequence[str]:
        """The queue of this robot or of these workers; None: those of all robots.

        Raises RobotqError bad_parameter.
        """
        if name in self._memory.worker_queues:
            return (name,)
        return self.queue_names if name is None else (self.queue_name(name),)
