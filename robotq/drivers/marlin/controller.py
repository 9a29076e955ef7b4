"""Motion on Marlin: what is waited for, and what counts as done.

An `ok` means that a line was read and planned. Motion has ended when M400 was answered, and the
report of a position that was asked for after it has come. Nothing here homes by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.lines import Line, prepare
from robotq.drivers.marlin.channel import MARKER, Channel
from robotq.drivers.marlin.counting import count_anew
from robotq.drivers.marlin.options import MarlinOptions

_FINISH = Line(text="M400", number=0, codes=("M400",), motion=False)
QUICK_STOP = b"\nM108\nM410\n"
"""The first line end ends whatever is half written; M108 ends a wait for heat or for a person."""
_LOOK_S = 0.25
_PROGRESS_S = 0.2
_QUIET_S = 0.1
"""After a request for a line, the controller says nothing more for so long: only then is what it
has thrown away known."""
_CHATTING_S = 2.0
"""The longest that is waited for that."""
_REPEATS = 10
"""Requests for the same line; then something is wrong with the wire."""
_PROBE_S = 2.5
"""A controller that works at something says every two seconds that it is busy. After a longer
silence it is asked how far it has got."""
_PROBES = 3
_URGE_S = 2.5
"""Between two stops: after each, Marlin throws motions away for a second and answers nothing."""
_ABSOLUTE = Line(text="G90", number=0, codes=("G90",), motion=False)
_STILL_MOVING_S = 600.0
"""The longest that is waited for what it has planned to end, while it says that it is busy."""


class Controller:
    """Procedures on one channel; they belong to the command thread."""

    def __init__(self, options: MarlinOptions, channel: Channel, controls: Controls) -> None:
        self.options = options
        self.emergency_parser = False
        """The firmware acts upon M108, M112 and M410 at once, also while it is busy."""
        self.homed = False
        self.hold_wanted = False
        self.unsynchronised = True
        """Which lines the controller has is not known."""
        self._channel = channel
        self._controls = controls
        self._starts = 0
        self._emergencies = 0
        self._deadline: float | None = None
        self._timeout_s = 0.0
        self._looked = 0.0
        self._wanted_again: tuple[int, int] = (0, 0)
        self._doubted = False
        """It has asked for a line that it cannot want, and was asked how far it is."""
        self._probes = 0
        self._probed = 0.0
        self._relative = False
        """Coordinates may be relative still: a jog has not come to its end."""
        self._ending = False
        """The command ends already: what it meets is not raised a second time."""

    # -- what steps ask for --------------------------------------------------------------------

    def run(
        self,
        lines: Sequence[str],
        *,
        from_client: bool = False,
        progress: Callable[[float], None] | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """Send lines, and wait until the robot has carried them out."""
        options = self.options
        prepared = prepare(lines, options.program_rules if from_client else options.rules)
        self._ready()
        self._begin(timeout_s)
        self._stream(prepared, progress)
        self._settle()

    def home(self, axes: str, *, timeout_s: float | None = None) -> None:
        self._synchronise()
        self._begin(self.options.homing_timeout_s if timeout_s is None else timeout_s)
        self.homed = False
        text = " ".join(["G28", *axes])
        self._exchange(Line(text=text, number=0, codes=("G28",), motion=True))
        self._settle()
        self.homed = True
        self._channel.why_lost = None

    def unlock(self) -> None:
        """Marlin has no lock; the person who asks for it takes the position for known."""
        self._synchronise()
        if self._channel.why_lost is not None:
            self.homed = False
        self._channel.why_lost = None

    def jog(self, axes: str, *, timeout_s: float | None = None) -> None:
        """Relative, and absolute again afterwards."""
        lines = prepare([axes], self.options.rules)
        if len(lines) != 1 or lines[0].codes:
            raise DriverError(
                f"a jog takes axes and F, found {axes!r}", code="bad_parameter", field="jog"
            )
        self._synchronise()
        self._relative = True
        self.run(["G91", f"G0 {lines[0].text}", "G90"], timeout_s=timeout_s)
        self._relative = False

    def query(self, line: str, *, timeout_s: float | None = None) -> Sequence[str]:
        self._synchronise()
        self._begin(timeout_s)
        self._exchange(*prepare([line], self.options.rules))
        with self._channel.changed:
            return list(self._channel.told)

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
            self._starts = channel.starts
            if self.unsynchronised:
                # what it still asks for belongs to an earlier command
                channel.forget()
        self._emergencies = self._controls.emergencies
        self._probes = 0
        self._doubted = False
        self._timeout_s = timeout_s or 0.0
        self._looked = time.monotonic()
        self._deadline = None if timeout_s is None else self._looked + timeout_s
        self._look(0.0)

    def _ready(self) -> None:
        """Nothing is sent to a robot that does not know where it stands."""
        self._synchronise()
        if self.options.homing_required and not self.homed:
            raise DriverError("the robot has not been homed: HOME first")
        reason = self._channel.why_lost
        if reason is not None:
            raise DriverError(
                f"the position is not known, because {reason}: HOME, or UNLOCK to take it as it is"
            )

    def _synchronise(self) -> None:
        """Count anew, and wait until nothing of an earlier command moves any more."""
        if not self.unsynchronised:
            return
        self._begin(None)
        count_anew(self._channel, self.options.answer_timeout_s, self._check)
        self.unsynchronised = False
        if self._relative:
            self._exchange(_ABSOLUTE)
            self._relative = False
        self._settle()

    def _check(self) -> None:
        """What can happen while both sides find into step."""
        with self._channel.changed:
            wanted, self._channel.resend = self._channel.resend, None
        try:
            if self._eventful():
                self._take_event()
        finally:
            if wanted is not None:
                self._channel.resend = wanted

    def _stream(self, lines: Sequence[Line], progress: Callable[[float], None] | None) -> None:
        channel = self._channel
        window = self.options.window if self.emergency_parser else 2
        told = 0.0
        answered = channel.answered
        at = 0
        while at < len(lines) or channel.outstanding:
            if at < len(lines) and not self.hold_wanted and self._next(lines[at], window):
                at += 1
                self._probes = 0
                if not channel.outstanding or len(channel.outstanding) < window:
                    self._look(0.0)
                    continue
            self._look()
            if progress is not None and time.monotonic() - told > _PROGRESS_S:
                told = time.monotonic()
                done = channel.answered - answered
                progress(min(1.0, done / len(lines) if self.emergency_parser else at / len(lines)))

    def _next(self, line: Line, window: int) -> bool:
        """Send a line where it may be sent."""
        channel = self._channel
        if self.emergency_parser:
            return channel.put(line, window)
        # nothing could stop what is planned: so one motion, and nothing before it has ended
        if channel.outstanding or not channel.put(line, 1):
            return False
        if line.motion:
            channel.put(_FINISH, 2)
        return True

    def _settle(self) -> None:
        """Wait until nothing is planned, the robot stands, and every line is accounted for."""
        self._exchange(_FINISH)
        self._exchange(MARKER)

    def _exchange(self, line: Line) -> None:
        self._probes = 0
        while not self._channel.put(line, 1):
            self._look()
        while self._channel.outstanding:
            self._look()
        self._look(0.0)

    # -- what can happen meanwhile -----------------------------------------------------------------

    def _look(self, wait_s: float = _LOOK_S) -> None:
        """Wait for news, and raise what they mean for the command."""
        channel = self._channel
        with channel.changed:
            if wait_s and not self._eventful():
                channel.changed.wait(wait_s)
        if self._eventful():
            self._take_event()
        now = time.monotonic()
        if self.hold_wanted and self._deadline is not None:
            # time in which the robot is held does not count
            self._deadline += now - self._looked
        self._looked = now
        if self._deadline is not None and now > self._deadline:
            self._deadline = None
            self._come_to_rest()
            raise DriverError(
                f"not finished within {self._timeout_s:g} s",
                code="timeout",
                timeout_s=self._timeout_s,
            )
        self._check_silence()

    def _eventful(self) -> bool:
        channel = self._channel
        return (
            channel.lost is not None
            or channel.halted is not None
            or channel.starts != self._starts
            or channel.resend is not None
            or (not self._ending and (channel.complaint is not None or self._controls.interrupted))
            or self._controls.emergencies != self._emergencies
        )

    def _take_event(self) -> None:
        channel, controls = self._channel, self._controls
        if controls.latched or controls.emergencies != self._emergencies:
            self._emergency_over()
        if channel.halted is not None:
            raise DriverError(f"the controller has halted: {channel.halted}; restart it")
        if channel.lost is not None:
            raise LinkLost(channel.lost)
        if channel.starts != self._starts:
            self.unsynchronised = True
            raise UncertainOutcome("device_reset", "the controller has started anew")
        if not self._ending and (controls.stopping or controls.closed):
            self._come_to_rest()
            raise Stopped
        if channel.resend is not None:
            self._send_again()
        if not self._ending and channel.complaint is not None:
            line, text = channel.complaint
            self._come_to_rest(wait=True)
            where = f"line {line.number}, " if line is not None and line.number else ""
            raise DriverError(f"{where}{text}")

    def _send_again(self) -> None:
        """The controller wants a line again. What it has got of the following ones is known when
        it has said nothing for a moment."""
        channel = self._channel
        until = time.monotonic() + _CHATTING_S
        with channel.changed:
            while channel.changed.wait(_QUIET_S) and time.monotonic() < until:
                if channel.lost is not None:
                    return
            wanted = channel.resend
        if wanted is None:
            return
        number, times = self._wanted_again
        self._wanted_again = (wanted, times + 1 if wanted == number else 1)
        if self._wanted_again[1] > _REPEATS:
            self.unsynchronised = True
            raise UncertainOutcome("answer_lost", f"line {wanted} does not arrive")
        if channel.repeat():
            self._doubted = False
        elif not self._doubted:
            # one damaged number proves nothing: what it says to a new line decides
            self._doubted = True
            channel.probe()
        else:
            self.unsynchronised = True
            channel.why_lost = channel.why_lost or "the controller seems to have started anew"
            raise UncertainOutcome("device_reset", f"it asks for line {wanted} again")

    def _check_silence(self) -> None:
        """After a silence, the next number tells a lost line from a lost answer."""
        channel = self._channel
        with channel.changed:
            waiting = bool(channel.outstanding)
            dwell = sum(sent.line.dwell_s for sent in channel.outstanding)
            heard = channel.last_heard
        if not waiting or self.hold_wanted:
            return
        limit = self.options.answer_timeout_s
        pause = min(_PROBE_S, limit / (_PROBES + 1))
        if heard > self._probed:
            self._probes = 0
        now = time.monotonic()
        if now - max(heard + dwell, self._probed) < pause:
            return
        if self._probes < _PROBES:
            self._probes += 1
            channel.probe()
            self._probed = time.monotonic()
        elif now - heard > limit + dwell:
            reason = f"the controller has said nothing for {limit:g} s"
            channel.transport.lose(reason)
            raise LinkLost(reason)

    # -- coming to rest ------------------------------------------------------------------------

    def _come_to_rest(self, *, wait: bool = False) -> None:
        """Stop, and wait until the robot stands; `wait`: after what it has planned already.

        Raises UncertainOutcome where the controller does not confirm it.
        """
        self._ending = True
        self._deadline = None
        deadline = time.monotonic() + self.options.stop_timeout_s
        try:
            if self.emergency_parser and not wait:
                self.quick_stop()
                self._confirm(deadline)
            else:
                self._drain()
        except UncertainOutcome:
            self.unsynchronised = True
            raise
        finally:
            self._ending = False
        self.hold_wanted = False

    def quick_stop(self) -> None:
        """Break off the motion and everything that waits; it loses steps."""
        channel = self._channel
        if self._controls.running:
            channel.why_lost = channel.why_lost or "a motion was broken off"
            self.homed = False
        self.unsynchronised = True
        channel.urgent(QUICK_STOP)

    def _confirm(self, deadline: float) -> None:
        """The lines that it had taken before the stop, it may still answer: count anew."""
        channel = self._channel
        with channel.changed:
            channel.last_heard = time.monotonic()
        urged = time.monotonic()

        def check() -> None:
            nonlocal urged
            if time.monotonic() > urged + _URGE_S:
                # bytes can get lost
                urged = time.monotonic()
                channel.urgent(QUICK_STOP)
            self._look_in_stop(deadline)

        count_anew(channel, self.options.stop_timeout_s, check, attempt_s=1.5)
        self._finished(check)

    def _drain(self) -> None:
        """What is planned is carried out, for as long as the controller says that it is busy."""
        channel = self._channel
        last = time.monotonic() + _STILL_MOVING_S
        with channel.changed:
            channel.last_heard = time.monotonic()

        def check() -> None:
            self._look_in_stop(min(last, channel.last_heard + self.options.stop_timeout_s))

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
                self._send_again()
            silent_since = max(silent_since, channel.last_heard)
            over = time.monotonic() - silent_since > min(_PROBE_S, self.options.stop_timeout_s / 4)
            if over:
                silent_since = time.monotonic()
            return over

        while not channel.put(_FINISH, 8, although_shut=True):
            if wait():
                channel.put(_FINISH, None, although_shut=True)
                break
        number = channel.mark()
        while channel.reported < number:
            if wait():
                channel.probe()
        self.unsynchronised = True

    def _pause(self) -> None:
        with self._channel.changed:
            self._channel.changed.wait(0.05)

    def _look_in_stop(self, deadline: float) -> None:
        channel = self._channel
        if self._controls.emergencies != self._emergencies:
            self._emergency_over()
        if channel.halted is not None:
            raise DriverError(f"the controller has halted: {channel.halted}; restart it")
        if channel.lost is not None:
            raise LinkLost(channel.lost)
        if time.monotonic() > deadline:
            raise UncertainOutcome("stop_unconfirmed", "the controller did not answer")

    def _emergency_over(self) -> NoReturn:
        """The bytes are on their way already; wait until the controller says that it has acted."""
        self._emergencies = self._controls.emergencies
        channel = self._channel
        deadline = time.monotonic() + self.options.stop_timeout_s
        self.unsynchronised = True
        if self.options.emergency == "M410":
            self._ending = True
            try:
                # what is sent before the stop itself has left would be thrown away with the rest
                self._pause()
                self._confirm(deadline)
            finally:
                self._ending = False
            raise Stopped
        again = time.monotonic() + 1.0
        while channel.halted is None:
            with channel.changed:
                channel.changed.wait(0.05)
            if channel.lost is not None:
                raise LinkLost(channel.lost)
            if time.monotonic() > deadline:
                raise UncertainOutcome("stop_unconfirmed", "the controller did not answer")
            if time.monotonic() > again:
                again = time.monotonic() + 1.0
                channel.urgent(b"\nM112\n")
        raise Stopped
