"""What the emulated machine is doing: moving, jogging, dwelling, homing, or held in one of them."""

from __future__ import annotations

from dataclasses import dataclass

from robotq.testing.emulators.faults import Fault
from robotq.testing.emulators.motion import Axes

_FASTEST = 10.0
"""What is no motion is sped up by no more than this."""


@dataclass(slots=True, kw_only=True)
class Lasting:
    """A line that takes its time, and is answered at the end of it."""

    line: str
    fault: Fault | None
    seconds: float
    until: float | None = None
    """None where it has not begun."""


class Activity:
    """Times are those of the device."""

    def __init__(self, axes: Axes) -> None:
        self._axes = axes
        self.restart()

    def restart(self) -> None:
        """Forget all that is under way but the motion of the axes."""
        self.waiting: str | None = None
        """A line for which the planner has no room."""
        self.dwell: Lasting | None = None
        self.homing: Lasting | None = None
        self.paused = False
        self.jogging = False
        self._cancelling = False

    def hold(self) -> None:
        self._axes.hold()
        self.paused = True

    def resume(self) -> None:
        self._axes.resume()
        self.paused = False

    def cancel_jog(self) -> None:
        self._axes.hold()
        self._cancelling = True

    def home(self, now: float, lasting: Lasting) -> None:
        lasting.until = now + lasting.seconds / min(self._axes.speed, _FASTEST)
        self.homing = lasting

    def advance(self, now: float) -> None:
        """Let time pass up to `now`."""
        self._axes.advance(now)
        if self._cancelling and self._axes.standing:
            self._axes.drop()
            self.jogging = self._cancelling = False
        if not self._axes.blocks:
            self.jogging = False

    def dwelt(self, now: float) -> bool:
        """Whether the dwell is over; it begins when nothing is planned any more."""
        dwell = self.dwell
        if dwell is None:
            return True
        if self._axes.blocks:
            return False
        if dwell.until is None:
            dwell.until = now + dwell.seconds / min(self._axes.speed, _FASTEST)
        return now >= dwell.until

    def ends_s(self, now: float) -> list[float]:
        """The seconds until each thing ends that is under way."""
        ends = [
            lasting.until - now
            for lasting in (self.dwell, self.homing)
            if lasting is not None and lasting.until is not None
        ]
        block = self._axes.next_event_s()
        if block is not None:
            ends.append(block)
        if self._axes.held_since is not None and not self._axes.standing:
            ends.append(self._axes.ramp_s)
        return ends

    def state(self, *, alarm: bool) -> str:
        """As reports call it."""
        axes = self._axes
        if self.homing is not None:
            return "Home"
        if alarm:
            return "Alarm"
        if self.paused or axes.held_since is not None:
            return "Hold:0" if axes.standing or not axes.blocks else "Hold:1"
        if self.jogging:
            return "Jog"
        return "Run" if axes.blocks else "Idle"
