"""Coming to rest on GRBL: the motion is slowed down, and what was not carried out is dropped by a
reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from robotq.drivers.base import Stopped, UncertainOutcome
from robotq.drivers.gcode.channel import WAKE_S
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.stopping import Stopping
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.polling import Polling
from robotq.drivers.grbl.state import State
from robotq.drivers.patience import Turns

_GREETING_S = 3.0
"""A reset in motion is followed by half a second of silence before the greeting."""


class GrblStopping(Stopping):
    _state: State
    _channel: Channel

    def __init__(
        self, state: State, channel: Channel, polling: Polling, controls: Controls
    ) -> None:
        super().__init__(state, channel, controls)
        self._polling = polling
        self._turns = Turns(WAKE_S)
        """All deadlines are in it."""
        self._resets = 0
        """Greetings when the exchange that is under way began."""

    def begin(self) -> None:
        self._resets = self._channel.starts
        super().begin()

    @property
    def started_anew(self) -> bool:
        """The controller has greeted since."""
        return self._channel.starts != self._resets

    @property
    def rests(self) -> bool:
        """The last report says that nothing moves."""
        status = self._channel.status
        return status is not None and status.rests

    def come_to_rest(self, *, wait: bool = False) -> None:  # noqa: ARG002
        """It always drops what it has planned."""
        self._state.coming_to_rest = True
        try:
            self._come_to_rest()
        finally:
            self._state.coming_to_rest = False

    def _come_to_rest(self) -> None:
        channel = self._channel
        deadline = self._turns.now() + self._state.options.stop_timeout_s
        status = channel.status
        if self._polling.is_homing:
            self.soft_reset(moving=True)
            return
        if status is not None and status.state == "Jog":
            channel.at_once(b"\x85")
        self._polling.hurry(True)
        try:
            seen = channel.statuses
            # a byte can get lost
            self._repeat(b"!", 1.0, lambda: channel.statuses > seen + 1 and self.rests, deadline)
        finally:
            self._polling.hurry(False)
        self.soft_reset()

    def soft_reset(self, *, moving: bool = False) -> None:
        """Reset, and wait until the controller speaks again; where it stood, the position stays
        known. Returns when no greeting can follow any more."""
        channel = self._channel
        with channel.still():
            resets = channel.starts
            channel.expect_reset(not moving)
        deadline = self._turns.now() + _GREETING_S
        with self._polling.silent():
            self._repeat(b"\x18", _GREETING_S / 2, lambda: channel.starts != resets, deadline)
            # a start of its own may have come first; the answer to this comes after ours
            statuses = channel.statuses
            self._repeat(b"?", 0.2, lambda: channel.statuses != statuses, deadline)
        self._state.hold_wanted = self._state.rest_asked = False
        with channel.still():
            self._resets = channel.starts
            channel.expect_reset(False)

    def emergency_over(self) -> NoReturn:
        channel = self._channel
        self.pass_over_emergencies()
        half = _GREETING_S / 2
        deadline = self._turns.now() + _GREETING_S
        channel.wait_for(
            lambda: self.started_anew,
            lambda: self._require_time(deadline),
            say=b"\x18",
            first_s=half,
            every_s=half,
        )
        raise Stopped

    def _repeat(
        self, byte: bytes, every_s: float, done: Callable[[], bool], deadline: float
    ) -> None:
        """Send a byte, again and again, until it has had its effect."""

        def check() -> None:
            if self.emergency:
                self.emergency_over()
            self._require_time(deadline)

        self._channel.wait_for(done, check, say=byte, every_s=every_s)

    def _require_time(self, deadline: float) -> None:
        if self._turns.now() > deadline:
            self._state.unsynchronised = True
            raise UncertainOutcome("stop_unconfirmed", "the controller did not answer")
