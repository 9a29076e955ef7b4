"""Who stands in a place for which others wait, and what leads it away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from robotq.catalog import Kind
from robotq.engine.holds.board import HoldBoard
from robotq.engine.robot.robot import Robot
from robotq.engine.settings import Settings
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import TaskMemory
from robotq.model.errors import RobotqError
from robotq.model.hold import Wait, WaitCode
from robotq.model.json import JsonObject

_HOME: Sequence[tuple[str, JsonObject]] = (("HOME", {}), ("NAVIGATION", {"area": "HOME"}))
"""The packaged commands that lead a robot away from wherever it stands."""
_BY_STEPS = ("grbl", "marlin")
"""Packaged drivers whose commands are written as steps; the others go to places by name."""


class Occupants:
    """Looks at the robots as they are at this moment, and changes nothing."""

    def __init__(
        self,
        *,
        robots: Mapping[str, Robot],
        memory: TaskMemory,
        holds: HoldBoard,
        resources: Resources,
        settings: Settings,
    ) -> None:
        self._robots = robots
        self._memory = memory
        self._holds = holds
        self._resources = resources
        self._settings = settings

    def with_occupant(self, wait: Wait) -> Wait:
        """A wait for a place says what the one does that occupies it, and what leads it away."""
        because = tuple(self.with_occupant(one) for one in wait.because)
        if because != wait.because:
            wait = replace(wait, because=because)
        if wait.code is not WaitCode.RESOURCE:
            return wait
        return replace(
            wait,
            args={**wait.args, **self._occupant(wait.args["occupied_by"], wait.args["resource"])},
        )

    def _occupant(self, name: str, resource: str) -> JsonObject:
        """`occupant`: running, idle, held or absent; and what a person needs to clear it."""
        robot = self._robots.get(name)
        robot_queue = self._memory.robot_queues.get(name)
        running = None if robot_queue is None else robot_queue.running
        occupancy = self._resources.holder(resource)
        send_away = None
        if running is not None:
            state = "running"
        elif robot is None or not robot.connected:
            state = "absent"
        else:
            state = "held" if self._holds.held(name) else "idle"
            send_away = self._send_away(name, resource)
        return {
            "occupant": state,
            "occupant_task": None if running is None else running.id,
            "occupied_since_ms": None if occupancy is None else occupancy.since_ms,
            "send_away": send_away,
        }

    def _send_away(self, robot: str, resource: str) -> JsonObject | None:
        """A command that leads a robot away from a resource; None where none is known."""
        catalog = self._settings.catalog
        by_steps = self._robots[robot].config.driver in _BY_STEPS
        for cmd_type, params in _HOME:
            if cmd_type not in catalog:
                continue
            spec = catalog.get(cmd_type)
            if spec.kind is not Kind.QUEUED or (spec.robots and robot not in spec.robots):
                continue
            if bool(spec.program(robot)) is not by_steps:
                continue
            try:
                checked = catalog.validated(spec, params)
            except RobotqError:
                continue
            places = catalog.places(spec, checked) if spec.resources else ()
            if resource in self._resources.of(places):
                continue
            return {"cmd_type": cmd_type, "robot_id": robot, "params": params}
        return None
