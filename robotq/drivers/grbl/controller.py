"""Motion on a controller of the GRBL family: what is waited for, and what counts as done.

An `ok` means that a line was read and planned. Motion has ended when the answer to a dwell,
which the controller gives only when nothing is planned any more, was followed by a report of
Idle. Nothing here homes, unlocks or repeats a line by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.lines import Line, prepare
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.options import GrblOptions
from robotq.drivers.grbl.polling import Polling
from robotq.drivers.grbl.protocol import alarm_text, error_text

_log = logging.getLogger(__name__)

_BARRIER = Line(text="G4 P0.01", number=0, codes=("G4",), motion=False, dwell_s=0.01)
_MODES = Line(text="$G", number=0, codes=(), motion=False)
_GREETING_S = 3.0
"""A reset in motion is followed by half a second of silence before the greeting."""
_LOOK_S = 0.25
_PROGRESS_S = 0.2
_RESET_IN_MOTION = 3
_STILL_MOVING_S = 60.0


class Controller:
    """Procedures on one channel. All but `hold`, `resume`, `ask_to_stop` and `emergency_stop`
    belong to the command thread."""

    def __init__(
        self, options: GrblOptions, channel: Channel, polling: Polling, controls: Controls
    ) -> None:
        self.options = options
        self.homed = False
        self.hold_wanted = False
        self.rest_asked = False
        """A stop has told the controller to slow down."""
        self.unsynchronised = False
        """The controller may still have lines of an earlier command."""
        self._channel = channel
        self._polling = polling
        self._controls = controls
        self._resets = 0
        """Greetings when the exchange that is under way began."""
        self._emergencies = 0
        self._deadline: float | None = None
        self._timeout_s = 0.0
        self._looked = 0.0

    # -- what steps ask for --------------------------------------------------------------------

    def run(
        self,
        lines: Sequence[str],
        *,
        from_client: bool = False,
        progress: Callable[[float], None] | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """Stream lines, and wait until the robot has carried them out."""
        options = self.options
        prepared = prepare(lines, options.program_rules if from_client else options.rules)
        self._ready()
        self._begin(timeout_s)
        self._stream(prepared, progress)
        self._settle()

    def home(self, axes: str, *, timeout_s: float | None = None) -> None:
        channel = self._channel
        self._synchronise()
        self._begin(timeout_s)
        self.homed = False
        asked = Line(text=f"$H{axes}", number=0, codes=(), motion=True)
        deadline = time.monotonic() + self.options.homing_timeout_s
        with self._polling.homing():
            self._send(asked)
            while channel.outstanding:
                self._look(in_homing=True)
                if time.monotonic() > deadline:
                    self._abort(f"not homed within {self.options.homing_timeout_s:g} s")
        self._refused()
        self._settle()
        self.homed = True
        channel.why_lost = None

    def unlock(self) -> None:
        self._synchronise()
        self._begin(None)
        self._exchange(Line(text="$X", number=0, codes=(), motion=False))
        # the last report may still be of the alarm
        self._until_idle()
        if self._channel.why_lost is not None:
            self.homed = False
        # the person who asked for it takes the position for known
        self._channel.why_lost = None

    def jog(self, axes: str, *, timeout_s: float | None = None) -> None:
        lines = prepare([axes], self.options.rules)
        if len(lines) != 1 or lines[0].codes:
            raise DriverError(f"a jog takes axes and F, found {axes!r}", code="bad_parameter",
                              field="jog")  # fmt: skip
        self._ready()
        self._begin(timeout_s)
        self._exchange(Line(text=f"$J=G91 G21 {lines[0].text}", number=0, codes=(), motion=True))
        self._until_idle()

    def query(self, line: str, *, timeout_s: float | None = None) -> Sequence[str]:
        self._synchronise()
        self._begin(timeout_s)
        self._exchange(Line(text=line, number=0, codes=(), motion=True))
        self._settle()
        with self._channel.changed:
            return [text for text in self._channel.told if not text.startswith("[GC:")]

    def wait(self, seconds: float) -> None:
        self._begin(None)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._look(min(left, _LOOK_S))

    def check(self) -> None:
        """Raises what has befallen the command since its last exchange: Stopped, for example."""
        self._look(0.0)

    # -- an exchange ---------------------------------------------------------------------------

    def _begin(self, timeout_s: float | None) -> None:
        channel = self._channel
        channel.begin()
        with channel.changed:
            self._resets = channel.resets
        self._emergencies = self._controls.emergencies
        self._timeout_s = timeout_s or 0.0
        self._looked = time.monotonic()
        self._deadline = None if timeout_s is None else self._looked + timeout_s
        self._look(0.0)

    def _ready(self) -> None:
        """Nothing is sent to a robot that does not know where it stands."""
        channel = self._channel
        self._synchronise()
        self._begin(None)
        status = channel.status
        if status is not None and status.state == "Alarm":
            told = "" if channel.last_alarm is None else f" ({alarm_text(channel.last_alarm)})"
            raise DriverError(f"the controller is locked by an alarm{told}: HOME or UNLOCK first")
        if status is not None and status.state == "Check":
            raise DriverError("the controller only checks programs ($C); nothing would move")
        if self.options.homing_required and not self.homed:
            raise DriverError("the robot has not been homed: HOME first")
        if channel.why_lost is not None:
            raise DriverError(
                f"the position is not known, because {channel.why_lost}: HOME, or UNLOCK to take "
                "it as it is"
            )

    def _synchronise(self) -> None:
        """Have the controller forget what it may still have of an earlier command."""
        status = self._channel.status
        # asleep, it takes nothing but a reset
        asleep = status is not None and status.state == "Sleep"
        if not self.unsynchronised and not asleep:
            return
        self._begin(_STILL_MOVING_S)
        while not self._rests():
            self._look()
        self._soft_reset()
        self.unsynchronised = False

    def _stream(self, lines: Sequence[Line], progress: Callable[[float], None] | None) -> None:
        channel = self._channel
        told = 0.0
        answered = channel.answered
        at = 0
        while at < len(lines) or channel.outstanding:
            if at < len(lines) and self._takes(lines[at]):
                end = at + (1 if self.options.line_by_line else 512)
                at += channel.put(lines[at:end])
            self._look(next_line=lines[at] if at < len(lines) else None)
            self._refused()
            if progress is not None and time.monotonic() - told > _PROGRESS_S:
                told = time.monotonic()
                progress((channel.answered - answered) / len(lines))

    def _takes(self, line: Line) -> bool:
        """Whether this line of a program may be sent now."""
        channel = self._channel
        return channel.takes(line) and not (self.options.line_by_line and channel.outstanding)

    def _settle(self) -> None:
        """Wait until nothing is planned, the robot stands, and every answer is accounted for."""
        channel = self._channel
        self._send(_BARRIER)
        self._until_answered()
        self._until_idle()
        with channel.changed:
            channel.told = type(channel.told)(
                (text for text in channel.told if not text.startswith("[GC:")),
                channel.told.maxlen,
            )
        self._send(_MODES)
        self._until_answered()
        with channel.changed:
            in_step = any(text.startswith("[GC:") for text in channel.told)
            unexplained = channel.unexplained
        if unexplained or not in_step:
            self._out_of_step("there were more answers than lines")

    def _exchange(self, line: Line) -> None:
        self._send(line)
        self._until_answered()

    def _send(self, line: Line) -> None:
        while not self._channel.put([line]):
            self._look()
            self._refused()

    def _until_answered(self) -> None:
        while self._channel.outstanding:
            self._look()
        self._refused()

    def _until_idle(self) -> None:
        """Until a report that was made after the last answer says Idle."""
        channel = self._channel
        seen = channel.statuses
        self._polling.hurry(True)
        try:
            while True:
                self._look()
                status = channel.status
                if channel.statuses > seen and status is not None:
                    seen = channel.statuses
                    if status.state in ("Idle", "Check"):
                        return
                    if status.state == "Alarm":
                        channel.alarm = channel.alarm or status.substate or 0
        finally:
            self._polling.hurry(False)

    # -- what can happen meanwhile -----------------------------------------------------------------

    def _look(
        self,
        wait_s: float = _LOOK_S,
        *,
        next_line: Line | None = None,
        in_homing: bool = False,
    ) -> None:
        """Wait for news, and raise what they mean for the command. Does not wait where
        `next_line` may be sent."""
        channel = self._channel
        with channel.changed:
            sendable = next_line is not None and self._takes(next_line)
            if wait_s and not sendable and not self._eventful():
                channel.changed.wait(wait_s)
        if self._eventful():
            self._take_event()
        self._held_time()
        if self._deadline is not None and time.monotonic() > self._deadline:
            self._deadline = None
            self._come_to_rest()
            raise DriverError(
                f"not finished within {self._timeout_s:g} s",
                code="timeout",
                timeout_s=self._timeout_s,
            )
        if not in_homing:
            self._check_silence()

    def _held_time(self) -> None:
        """Time in which the robot is held does not count."""
        now = time.monotonic()
        if self.held and self._deadline is not None:
            self._deadline += now - self._looked
        self._looked = now

    @property
    def held(self) -> bool:
        """The motion is paused, by us or at the machine."""
        status = self._channel.status
        return self.hold_wanted or (status is not None and status.state in ("Hold", "Door"))

    def _eventful(self) -> bool:
        channel = self._channel
        return (
            channel.lost is not None
            or self._controls.interrupted
            or channel.resets != self._resets
            or channel.alarm is not None
            or channel.refused is not None
        )

    def _take_event(self) -> None:
        channel, controls = self._channel, self._controls
        if controls.latched or controls.emergencies != self._emergencies:
            self._emergency_over()
        if channel.lost is not None:
            raise LinkLost(channel.lost)
        if controls.stopping or controls.closed:
            self._come_to_rest()
            raise Stopped
        if channel.resets != self._resets or channel.alarm == _RESET_IN_MOTION:
            # lines that it took after the start must not become motions
            self._soft_reset(moving=True)
            told = channel.greeting.text if channel.greeting else "no greeting"
            raise UncertainOutcome("device_reset", told)
        if channel.alarm is not None:
            alarm = channel.alarm
            self._soft_reset()
            channel.alarm = alarm
            raise DriverError(alarm_text(alarm))

    def _refused(self) -> None:
        refused = self._channel.refused
        if refused is None:
            return
        line, error = refused
        # it has the following lines already, and carries them out
        self._come_to_rest()
        where = f"line {line.number}, " if line.number else ""
        raise DriverError(f"{where}{line.text!r}: {error_text(error.number)}")

    def _check_silence(self) -> None:
        """Tell a controller that works from one that has lost a line, or whose answer was lost:
        the one without answers that does not move either."""
        channel = self._channel
        with channel.changed:
            status, since = channel.status, channel.standing_since
            lines = [sent.line for sent in channel.outstanding]
            allowed = self.options.answer_timeout_s + sum(line.dwell_s for line in lines)
            # a long motion is no silence: what counts is how long it has stood since the answer
            silent = since is not None and (
                channel.status_at - max(since, channel.last_answer) > allowed
            )
        if not lines or status is None or self.hold_wanted:
            return
        if status.state == "Alarm" and not all(line.text.startswith("$") for line in lines):
            channel.alarm = channel.alarm or status.substate or 0
        elif silent:
            self._out_of_step("an answer did not come, or a line did not arrive")

    def _out_of_step(self, reason: str) -> NoReturn:
        self._soft_reset()
        raise UncertainOutcome("answer_lost", reason)

    # -- coming to rest ------------------------------------------------------------------------

    def _rests(self) -> bool:
        """The last report says that nothing moves."""
        status = self._channel.status
        return status is not None and status.rests

    def _come_to_rest(self) -> None:
        """Slow down, and drop what was not carried out. Raises UncertainOutcome where the
        controller does not confirm it."""
        channel = self._channel
        deadline = time.monotonic() + self.options.stop_timeout_s
        status = channel.status
        if self._polling.is_homing:
            self._soft_reset(moving=True)
            return
        if status is not None and status.state == "Jog":
            channel.byte(b"\x85")
        self._polling.hurry(True)
        try:
            seen = channel.statuses
            # a byte can get lost
            self._repeat(b"!", 1.0, lambda: channel.statuses > seen + 1 and self._rests(), deadline)
        finally:
            self._polling.hurry(False)
        self._soft_reset()

    def _soft_reset(self, *, moving: bool = False) -> None:
        """Reset, and wait until the controller speaks again; where it stood, the position stays
        known. Returns when no greeting can follow any more."""
        channel = self._channel
        with channel.changed:
            resets = channel.resets
            channel.reset_expected = not moving
        deadline = time.monotonic() + _GREETING_S
        with self._polling.silent():
            self._repeat(b"\x18", _GREETING_S / 2, lambda: channel.resets != resets, deadline)
            # a start of its own may have come first; the answer to this comes after ours
            statuses = channel.statuses
            self._repeat(b"?", 0.2, lambda: channel.statuses != statuses, deadline)
        self.hold_wanted = self.rest_asked = False
        with channel.changed:
            self._resets = channel.resets
            channel.reset_expected = False

    def _repeat(
        self, byte: bytes, every_s: float, done: Callable[[], bool], deadline: float
    ) -> None:
        """Send a byte, again and again, until it has had its effect."""
        again = 0.0
        while not done():
            if time.monotonic() > again:
                self._channel.byte(byte)
                again = time.monotonic() + every_s
            self._wait_in_stop(deadline)

    def _wait_in_stop(self, deadline: float) -> None:
        channel = self._channel
        with channel.changed:
            channel.changed.wait(0.05)
        if channel.lost is not None:
            raise LinkLost(channel.lost)
        if self._controls.emergencies != self._emergencies:
            self._emergency_over()
        if time.monotonic() > deadline:
            self.unsynchronised = True
            raise UncertainOutcome("stop_unconfirmed", "the controller did not answer")

    def _emergency_over(self) -> NoReturn:
        """The byte is on its way already; wait until the controller says that it has acted."""
        channel = self._channel
        self._emergencies = self._controls.emergencies
        deadline = time.monotonic() + _GREETING_S
        again = time.monotonic() + _GREETING_S / 2
        while channel.resets == self._resets:
            with channel.changed:
                channel.changed.wait(0.05)
            if channel.lost is not None:
                raise LinkLost(channel.lost)
            if time.monotonic() > deadline:
                self.unsynchronised = True
                raise UncertainOutcome("stop_unconfirmed", "the controller did not answer")
            if time.monotonic() > again:
                again = deadline
                channel.byte(b"\x18")
        raise Stopped

    def _abort(self, reason: str) -> NoReturn:
        self._soft_reset(moving=True)
        raise DriverError(reason)
