"""What can happen to a command on Marlin while it waits: a complaint, a stop, a lost link, a start
of the controller, a request for a line, the end of its time."""

from __future__ import annotations

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.watch import Watch
from robotq.drivers.marlin.state import State
from robotq.drivers.marlin.stopping import MarlinStopping
from robotq.drivers.marlin.talk.channel import Channel
from robotq.drivers.marlin.talk.lines import GO_ON
from robotq.drivers.marlin.talk.lost_lines import LostLines


class MarlinWatch(Watch):
    _state: State
    _channel: Channel
    _stopping: MarlinStopping

    def __init__(
        self,
        state: State,
        channel: Channel,
        controls: Controls,
        lost_lines: LostLines,
        stopping: MarlinStopping,
    ) -> None:
        super().__init__(state, channel, controls, stopping)
        self._lost_lines = lost_lines
        self._starts = 0
        """Starts of the controller when the exchange that is under way began."""

    @property
    def held(self) -> bool:
        return self._state.hold_wanted or self._channel.condition.paused

    def look_while_counting(self) -> None:
        """The same while both sides find into step: without a wait, and what the controller asks
        for again is left to whoever counts."""
        with self._channel.without_requests():
            if self._eventful():
                self._take_event()

    def _begin(self) -> None:
        channel = self._channel
        with channel.still():
            self._starts = channel.starts
            if self._state.unsynchronised:
                # what it still asks for belongs to an earlier command
                channel.forget()
        self._lost_lines.begin()

    def _pass_on(self) -> None:
        if self._state.go_on:
            self._state.go_on = False
            self._channel.put(GO_ON, None)

    def _eventful(self) -> bool:
        return (
            self._channel.has_event(self._starts)
            or self._state.go_on
            or self._controls.interrupted
            or self._stopping.emergency
        )

    def _take_event(self) -> None:
        channel, controls, stopping = self._channel, self._controls, self._stopping
        if controls.latched or stopping.emergency:
            stopping.emergency_over()
        if channel.condition.halted is not None:
            stopping.rest_after_halt()
            raise DriverError(f"the controller has halted: {channel.condition.halted}; restart it")
        channel.require_link()
        if channel.starts != self._starts:
            self._state.unsynchronised = True
            raise UncertainOutcome("device_reset", "the controller has started anew")
        if controls.stopping or controls.closed:
            stopping.come_to_rest()
            raise Stopped
        if channel.resend is not None:
            self._lost_lines.send_again()
        self.raise_complaint()

    def _check_silence(self) -> None:
        self._lost_lines.check_silence()
