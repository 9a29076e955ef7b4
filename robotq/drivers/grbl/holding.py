"""Pausing the motion, and going on: each byte until the reports show what it has done."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from robotq.drivers.base import DriverError
from robotq.drivers.gcode.channel import WAKE_S
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.polling import Polling
from robotq.drivers.grbl.state import State
from robotq.drivers.patience import Turns

_SHOWS_S = 2.0
"""Seconds in which a hold has to show in the reports."""
_PROGRAM_PAUSE = "reason.program_pause"


class Holding:
    """`hold` and `resume` come from any thread, and one waits for the other."""

    def __init__(self, state: State, channel: Channel, polling: Polling) -> None:
        self._state = state
        self._channel = channel
        self._polling = polling
        self._one = Lock()
        """Held by whoever holds or resumes, until the reports show it."""

    def hold(self) -> None:
        """Raises DriverError, LinkLost."""
        if self._polling.is_homing:
            raise DriverError("a controller of this kind cannot be held while it homes")
        with self._one:
            self._state.hold_wanted = True
            try:
                self._seen_as(b"!", held=True)
                self._state.own_hold = self._channel.holds
            finally:
                # from now on the reports say whether it is held
                self._state.hold_wanted = False

    def resume(self, check: Callable[[], None]) -> None:
        """`check` raises where it must not go on. Raises DriverError, LinkLost."""
        with self._one:
            check()
            status = self._channel.status
            if status is not None and status.ajar:
                raise DriverError("the safety door is open: close it, then resume")
            self._seen_as(b"~", held=False)

    def because(self) -> str:
        """Why it pauses, where it was not `hold`."""
        channel = self._channel
        with channel.still():
            status, lines = channel.status, channel.under_way()
        if status is None or not status.held:
            return ""
        if status.state == "Door":
            return "reason.door_closed" if status.substate == 0 else "reason.door"
        if status.state == "Tool":
            return "reason.tool_change"
        if lines and "M0" in lines[0].codes:
            # it is answered when the program goes on
            return _PROGRAM_PAUSE
        return "" if self._state.own_hold == channel.holds else "reason.held_at_robot"

    def _seen_as(self, byte: bytes, *, held: bool) -> None:
        """Send a byte, again where it seems to be lost, until the reports show its effect."""
        channel = self._channel
        turns = Turns(WAKE_S)
        deadline = turns.now() + _SHOWS_S
        again = 0.0
        seen, answered = channel.statuses, channel.answered
        # the pause of a program is answered when it is over
        pauses, over = not held and self.because() == _PROGRAM_PAUSE, False
        self._polling.hurry(True)
        try:
            while True:
                now = time.monotonic()
                if pauses and not over and channel.answered > answered:
                    # a second byte would end the next pause too
                    over, seen = True, channel.statuses
                if now > again and not over:
                    channel.at_once(byte)
                    again = now + _SHOWS_S / 3
                channel.wait(WAKE_S)
                status = channel.status
                fresh = channel.statuses > seen + 1 and status is not None
                if fresh and status is not None and (over or status.held is held):
                    return
                channel.require_link()
                if turns.now() > deadline:
                    raise DriverError("the controller does not take it")
        finally:
            self._polling.hurry(False)
