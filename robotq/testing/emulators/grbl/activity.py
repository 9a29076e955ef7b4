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
    says: str = ""
    """Before the answer."""


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
        self.pause: Lasting | None = None
        """A pause of the program, M0: it begins when nothing is planned any more, and is answered
        when it was resumed."""
        self.paused = False
        self.door = False
        """The door was opened, and nobody has resumed since."""
        self.jogging = False
        self._cancelling = False
        self._restored_at = 0.0

    @property
    def at_a_line(self) -> bool:
        """A line has been taken, and not answered yet."""
        return any(each is not None for each in (self.waiting, self.dwell, self.homing))

    def hold(self) -> None:
        """Of a jog there is nothing to be held: it is cancelled."""
        if self.jogging:
            self.cancel_jog()
            return
        self._axes.hold()
        self.paused = True

    def open_door(self) -> None:
        """A jog is cancelled, anything else is held; nothing moves before it is resumed."""
        self.hold()
        self.paused = self.door = True

    def resume(self, now: float = 0.0, restore_s: float = 0.0) -> None:
        """After a door, spindle and coolant are switched on first; only then it moves."""
        if self.door and restore_s:
            self._restored_at = self._restored_at or now + restore_s
            return
        self._axes.resume()
        self.paused = self.door = False

    def restoring(self, now: float) -> bool:
        return self.door and now < self._restored_at

    @property
    def cancelling(self) -> bool:
        """A jog comes to its end. No line is read meanwhile, and one that has come in the meantime
        is carried out after it: also a jog, which moves."""
        return self._cancelling

    def cancel_jog(self) -> None:
        self._axes.hold()
        self._cancelling = True

    def home(self, now: float, lasting: Lasting) -> None:
        lasting.until = now + lasting.seconds / min(self._axes.speed, _FASTEST)
        self.homing = lasting

    def advance(self, now: float) -> None:
        """Let time pass up to `now`."""
        self._axes.advance(now)
        if self._restored_at and now >= self._restored_at:
            self._restored_at = 0.0
            self.resume()
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

    def pause_over(self) -> bool:
        """Whether the pause of the program is over; the first call after the motion begins it."""
        pause = self.pause
        if pause is None:
            return True
        if self._axes.blocks:
            return False
        if pause.until is None:
            pause.until = 0.0
            self.hold()
            return False
        return not self.paused

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
        if self._restored_at:
            ends.append(max(0.0, self._restored_at - now))
        return ends

    def state(self, now: float, *, alarm: bool, ajar: bool) -> str:
        """As reports call it."""
        axes = self._axes
        if self.homing is not None:
            return "Home"
        if alarm:
            return "Alarm"
        if self.door:
            if self.restoring(now):
                return "Door:3"
            if axes.blocks and not axes.standing:
                return "Door:2"
            return "Door:1" if ajar else "Door:0"
        if self._cancelling and not self.paused:
            return "Jog"
        if self.paused or axes.held_since is not None:
            return "Hold:0" if axes.standing or not axes.blocks else "Hold:1"
        if self.jogging:
            return "Jog"
        return "Run" if axes.blocks else "Idle"
