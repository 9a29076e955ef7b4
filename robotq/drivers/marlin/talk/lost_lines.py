"""Lines that got lost, or whose answer did: sent again, or asked about.

Every wait here has an end, after which the outcome is uncertain or the link is lost.
"""

from __future__ import annotations

import time

from robotq.drivers.base import LinkLost, UncertainOutcome
from robotq.drivers.gcode.watch import LOOK_S
from robotq.drivers.marlin.state import State
from robotq.drivers.marlin.talk.channel import Channel
from robotq.drivers.patience import Silence

PROBE_S = 2.5
"""A controller that works at something says every two seconds that it is busy. After a longer
silence it is asked how far it has got."""
_PROBES = 3
_QUIET_S = 0.1
"""After a request for a line, the controller says nothing more for so long: only then is what it
has thrown away known."""
_CHATTING_S = 2.0
"""The longest that is waited for that."""
_REPEATS = 10
"""Requests for the same line; then something is wrong with the wire."""


class LostLines:
    """What became of lines without an answer, for the command thread."""

    def __init__(self, state: State, channel: Channel) -> None:
        self._state = state
        self._channel = channel
        self._wanted_again: tuple[int, int] = (0, 0)
        """The line that it last asked for, and how often."""
        self._doubted = False
        """It has asked for a line that it cannot want, and was asked how far it is."""
        self._probes = 0
        self._probed = 0.0
        self._silence = Silence()

    def begin(self) -> None:
        """A new exchange."""
        self._probes = 0
        self._doubted = False

    def wait_anew(self) -> None:
        """Another line is waited for: silence before it does not count."""
        self._probes = 0

    def send_again(self) -> None:
        """The controller wants a line again. What it has got of the following ones is known when
        it has said nothing for a moment.

        Raises UncertainOutcome where the line does not arrive, or is one that it has long had.
        """
        channel = self._channel
        until = time.monotonic() + _CHATTING_S
        while channel.wait(_QUIET_S) and time.monotonic() < until:
            if channel.lost is not None:
                return
        wanted = channel.resend
        if wanted is None:
            return
        number, times = self._wanted_again
        self._wanted_again = (wanted, times + 1 if wanted == number else 1)
        if self._wanted_again[1] > _REPEATS:
            self._state.unsynchronised = True
            raise UncertainOutcome("answer_lost", f"line {wanted} does not arrive")
        if channel.repeat():
            self._doubted = False
        elif not self._doubted:
            # one damaged number proves nothing: what it says to a new line decides
            self._doubted = True
            channel.probe()
        else:
            self._state.unsynchronised = True
            channel.position.forget("the controller seems to have started anew")
            raise UncertainOutcome("device_reset", f"it asks for line {wanted} again")

    def check_silence(self) -> None:
        """After a silence, the next number tells a lost line from a lost answer. Raises LinkLost
        after a longer one."""
        channel = self._channel
        with channel.still():
            lines, heard = channel.under_way(), channel.heard_at
        dwell = sum(line.dwell_s for line in lines)
        if not lines or channel.condition.paused:
            # what is sent to a controller that waits for a person only fills its buffers
            return
        limit = self._state.options.answer_timeout_s
        pause = min(PROBE_S, limit / (_PROBES + 1))
        if heard > self._probed:
            self._probes = 0
        silent_s = self._silence.since(heard, LOOK_S)
        if time.monotonic() - max(heard + dwell, self._probed) < pause:
            return
        if self._probes < _PROBES:
            self._probes += 1
            channel.probe()
            self._probed = time.monotonic()
        elif silent_s > limit + dwell:
            reason = f"the controller has said nothing for {limit:g} s"
            channel.transport.lose(reason)
            raise LinkLost(reason)
