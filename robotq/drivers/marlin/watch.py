"""What can happen to a command while it waits, and what it means for it: a complaint, a stop, a
lost link, a start of the controller, a request for a line, the end of its time."""

from __future__ import annotations

import time

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.marlin.channel import Channel
from robotq.drivers.marlin.lines import GO_ON
from robotq.drivers.marlin.lost_lines import LostLines
from robotq.drivers.marlin.state import State
from robotq.drivers.marlin.stopping import Stopping

LOOK_S = 0.25
"""The longest wait between two looks."""


class Watch:
    """Waits for news on behalf of the command, on its thread. What ends the command is raised
    when the robot has come to rest."""

    def __init__(
        self,
        state: State,
        channel: Channel,
        controls: Controls,
        lost_lines: LostLines,
        stopping: Stopping,
    ) -> None:
        self._state = state
        self._channel = channel
        self._controls = controls
        self._lost_lines = lost_lines
        self._stopping = stopping
        self._starts = 0
        """Starts of the controller when the exchange that is under way began."""
        self._deadline: float | None = None
        self._timeout_s = 0.0
        self._looked = 0.0

    def begin(self, timeout_s: float | None) -> None:
        """A new exchange, which has `timeout_s` seconds; None: as many as it takes."""
        channel = self._channel
        channel.begin()
        with channel.still():
            self._starts = channel.starts
            if self._state.unsynchronised:
                # what it still asks for belongs to an earlier command
                channel.forget()
        self._stopping.begin()
        self._lost_lines.begin()
        self._timeout_s = timeout_s or 0.0
        self._looked = time.monotonic()
        self._deadline = None if timeout_s is None else self._looked + timeout_s
        self.look(0.0)

    def look(self, wait_s: float = LOOK_S) -> None:
        """Wait for news, and raise what they mean for the command."""
        channel = self._channel
        if wait_s:
            channel.wait(wait_s, unless=lambda: self._state.go_on or self._eventful())
        if self._state.go_on:
            self._state.go_on = False
            channel.put(GO_ON, None)
        if self._eventful():
            self._take_event()
        now = time.monotonic()
        if (self._state.hold_wanted or channel.paused) and self._deadline is not None:
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
        self._lost_lines.check_silence()

    def look_while_counting(self) -> None:
        """The same while both sides find into step: without a wait, and what the controller asks
        for again is left to whoever counts."""
        with self._channel.without_requests():
            if self._eventful():
                self._take_event()

    def _eventful(self) -> bool:
        channel = self._channel
        return (
            channel.lost is not None
            or channel.halted is not None
            or channel.starts != self._starts
            or channel.resend is not None
            or channel.complaint is not None
            or self._controls.interrupted
            or self._stopping.emergency
        )

    def _take_event(self) -> None:
        channel, controls, stopping = self._channel, self._controls, self._stopping
        if controls.latched or stopping.emergency:
            stopping.emergency_over()
        if channel.halted is not None:
            stopping.rest_after_halt()
            raise DriverError(f"the controller has halted: {channel.halted}; restart it")
        channel.require_link()
        if channel.starts != self._starts:
            self._state.unsynchronised = True
            raise UncertainOutcome("device_reset", "the controller has started anew")
        if controls.stopping or controls.closed:
            stopping.come_to_rest()
            raise Stopped
        if channel.resend is not None:
            self._lost_lines.send_again()
        if channel.complaint is not None:
            line, text = channel.complaint
            stopping.come_to_rest(wait=True)
            where = f"line {line.number}, " if line is not None and line.number else ""
            raise DriverError(f"{where}{text}")
