"""What can happen to a command while it waits, and what it means for it: an alarm, a refused
line, a stop, a lost link, a lost answer, the end of its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.protocol import alarm_text
from robotq.drivers.grbl.state import State
from robotq.drivers.grbl.stopping import Stopping

LOOK_S = 0.25
"""The longest wait between two looks."""
_RESET_IN_MOTION = 3


class Watch:
    """Waits for news on behalf of the command, on its thread. What ends the command is raised
    when the robot has come to rest."""

    def __init__(
        self, state: State, channel: Channel, controls: Controls, stopping: Stopping
    ) -> None:
        self._state = state
        self._channel = channel
        self._controls = controls
        self._stopping = stopping
        self._deadline: float | None = None
        self._timeout_s = 0.0
        self._looked = 0.0

    def begin(self, timeout_s: float | None) -> None:
        """A new exchange, which has `timeout_s` seconds; None: as many as it takes."""
        self._channel.begin()
        self._stopping.begin()
        self._timeout_s = timeout_s or 0.0
        self._looked = time.monotonic()
        self._deadline = None if timeout_s is None else self._looked + timeout_s
        self.look(0.0)

    def look(
        self,
        wait_s: float = LOOK_S,
        *,
        unless: Callable[[], bool] | None = None,
        in_homing: bool = False,
    ) -> None:
        """Wait for news, and raise what they mean for the command. Does not wait where `unless`
        is true, which is asked once no news can be missed any more."""
        if wait_s:
            self._channel.wait(
                wait_s, unless=lambda: self._eventful() or (unless is not None and unless())
            )
        if self._eventful():
            self._take_event()
        self._held_time()
        if self._deadline is not None and time.monotonic() > self._deadline:
            self._deadline = None
            self._stopping.come_to_rest()
            raise DriverError(
                f"not finished within {self._timeout_s:g} s",
                code="timeout",
                timeout_s=self._timeout_s,
            )
        if not in_homing:
            self._check_silence()

    def raise_refusal(self) -> None:
        """Raises DriverError where a line was answered with an error."""
        complaint = self._channel.complaint
        if complaint is None:
            return
        line, text = complaint
        # it has the following lines already, and carries them out
        self._stopping.come_to_rest()
        where = f"line {line.number}, " if line is not None and line.number else ""
        raise DriverError(f"{where}{text}")

    def out_of_step(self, reason: str) -> NoReturn:
        """Which lines were carried out is not known."""
        self._stopping.soft_reset()
        raise UncertainOutcome("answer_lost", reason)

    @property
    def held(self) -> bool:
        """The motion is paused, by us or at the machine; a stop that slows it down is no hold."""
        state, status = self._state, self._channel.status
        if state.coming_to_rest or state.rest_asked:
            return False
        return state.hold_wanted or (status is not None and status.held)

    def until_resumed(self) -> None:
        """What a controller refuses while it pauses is not sent before it goes on."""
        while self.held:
            self.look()

    def _held_time(self) -> None:
        """Time in which the robot is held does not count."""
        now = time.monotonic()
        if self.held and self._deadline is not None:
            self._deadline += now - self._looked
        self._looked = now

    def _eventful(self) -> bool:
        channel = self._channel
        return (
            channel.lost is not None
            or self._controls.interrupted
            or self._stopping.started_anew
            or channel.alarm is not None
            or channel.complaint is not None
        )

    def _take_event(self) -> None:
        channel, controls, stopping = self._channel, self._controls, self._stopping
        if controls.latched or stopping.emergency:
            stopping.emergency_over()
        channel.require_link()
        if controls.stopping or controls.closed:
            stopping.come_to_rest()
            raise Stopped
        # after an alarm of its own, such as a homing that failed, it may greet by itself
        by_alarm = channel.alarm is not None and channel.alarm != _RESET_IN_MOTION
        if not by_alarm and (stopping.started_anew or channel.alarm == _RESET_IN_MOTION):
            # lines that it took after the start must not become motions
            stopping.soft_reset(moving=True)
            told = channel.greeting.text if channel.greeting else "no greeting"
            raise UncertainOutcome("device_reset", told)
        if channel.alarm is not None:
            alarm = channel.alarm
            stopping.soft_reset()
            channel.keep_alarm(alarm)
            raise DriverError(alarm_text(alarm))

    def _check_silence(self) -> None:
        """Tell a controller that works from one that has lost a line, or whose answer was lost:
        the one without answers that does not move either."""
        channel = self._channel
        with channel.still():
            status, lines = channel.status, channel.under_way()
            allowed = self._state.options.answer_timeout_s + sum(line.dwell_s for line in lines)
            # a long motion is no silence: what counts is how long it has stood since the answer
            silent = channel.stood_for_s() > allowed
        if not lines or status is None or self._state.hold_wanted:
            return
        if status.state == "Alarm" and not all(line.text.startswith("$") for line in lines):
            channel.alarm_by_report()
        elif silent:
            self.out_of_step("an answer did not come, or a line did not arrive")
