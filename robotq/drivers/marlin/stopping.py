"""Coming to rest on Marlin: the motion is broken off, or what is planned is carried out first."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.stopping import Stopping
from robotq.drivers.marlin.state import State
from robotq.drivers.marlin.talk.channel import Channel
from robotq.drivers.marlin.talk.counting import count_anew
from robotq.drivers.marlin.talk.lines import FINISH, QUICK_STOP, SHUTDOWN, STOP_AGAIN, STOP_ON
from robotq.drivers.marlin.talk.lost_lines import PROBE_S, LostLines
from robotq.drivers.patience import Silence, Turns

_URGE_S = 4.5
"""Between two rounds of stops: after each, Marlin answers nothing for two seconds."""
_AGAIN_S = (0.05, 0.5)
"""Seconds after a stop at which it is sent again. A stop holds Marlin up for a second. After it,
the next line that it has already is planned, or as much of an arc as fits, and moves unless another
stop came meanwhile. That one holds it up for a second more."""
_AGAIN_PLAIN = 4
"""So many times without a number: they fit into its buffer, and it answers each of them."""
_IDLE_S = 5.0
"""It says every two seconds that it is busy. After so long without, it has no line any more."""
_AND_AGAIN_S = 0.3
"""From then on, until as many answers have come as it had lines when the stop came. It answers a
stop too, in its turn: so a line that has never reached it holds up nothing for longer."""
_AGAIN_MOST_S = 120.0
"""An arc of two metres is planned in so many pieces."""
_CLEANING_S = 1.1
"""Only then is a quick stop over."""
_RUN_ON_S = 1.5
"""After it has said that it has halted, Marlin goes on with what is planned for 1.1 seconds."""
_STILL_MOVING_S = 600.0
_TURN_S = 0.05
"""The longest that is waited for what it has planned to end, while it says that it is busy."""


class MarlinStopping(Stopping):
    """`quick_stop`, `lines_under_way` and `stop_again` may be called by anyone."""

    _state: State
    _channel: Channel

    def __init__(
        self, state: State, channel: Channel, controls: Controls, lost_lines: LostLines
    ) -> None:
        super().__init__(state, channel, controls)
        self._lost_lines = lost_lines
        self._repeaters: list[threading.Thread] = []
        self._turns = Turns(_TURN_S)
        """All deadlines are in it."""

    def come_to_rest(self, *, wait: bool = False) -> None:
        deadline = self._turns.now() + self._state.options.stop_timeout_s
        try:
            if self._state.emergency_parser and not wait:
                self.quick_stop()
                self._confirm(deadline)
            else:
                self._drain()
        except UncertainOutcome:
            self._state.unsynchronised = True
            raise
        self._state.hold_wanted = False

    def quick_stop(self) -> None:
        """Break off the motion and everything that waits; it loses steps."""
        channel = self._channel
        if self._controls.running:
            channel.position.forget("a motion was broken off")
            channel.position.unhome()
        self._state.unsynchronised = True
        lines = self.lines_under_way()
        try:
            channel.urgent(QUICK_STOP)
        finally:
            self.stop_again(lines)

    def lines_under_way(self) -> int:
        """The number of answers, ever, when the last line will be answered that the controller
        may have now. Takes no lock."""
        channel = self._channel
        others = self._state.options.window if channel.strange else 0
        return channel.condition.answers + channel.owed + others

    def stop_again(self, answers: int) -> None:
        """Send the stop again, whatever the command does meanwhile, until there were so many
        `answers`. Never waits."""
        channel = self._channel
        starts = channel.starts
        silence = Silence()

        def over(began: float) -> bool:
            worked_at = channel.condition.worked_at
            return (
                channel.condition.answers >= answers
                or (
                    worked_at is not None
                    and silence.since(max(began, worked_at), _AND_AGAIN_S) > _IDLE_S
                )
                or channel.starts != starts
                or channel.condition.halted is not None
                or time.monotonic() - began > _AGAIN_MOST_S
            )

        def send() -> None:
            began = time.monotonic()
            due = iter(_AGAIN_S)
            at: float | None = next(due)
            times = 0
            while at is not None:
                time.sleep(max(0.0, began + at - time.monotonic()))
                try:
                    channel.at_once(STOP_AGAIN if times < _AGAIN_PLAIN else STOP_ON)
                    times += 1
                except LinkLost:
                    # whoever waits for the answers sees it
                    return
                at = next(due, None if over(began) else time.monotonic() - began + _AND_AGAIN_S)

        repeater = threading.Thread(target=send, name="marlin-stop-again", daemon=True)
        self._repeaters = [one for one in self._repeaters if one.is_alive()] + [repeater]
        repeater.start()

    @property
    def _stops_again(self) -> bool:
        """The stop is still being sent."""
        return any(one.is_alive() for one in self._repeaters)

    def rest_after_halt(self) -> None:
        """It says that it has halted before it stands: wait until that is certain."""
        until = time.monotonic() + _RUN_ON_S
        while time.monotonic() < until:
            self._pause()

    def emergency_over(self) -> NoReturn:
        self.pass_over_emergencies()
        channel = self._channel
        deadline = self._turns.now() + self._state.options.stop_timeout_s
        self._state.unsynchronised = True
        if self._state.options.emergency == "M410":
            # what is sent before the stop itself has left would be thrown away with the rest
            self._pause()
            self._confirm(deadline)
            raise Stopped
        again = time.monotonic() + 1.0
        while channel.condition.halted is None:
            self._pause()
            channel.require_link()
            if self._turns.now() > deadline:
                raise UncertainOutcome("stop_unconfirmed", "the controller did not answer")
            if time.monotonic() > again:
                again = time.monotonic() + 1.0
                channel.urgent(SHUTDOWN)
        self.rest_after_halt()
        raise Stopped

    def _confirm(self, deadline: float) -> None:
        """The lines that it had taken before the stop, it may still answer: count anew."""
        channel = self._channel
        channel.be_patient()
        urged = time.monotonic()
        while time.monotonic() < urged + _CLEANING_S:
            self._pause()
            self._look(deadline)
        while self._stops_again:
            self._pause()
            self._look(math.inf)
            urged = time.monotonic()
        deadline = self._turns.now() + self._state.options.stop_timeout_s

        def check() -> None:
            nonlocal urged
            if time.monotonic() > urged + _URGE_S:
                # bytes can get lost
                urged = time.monotonic()
                channel.urgent(QUICK_STOP)
                self.stop_again(0)
            self._look(deadline)

        count_anew(channel, self._state.options.stop_timeout_s, check, attempt_s=1.5)
        self._finished(check)

    def _drain(self) -> None:
        """What is planned is carried out, for as long as the controller says that it is busy."""
        channel = self._channel
        last = self._turns.now() + _STILL_MOVING_S
        silence = Silence()
        channel.be_patient()

        def check() -> None:
            silent_s = silence.since(channel.heard_at, _TURN_S)
            self._look(last if silent_s <= self._state.options.stop_timeout_s else -math.inf)

        self._finished(check)

    def _finished(self, check: Callable[[], None]) -> None:
        """Wait until nothing moves any more; `check` is called often, and may raise."""
        channel = self._channel
        silent_since = time.monotonic()

        def wait() -> bool:
            """Whether it has said nothing for so long that something has got lost."""
            nonlocal silent_since
            self._pause()
            check()
            if channel.resend is not None:
                self._lost_lines.send_again()
            silent_since = max(silent_since, channel.heard_at)
            limit_s = min(PROBE_S, self._state.options.stop_timeout_s / 4)
            over = time.monotonic() - silent_since > limit_s
            if over:
                silent_since = time.monotonic()
            return over

        while not channel.put(FINISH, 8, although_shut=True):
            if wait():
                channel.put(FINISH, None, although_shut=True)
                break
        number = channel.mark()
        while channel.reported < number:
            if wait():
                channel.probe()
        self._state.unsynchronised = True

    def _pause(self) -> None:
        self._channel.wait(_TURN_S)

    def _look(self, deadline: float) -> None:
        channel = self._channel
        if self.emergency:
            self.emergency_over()
        if channel.condition.halted is not None:
            self.rest_after_halt()
            raise DriverError(f"the controller has halted: {channel.condition.halted}; restart it")
        channel.require_link()
        if self._turns.now() > deadline:
            raise UncertainOutcome("stop_unconfirmed", "the controller did not answer")
