"""What a person takes from a robot: a resource that it holds and is not at."""

from __future__ import annotations

from collections.abc import Mapping

from robotq.engine.commit.locks import unbroken
from robotq.engine.queue.claims import Claims
from robotq.engine.robot.robot import Robot
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import TaskMemory
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import Occupancy

_MOVING = frozenset({"run", "jog", "home", "homing", "hold", "door"})
"""States of controllers in which a robot is on its way, or was stopped on it."""


class Releasing:
    """Gives up the resources of robots that are absent, off for repair, or carried away.

    The person who asks has looked. What the daemon itself knows better is refused: a robot that
    runs a command, moves, or says that it stands there.
    """

    def __init__(
        self,
        *,
        robots: Mapping[str, Robot],
        memory: TaskMemory,
        resources: Resources,
        claims: Claims,
        clock: WallClock,
    ) -> None:
        self._robots = robots
        self._memory = memory
        self._resources = resources
        self._claims = claims
        self._clock = clock

    @unbroken
    async def release(
        self,
        resource: str,
        holder: str,
        *,
        actor: str,
        since_ms: int | None = None,
        note: str = "",
    ) -> Occupancy:
        """`holder`: who is meant to hold it, and with `since_ms` since when. Returns what it was.

        Raises RobotqError resource_not_held, resource_in_use, store_unavailable.
        """
        occupancy = self._meant(resource, holder, since_ms)
        robot = self._robots.get(occupancy.robot)
        if robot is not None and robot.connected:
            await self._look(robot, occupancy)
            # it may have changed hands while the robot was asked
            occupancy = self._meant(resource, holder, since_ms)
        running = self._memory.robot_queue(occupancy.robot).running
        if running is not None:
            raise self._in_use(occupancy, f"{occupancy.robot} runs {running.id}")
        event = Event(
            kind="resource.released",
            at_ms=self._clock.now_ms(),
            actor=actor,
            robot=occupancy.robot,
            data={"resource": resource, "since_ms": occupancy.since_ms, "note": note},
        )
        # nothing is awaited since the look at what runs: from here on it begins nothing there
        await self._claims.release_resource(occupancy, event)
        return occupancy

    def _meant(self, resource: str, holder: str, since_ms: int | None) -> Occupancy:
        occupancy = self._resources.holder(resource)
        if occupancy is None:
            raise RobotqError("resource_not_held", resource=resource)
        if occupancy.robot != holder or since_ms not in (None, occupancy.since_ms):
            raise self._in_use(occupancy, f"{occupancy.robot} holds it by now, and not {holder}")
        return occupancy

    async def _look(self, robot: Robot, occupancy: Occupancy) -> None:
        """Raises RobotqError resource_in_use where the robot says that it is there or moves."""
        try:
            status = await robot.status()
        except RobotqError as error:
            if not robot.connected:
                return
            raise self._in_use(occupancy, f"{robot.name} does not say where it is: {error}") from (
                error
            )
        place = status.place
        if place is not None and occupancy.resource in self._resources.of((place,)):
            raise self._in_use(occupancy, f"{robot.name} says that it stands at {place}")
        if _moves(status.details):
            raise self._in_use(occupancy, f"{robot.name} moves")

    def _in_use(self, occupancy: Occupancy, reason: str) -> RobotqError:
        return RobotqError(
            "resource_in_use",
            resource=occupancy.resource,
            reason=reason,
            holder=occupancy.robot,
            since_ms=occupancy.since_ms,
        )


def _moves(details: Mapping[str, object]) -> bool:
    """What drivers tell of a motion that is no command, such as a jog at the machine."""
    state = str(details.get("state", "")).partition(":")[0].casefold()
    return details.get("moving") is True or state in _MOVING
