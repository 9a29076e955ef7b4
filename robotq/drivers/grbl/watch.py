"""What can happen to a command on GRBL while it waits: an alarm, a refused line, a stop, a lost
link, a lost answer, the end of its time."""

from __future__ import annotations

from typing import NoReturn

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.gcode.watch import Watch
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.faults import alarm_text
from robotq.drivers.grbl.state import State
from robotq.drivers.grbl.stopping import GrblStopping

_RESET_IN_MOTION = 3


class GrblWatch(Watch):
    _state: State
    _channel: Channel
    _stopping: GrblStopping

    @property
    def held(self) -> bool:
        """By us or at the machine."""
        state, status = self._state, self._channel.status
        if state.coming_to_rest or state.rest_asked:
            return False
        return state.hold_wanted or (status is not None and status.held)

    def out_of_step(self, reason: str) -> NoReturn:
        """Which lines were carried out is not known."""
        self._stopping.soft_reset()
        raise UncertainOutcome("answer_lost", reason)

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
