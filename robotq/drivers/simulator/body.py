"""One simulated robot: what it is made of, and what it does at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from robotq.drivers.simulator.controls import Controls
from robotq.drivers.simulator.faults import Faults
from robotq.drivers.simulator.lab.lab import Lab
from robotq.drivers.simulator.lab.layout import Layout, RobotLayout
from robotq.drivers.simulator.lab.state import LabState, RobotState, with_robot
from robotq.drivers.simulator.link import SimulatorLink
from robotq.drivers.simulator.motion import Profile
from robotq.drivers.simulator.motion_log import MotionLog
from robotq.model.clock import MotionClock

Point = tuple[float, float]
"""x and y in mm."""

CHARGER = "CHARGER"
"""The place where the battery is charged for as long as the robot stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """A motion that is under way, for those who look on from other threads."""

    command: str
    step: str
    motion: str
    start: Point
    end: Point
    length: float
    """mm of the whole motion."""
    done: float = 0.0
    """mm travelled before `began`."""
    began: float = 0.0
    """Motion time at which `profile` began."""
    profile: Profile | None = None
    """None while the robot stands in the middle of the motion."""

    def travelled(self, now: float) -> float:
        """mm since the motion began."""
        return self.done + (self.profile.travelled(now - self.began) if self.profile else 0.0)

    def speed(self, now: float) -> float:
        """mm/s"""
        return self.profile.speed(now - self.began) if self.profile else 0.0

    def position(self, now: float) -> Point:
        share = self.travelled(now) / self.length if self.length else 1.0
        return (
            self.start[0] + share * (self.end[0] - self.start[0]),
            self.start[1] + share * (self.end[1] - self.start[1]),
        )


class Body:
    """The parts of one robot, for as long as its driver lives."""

    def __init__(
        self,
        *,
        robot: str,
        lab: Lab,
        clock: MotionClock,
        log: MotionLog,
        link: SimulatorLink,
        faults: Faults,
        random: Random,
    ) -> None:
        self.robot = robot
        self.lab = lab
        self.clock = clock
        self.log = log
        self.link = link
        self.faults = faults
        self.random = random
        self.controls = Controls(clock)
        self.moving: Moving | None = None
        self._docked_at = clock.now() if self.me.place == CHARGER else None

    @property
    def layout(self) -> Layout:
        return self.lab.layout

    @property
    def parts(self) -> RobotLayout:
        return self.layout.robots[self.robot]

    @property
    def me(self) -> RobotState:
        """The robot as the last finished motion left it."""
        return self.lab.state.robots[self.robot]

    def position(self) -> Point:
        """Where the robot is at this moment, in mm."""
        moving = self.moving
        return (self.me.x, self.me.y) if moving is None else moving.position(self.clock.now())

    def battery(self) -> float:
        """Percent at this moment."""
        return min(100.0, self.me.battery + self._charged())

    def settled(self, state: LabState, **changes: Any) -> LabState:
        """The lab with these changes to the robot, and with what it has been charged so far."""
        after = with_robot(state, self.robot, **{"battery": self.battery(), **changes})
        docked = after.robots[self.robot].place == CHARGER
        self._docked_at = self.clock.now() if docked else None
        return after

    def worn(self, state: LabState, seconds: float, **changes: Any) -> LabState:
        """`settled` after a motion that took so long; somebody changes a battery that is low."""
        thresholds = self.layout.thresholds
        battery = self.battery() - 100 * seconds / thresholds.battery_life
        if battery < thresholds.battery_swap_below:
            battery = 100.0
        motions = state.robots[self.robot].motions + 1
        return self.settled(state, battery=battery, motions=motions, **changes)

    def _charged(self) -> float:
        docked_at = self._docked_at
        if docked_at is None:
            return 0.0
        return 100 * (self.clock.now() - docked_at) / self.layout.thresholds.battery_charge
