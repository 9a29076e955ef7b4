"""How a simulated axis moves: up to speed, on, and down to rest, in mm, mm/s and mm/s2."""

from __future__ import annotations

import math

import msgspec

from robotq.drivers.simulator.lab.layout import Axis


class Profile(msgspec.Struct, frozen=True):
    """A trapezoid of speed over time, from rest to rest."""

    distance: float
    """mm"""
    peak: float
    """Highest speed that is reached, mm/s."""
    acceleration: float
    """mm/s2"""

    @staticmethod
    def over(distance: float, axis: Axis) -> Profile:
        """The quickest way over a distance."""
        peak = min(axis.speed, math.sqrt(distance * axis.acceleration))
        return Profile(distance, peak, axis.acceleration)

    @staticmethod
    def lasting(seconds: float, axis: Axis) -> Profile:
        """The longest way in a time."""
        peak = min(axis.speed, axis.acceleration * seconds / 2)
        return Profile(peak * (seconds - peak / axis.acceleration), peak, axis.acceleration)

    def slowed(self, factor: float) -> Profile:
        """The same way in `factor` times the time."""
        return Profile(self.distance, self.peak / factor, self.acceleration / factor**2)

    def rest(self, travelled: float) -> Profile:
        """What is left of the way, begun again from rest."""
        return Profile.over(
            self.distance - travelled, Axis(speed=self.peak, acceleration=self.acceleration)
        )

    @property
    def ramp(self) -> float:
        """Seconds of speeding up, and of slowing down."""
        return self.peak / self.acceleration

    @property
    def duration(self) -> float:
        """Seconds of the whole way."""
        return self.distance / self.peak + self.ramp if self.peak else 0.0

    def travelled(self, seconds: float) -> float:
        """mm after that time."""
        if seconds >= self.duration:
            return self.distance
        left = self.duration - seconds
        if seconds < self.ramp:
            return self.acceleration * seconds**2 / 2
        if left < self.ramp:
            return self.distance - self.acceleration * left**2 / 2
        return self.peak * (seconds - self.ramp / 2)

    def speed(self, seconds: float) -> float:
        """mm/s at that time."""
        left = self.duration - seconds
        return max(0.0, min(self.peak, self.acceleration * min(seconds, left)))

    def moment(self, distance: float) -> float:
        """Seconds after which that distance has been travelled."""
        ramp_way = self.peak * self.ramp / 2
        left = self.distance - distance
        if left <= 0:
            return self.duration
        if distance < ramp_way:
            return math.sqrt(2 * distance / self.acceleration)
        if left < ramp_way:
            return self.duration - math.sqrt(2 * left / self.acceleration)
        return distance / self.peak + self.ramp / 2

    def braking(self, seconds: float) -> float:
        """Seconds from that time until rest, when slowing down begins then."""
        return self.speed(seconds) / self.acceleration

    def braked(self, seconds: float, braking: float) -> float:
        """mm on the way down, `braking` seconds after slowing down began at `seconds`."""
        speed = self.speed(seconds)
        braking = min(braking, speed / self.acceleration)
        return speed * braking - self.acceleration * braking**2 / 2
