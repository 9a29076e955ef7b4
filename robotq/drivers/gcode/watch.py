"""What can happen to a command while it waits, and what it means for it, whatever the firmware."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from robotq.drivers.base import DriverError
from robotq.drivers.gcode.channel import LineChannel
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.state import RobotState
from robotq.drivers.gcode.stopping import Stopping

LOOK_S = 0.25
"""The longest wait between two looks."""
_SILENCE_S = 0.05
"""Between two looks at whether it is silent, which are not worth while at every answer."""


class Watch(ABC):
    """Waits for news on behalf of the command, on its thread. What ends the command is raised
    when the robot has come to rest."""

    def __init__(
        self,
        state: RobotState[Any],
        channel: LineChannel[Any],
        controls: Controls,
        stopping: Stopping,
    ) -> None:
        self._state = state
        self._channel = channel
        self._controls = controls
        self._stopping = stopping
        self._deadline: float | None = None
        self._timeout_s = 0.0
        self._looked = 0.0
        self._silence_looked = 0.0
        self._hold_counts = False

    # -- what a firmware gives -----------------------------------------------------------------

    @property
    @abstractmethod
    def held(self) -> bool:
        """The motion is paused; a stop that slows it down is no hold."""

    @abstractmethod
    def _eventful(self) -> bool:
        """There is something for `_take_event`."""

    @abstractmethod
    def _take_event(self) -> None:
        """Raise what it means for the command."""

    @abstractmethod
    def _check_silence(self) -> None:
        """See that a controller which does not answer is still there, and has all lines."""

    def _begin(self) -> None:  # noqa: B027 - many have nothing to do here
        """An exchange begins."""

    def _pass_on(self) -> None:  # noqa: B027 - many have nothing to do here
        """Send what somebody else has asked the command to send."""

    # -- what all of them do -------------------------------------------------------------------

    def begin(self, timeout_s: float | None, *, hold_counts: bool = False) -> None:
        """A new exchange, which has `timeout_s` seconds; None: as many as it takes.
        `hold_counts`: also those in which the robot is held."""
        self._channel.begin()
        self._begin()
        self._stopping.begin()
        self._timeout_s = timeout_s or 0.0
        self._hold_counts = hold_counts
        self._looked = time.monotonic()
        self._deadline = None if timeout_s is None else self._looked + timeout_s
        self.look(0.0)

    def look(
        self,
        wait_s: float = LOOK_S,
        *,
        unless: Callable[[], bool] | None = None,
        may_be_silent: bool = False,
    ) -> None:
        """Wait for news, and raise what they mean for the command. Does not wait where `unless`
        is true, which is asked once no news can be missed any more."""
        if wait_s:
            self._channel.wait(
                wait_s, unless=lambda: self._eventful() or (unless is not None and unless())
            )
        self._pass_on()
        if self._eventful():
            self._take_event()
        now = time.monotonic()
        if self._deadline is not None and self.held and not self._hold_counts:
            # time in which the robot is held does not count
            self._deadline += now - self._looked
        self._looked = now
        if self._deadline is not None and now > self._deadline:
            self._deadline = None
            self._stopping.come_to_rest()
            raise DriverError(
                f"not finished within {self._timeout_s:g} s",
                code="timeout",
                timeout_s=self._timeout_s,
            )
        if not may_be_silent and now - self._silence_looked >= _SILENCE_S:
            self._silence_looked = now
            self._check_silence()

    def until_resumed(self) -> None:
        """What a controller refuses while it pauses is not sent before it goes on."""
        while self.held:
            self.look()

    def raise_complaint(self) -> None:
        """Raises DriverError where the controller has refused a line."""
        complaint = self._channel.complaint
        if complaint is None:
            return
        line, text = complaint
        # it has the following lines already, and carries them out
        self._stopping.come_to_rest(wait=True)
        where = f"line {line.number}, " if line is not None and line.number else ""
        raise DriverError(f"{where}{text}")
