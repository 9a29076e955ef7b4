"""Carrying out motions: each can be held, stopped and cut off at any moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from robotq.drivers.base import CommandContext, Stopped
from robotq.drivers.simulator.body import Body, Moving, Point
from robotq.drivers.simulator.controls import Run
from robotq.drivers.simulator.lab.state import LabState
from robotq.drivers.simulator.motion import Profile

Effect = Callable[[LabState], LabState]
"""What a motion does to the lab once it is complete."""

_ROUNDING = 1e-6
"""mm"""


class Mover:
    """The motions of one execution. All of them go the same way: wait while held, write the
    line of the motion log, let the time of the motion pass, and only then change the lab."""

    def __init__(self, body: Body, run: Run, command: str, context: CommandContext) -> None:
        self._body = body
        self._run = run
        self._command = command
        self._context = context
        self._clock = body.clock

    def move(
        self,
        step: str,
        what: str,
        profile: Profile,
        *,
        to: Point | None = None,
        place: str | None = None,
        clear: float | None = None,
        effect: Effect | None = None,
        one_of_many: bool = False,
    ) -> None:
        """One motion. `to` is where it takes the robot, and `place` the name of that;
        `clear` the mm after which it has left the place where it stood. `one_of_many`: what it
        has worn off is on disk a little later.

        Raises Stopped; the lab then knows how far the robot came.
        """
        here = (self._body.me.x, self._body.me.y)
        moving = Moving(
            command=self._command,
            step=step,
            motion=what,
            start=here,
            end=to or here,
            length=profile.distance,
        )
        self._go_on()
        while not self._log(step, what):
            # it was held in this very moment
            self._go_on()
        trip = _Trip(self._body, moving, profile)
        began = self._clock.now()
        try:
            if clear is not None:
                self._advance(trip, min(clear, profile.distance))
                self._body.lab.change(lambda state: self._body.settled(state, place=None))
                self._context.moved_to(None)
            self._advance(trip, profile.distance)
            changes = {"place": place} if place else {}
            self._end(trip, profile.duration, changes, effect, save_later=one_of_many)
        except Stopped:
            self._end(trip, self._clock.now() - began, {}, None)
            raise
        finally:
            self._body.moving = None
        if place:
            self._context.moved_to(place)

    def _log(self, step: str, what: str) -> bool:
        """Whether the motion may begin; not while it is held. Raises Stopped."""
        held = False

        def allowed() -> bool:
            nonlocal held
            held = self._body.controls.held
            return not held and not self._run.emergency

        logged = self._body.log.append(
            task_id=self._context.task_id,
            attempt=self._context.attempt,
            step=step,
            motion=what,
            allowed=allowed,
        )
        if not logged and not held:
            raise Stopped
        return logged

    def _advance(self, trip: _Trip, until: float) -> None:
        """Go on to `until` mm from the start of the motion."""
        while trip.at < until - _ROUNDING:
            if trip.stands:
                self._go_on()
                trip.start(self._clock.now())
            if self._clock.sleep(trip.moment(until) - self._clock.now(), self._disturbed):
                trip.at = until
            else:
                self._brake(trip)

    def _brake(self, trip: _Trip) -> None:
        """Come to rest on the slope of the profile; in an emergency, on the spot."""
        began = self._clock.now()
        self._clock.sleep(trip.braking(began), lambda: self._run.emergency)
        trip.stand(began, self._clock.now() - began)

    def _end(
        self,
        trip: _Trip,
        seconds: float,
        changes: dict[str, str],
        effect: Effect | None,
        *,
        save_later: bool = False,
    ) -> None:
        x, y = trip.position()

        def change(state: LabState) -> LabState:
            after = effect(state) if effect else state
            return self._body.worn(after, seconds, x=x, y=y, **changes)

        self._body.lab.change(change, save_later=save_later)

    def _go_on(self) -> None:
        """Wait while the robot is held. Raises Stopped."""
        controls = self._body.controls
        if controls.held:
            self._clock.wait_outside(lambda: self._run.interrupted() or not controls.held)
        if self._run.interrupted():
            raise Stopped

    def _disturbed(self) -> bool:
        return self._body.controls.held or self._run.interrupted()


class _Trip:
    """How far a motion has come. After a rest in between it begins anew with what is left."""

    def __init__(self, body: Body, moving: Moving, profile: Profile) -> None:
        self._body = body
        self._moving = moving
        self._profile = profile
        self._leg = profile
        self._leg_start = 0.0
        self._leg_began = 0.0
        self.at = 0.0
        """mm from the start of the motion that are certain to be done."""
        self.stands = True

    def start(self, now: float) -> None:
        self._leg = self._profile.rest(self.at) if self.at else self._profile
        self._leg_start = self.at
        self._leg_began = now
        self.stands = False
        self._body.moving = replace(self._moving, done=self.at, began=now, profile=self._leg)

    def moment(self, until: float) -> float:
        """Motion time at which `until` mm will be done."""
        return self._leg_began + self._leg.moment(until - self._leg_start)

    def braking(self, now: float) -> float:
        """Seconds that it takes to come to rest from now on."""
        return self._leg.braking(now - self._leg_began)

    def stand(self, disturbed_at: float, braked: float) -> None:
        """It has come to rest, having slowed down for `braked` seconds."""
        seconds = disturbed_at - self._leg_began
        way = self._leg.travelled(seconds) + self._leg.braked(seconds, braked)
        self.at = max(self.at, min(self._leg_start + way, self._profile.distance))
        self.stands = True
        self._body.moving = replace(self._moving, done=self.at)

    def position(self) -> Point:
        return replace(self._moving, done=self.at).position(0.0)
