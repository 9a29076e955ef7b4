"""What the commands of a simulated robot are written with: steps, drives and arm motions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from robotq.drivers.base import CommandContext, DriverError, LinkLost, Stopped
from robotq.drivers.simulator.body import Body
from robotq.drivers.simulator.controls import Run
from robotq.drivers.simulator.faults import Fault, FaultKind
from robotq.drivers.simulator.lab.layout import Axis, Layout
from robotq.drivers.simulator.lab.state import LabState, RobotState
from robotq.drivers.simulator.motion import Profile
from robotq.drivers.simulator.mover import Effect, Mover
from robotq.drivers.simulator.params import Params
from robotq.model.task import Command

_ALIGNING = 0.5
"""Seconds of the small correction where the robot stands already."""


class Machine:
    """One robot at work on one command.

    Its methods raise Stopped once the robot stands after a stop, and DriverError when
    something is impossible.
    """

    def __init__(
        self,
        body: Body,
        run: Run,
        command: Command,
        context: CommandContext,
        *,
        part: bool = False,
    ) -> None:
        """`part`: the command is a part of another one, which tells its own progress."""
        self.robot = body.robot
        self.params = Params(command.params)
        self.context = context
        self._body = body
        self._run = run
        self._command = command.cmd_type
        self._mover = Mover(body, run, command.cmd_type, context)
        self._part = part
        self._step = ""
        self._limit_s = self._deadline = math.inf
        self._seconds = 0.0
        self._slowness = 1.0
        self._steps_done = 0
        self._steps_expected = 0

    @property
    def layout(self) -> Layout:
        return self._body.layout

    @property
    def state(self) -> LabState:
        return self._body.lab.state

    @property
    def me(self) -> RobotState:
        return self._body.me

    def expect(self, steps: int) -> None:
        """Say that so many more steps will come, so that progress can be told."""
        if not self._part:
            self._steps_expected = self._steps_done + steps

    def change(self, effect: Effect) -> None:
        """Change the lab without a motion, e.g. by what was found out."""
        self._body.lab.change(effect)

    @contextmanager
    def step(
        self, name: str, *, span: tuple[float, float] | None = None, **detail: Any
    ) -> Iterator[float]:
        """A named step; yields its duration in seconds, which its motions share.

        The duration is drawn from `span`, else from the layout's durations of that step; a
        step that is in neither has none of its own.
        """
        span = span or self.layout.durations.get(name, (0.0, 0.0))
        with self.context.step(name, **detail):
            self._step = name
            self._seconds = self._body.random.uniform(*span)
            self._slowness = 1.0
            for fault in self._body.faults.due(self._command, name):
                self._suffer(fault)
            yield self._seconds
        self._steps_done += 1
        if self._steps_expected:
            self.context.progress(min(1.0, self._steps_done / self._steps_expected))

    def arm(self, what: str, share: float, effect: Effect | None = None) -> None:
        """A motion of the arms that takes a share of the step's duration."""
        self._timed(what, share, self._body.parts.arm, effect)

    def grip(self, what: str, share: float, effect: Effect | None = None) -> None:
        """A motion of the gripper that takes a share of the step's duration."""
        self._timed(what, share, self._body.parts.gripper, effect)

    def lasting(self, what: str, seconds: float) -> None:
        """A motion of the arms that takes so long."""
        self._move(what, Profile.lasting(seconds, self._body.parts.arm))

    def along(self, what: str, distance: float, speed: float) -> None:
        """A motion of the arms over so many mm, in mm/s no faster than they are."""
        arm = self._body.parts.arm
        axis = Axis(speed=min(speed, arm.speed), acceleration=arm.acceleration)
        self._move(what, Profile.over(distance, axis), one_of_many=True)

    def check(self) -> None:
        """Raises Stopped where the command is to end: for what takes time and moves nothing."""
        if self._run.interrupted():
            raise Stopped

    def rest(self, seconds: float) -> None:
        """Let time pass without a motion."""
        self._within_limit(seconds)
        if not self._body.clock.sleep(seconds, self._run.interrupted):
            raise Stopped

    @contextmanager
    def limited(self, timeout_s: float | None) -> Iterator[None]:
        """What is inside takes no longer: DriverError `timeout` comes before the motion that
        would."""
        if timeout_s is None:
            yield
            return
        self._limit_s, self._deadline = timeout_s, self._body.clock.now() + timeout_s
        try:
            yield
        finally:
            self._deadline = math.inf

    def _within_limit(self, seconds: float) -> None:
        if self._body.clock.now() + seconds > self._deadline:
            raise DriverError(
                f"not finished within {self._limit_s:g} s", code="timeout", timeout_s=self._limit_s
            )

    def stands_at(self, place: str) -> bool:
        pose = self.layout.places[place]
        return self.me.place == place and self._distance(pose.x, pose.y) < 1

    def drive(self, place: str, *, step: str = "NAVIGATING") -> None:
        """A step of driving to a place, or of a small correction where the robot is there.

        Raises DriverError for a place that the lab does not have.
        """
        if place not in self.layout.places:
            known = ", ".join(self.layout.places)
            raise DriverError(f"{self.robot} knows no place {place}; it knows {known}")
        with self.step(step, area=place):
            if self.stands_at(place):
                profile = Profile.lasting(_ALIGNING, self._body.parts.drive)
                self._move(f"align at {place}", profile)
            else:
                self._drive(place)

    def _drive(self, place: str) -> None:
        pose = self.layout.places[place]
        thresholds = self.layout.thresholds
        axis = self._body.parts.drive
        speed = axis.speed * (1 - self._body.random.uniform(0, thresholds.speed_variation))
        profile = Profile.over(
            self._distance(pose.x, pose.y), Axis(speed=speed, acceleration=axis.acceleration)
        ).slowed(self._slowness)
        left = self.me.place
        self._mover.move(
            self._step,
            f"drive {left or 'on the way'} -> {place}",
            profile,
            to=(pose.x, pose.y),
            place=place,
            clear=None if left in (None, place) else thresholds.clear_of_place,
        )

    def _distance(self, x: float, y: float) -> float:
        return math.dist((self.me.x, self.me.y), (x, y))

    def _timed(self, what: str, share: float, axis: Axis, effect: Effect | None) -> None:
        self._move(what, Profile.lasting(self._seconds * share, axis), effect)

    def _move(
        self,
        what: str,
        profile: Profile,
        effect: Effect | None = None,
        *,
        one_of_many: bool = False,
    ) -> None:
        slowed = profile.slowed(self._slowness)
        self._within_limit(slowed.duration)
        self._mover.move(self._step, what, slowed, effect=effect, one_of_many=one_of_many)

    def _suffer(self, fault: Fault) -> None:
        match fault.kind:
            case FaultKind.FAIL:
                raise DriverError(fault.reason)
            case FaultKind.RAISE:
                raise RuntimeError(fault.reason)
            case FaultKind.LINK_DROP:
                self._body.link.drop(fault.reason, fault.refused_connects)
                raise LinkLost(fault.reason)
            case FaultKind.PAUSE:
                self._body.controls.hold(fault.reason)
            case FaultKind.STALL:
                self._body.clock.sleep(math.inf, self._run.interrupted)
                raise Stopped
            case FaultKind.SLOW:
                self._slowness *= fault.factor
            case FaultKind.UNCONFIRMED_STOP:
                self._run.deaf = True
