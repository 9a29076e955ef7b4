"""Motion on a controller of the GRBL family: what is waited for, and what counts as done.

An `ok` means that a line was read and planned. Motion has ended when the answer to a dwell,
which the controller gives only when nothing is planned any more, was followed by a report of
Idle. Nothing here homes, unlocks or repeats a line by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.lines import Line, Rules, prepare
from robotq.drivers.gcode.reading import read_program
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.feed import require_feed
from robotq.drivers.grbl.options import KNOWN_MODES, GrblOptions, letters
from robotq.drivers.grbl.polling import Polling
from robotq.drivers.grbl.protocol import alarm_text
from robotq.drivers.grbl.state import State
from robotq.drivers.grbl.stopping import Stopping
from robotq.drivers.grbl.watch import LOOK_S, Watch

_log = logging.getLogger(__name__)

_SWITCH_OFF_S = 5.0
_BARRIER = Line(text="G4 P0.01", number=0, codes=("G4",), motion=False, dwell_s=0.01)
_MODES = Line(text="$G", number=0, codes=(), motion=False)
_PROGRESS_S = 0.2
_STILL_MOVING_S = 60.0


class Controller:
    """Procedures on one channel; they belong to the command thread."""

    def __init__(
        self, options: GrblOptions, channel: Channel, polling: Polling, controls: Controls
    ) -> None:
        self._state = State(options=options)
        self._channel = channel
        self._position = channel.position
        self._polling = polling
        self._controls = controls
        self._stopping = Stopping(self._state, channel, polling, controls)
        self._watch = Watch(self._state, channel, controls, self._stopping)
        self._modes_due = True
        """No line of this command was sent yet."""
        self._touched = False
        """A line of it was."""

    # -- what steps ask for --------------------------------------------------------------------

    def run(
        self,
        lines: Iterable[str],
        *,
        from_client: bool = False,
        progress: Callable[[float], None] | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """Stream lines, and wait until the robot has carried them out."""
        options = self._state.options
        prepared, progress = read_program(
            lines,
            self._rules(options.program_rules if from_client else options.rules),
            self._controls,
            from_client=from_client,
            progress=progress,
        )
        self._ready()
        if self._channel.no_feed and not (options.feed and not options.keep_modes):
            require_feed(prepared)
        self._watch.begin(timeout_s)
        self._known_modes()
        self._stream(prepared, progress)
        self._settle()

    def home(self, axes: str, *, timeout_s: float | None = None) -> None:
        self._synchronise()
        self._watch.begin(timeout_s)
        self._position.unhome()
        begun = self._position.mark()
        self._watch.until_resumed()
        asked = Line(text=f"$H{axes}", number=0, codes=(), motion=True)
        deadline = time.monotonic() + self._state.options.homing_timeout_s
        with self._polling.homing():
            self._send(asked)
            while self._channel.lines_under_way:
                self._watch.look(in_homing=True)
                if time.monotonic() > deadline:
                    self._stopping.soft_reset(moving=True)
                    limit_s = self._state.options.homing_timeout_s
                    raise DriverError(f"not homed within {limit_s:g} s")
        self._watch.raise_refusal()
        self._settle()
        self._position.reached_home(begun)

    def unlock(self) -> None:
        self._synchronise()
        self._watch.begin(None)
        begun = self._position.mark()
        self._exchange(Line(text="$X", number=0, codes=(), motion=False))
        # the last report may still be of the alarm
        self._until_idle()
        if self._position.why_lost is not None:
            self._position.unhome()
        # the person who asked for it takes the position for known
        self._position.take_as_known(begun)

    def jog(self, axes: str, *, timeout_s: float | None = None) -> None:
        lines = prepare([axes], self._rules(self._state.options.rules))
        if len(lines) != 1 or lines[0].codes:
            raise DriverError(f"a jog takes axes and F, found {axes!r}", code="bad_parameter",
                              field="jog")  # fmt: skip
        self._ready()
        self._watch.begin(timeout_s)
        self._watch.until_resumed()
        self._exchange(Line(text=f"$J=G91 G21 {lines[0].text}", number=0, codes=(), motion=True))
        self._until_idle()

    def query(self, line: str, *, timeout_s: float | None = None) -> Sequence[str]:
        self._synchronise()
        self._watch.begin(timeout_s)
        if not line.startswith("$"):
            # a probe, for example: it moves
            self._known_modes()
        self._exchange(Line(text=line, number=0, codes=(), motion=True))
        self._settle()
        return [text for text in self._channel.told() if not text.startswith("[GC:")]

    def wait(self, seconds: float) -> None:
        self._watch.begin(None)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._watch.look(min(left, LOOK_S))

    def check(self) -> None:
        """Raises what has befallen the command since its last exchange: Stopped, for example."""
        self._watch.look(0.0)

    def _known_modes(self) -> None:
        """The first line of a command: whatever the one before it has left."""
        options = self._state.options
        if self._modes_due and not options.keep_modes:
            # on its way alone: G54 may be read from the EEPROM
            feed = f" F{options.feed:.3f}" if options.feed else ""
            self._exchange(
                Line(text=KNOWN_MODES + feed, number=0, codes=(), motion=False, alone=True)
            )
        self._modes_due = False
        self._touched = True

    def switch_off(self) -> None:
        """Grbl's own reset switches spindle and coolant off. After a failure without one, as of
        a step between two motions, they are still on."""
        lines = self._state.options.after_failure
        if not self._touched or not lines or self._controls.latched or self._channel.lost:
            return
        status = self._channel.status
        if status is not None and status.state not in ("Idle", "Run"):
            return
        self._controls.stop_is_over()
        try:
            self._watch.begin(_SWITCH_OFF_S)
            for text in lines:
                self._exchange(Line(text=text, number=0, codes=(), motion=False))
        except (DriverError, Stopped, UncertainOutcome) as error:
            _log.warning("%s was not carried out after a failure: %r", " ".join(lines), error)

    def _rules(self, rules: Rules) -> Rules:
        """`rules`, with the letters of this firmware."""
        text = "" if self._channel.greeting is None else self._channel.greeting.text
        plain = "hal" not in text.lower() and "fluidnc" not in text.lower()
        return replace(rules, letters=letters(plain_grbl=plain))

    # -- an exchange ---------------------------------------------------------------------------

    def _ready(self) -> None:
        """Nothing is sent to a robot that does not know where it stands."""
        channel = self._channel
        self._synchronise()
        self._watch.begin(None)
        status = channel.status
        if status is not None and status.state == "Alarm":
            told = "" if channel.last_alarm is None else f" ({alarm_text(channel.last_alarm)})"
            raise DriverError(f"the controller is locked by an alarm{told}: HOME or UNLOCK first")
        if status is not None and status.state == "Check":
            raise DriverError("the controller only checks programs ($C); nothing would move")
        if self._state.options.homing_required and not self._position.homed:
            raise DriverError("the robot has not been homed: HOME first")
        reason = self._position.why_lost
        if reason is not None:
            raise DriverError(
                f"the position is not known, because {reason}: HOME, or UNLOCK to take it as it is"
            )

    def _synchronise(self) -> None:
        """Have the controller forget what it may still have of an earlier command."""
        status = self._channel.status
        # asleep, it takes nothing but a reset
        asleep = status is not None and status.state == "Sleep"
        if not self._state.unsynchronised and not asleep:
            return
        self._watch.begin(_STILL_MOVING_S)
        while not self._stopping.rests:
            self._watch.look()
        self._stopping.soft_reset()
        self._recognise()
        self._state.unsynchronised = False

    def _recognise(self) -> None:
        """See who it is, where it has not said so yet."""

    def _stream(self, lines: Sequence[Line], progress: Callable[[float], None] | None) -> None:
        channel = self._channel
        told = 0.0
        answered = channel.answered
        at = 0
        while at < len(lines) or channel.lines_under_way:
            if at < len(lines) and self._takes(lines[at]):
                end = at + (1 if self._state.options.line_by_line else 512)
                at += channel.put(lines[at:end])
            self._watch.look(unless=partial(self._takes, lines[at]) if at < len(lines) else None)
            self._watch.raise_refusal()
            if progress is not None and time.monotonic() - told > _PROGRESS_S:
                told = time.monotonic()
                progress((channel.answered - answered) / len(lines))
        if progress is not None:
            progress(1.0)

    def _takes(self, line: Line) -> bool:
        """Whether this line of a program may be sent now."""
        channel = self._channel
        return channel.takes(line) and not (
            self._state.options.line_by_line and channel.lines_under_way
        )

    def _settle(self) -> None:
        """Wait until nothing is planned, the robot stands, and every answer is accounted for."""
        channel = self._channel
        self._send(_BARRIER)
        self._until_answered()
        self._until_idle()
        told = channel.modes_told
        self._send(_MODES)
        self._until_answered()
        if channel.unexplained or channel.modes_told == told:
            self._watch.out_of_step("there were more answers than lines")

    def _exchange(self, line: Line) -> None:
        self._send(line)
        self._until_answered()

    def _send(self, line: Line) -> None:
        while not self._channel.put([line]):
            self._watch.look()
            self._watch.raise_refusal()

    def _until_answered(self) -> None:
        while self._channel.lines_under_way:
            self._watch.look()
        self._watch.raise_refusal()

    def _until_idle(self) -> None:
        """Until a report that was made after the last answer says Idle."""
        channel = self._channel
        seen = channel.statuses
        self._polling.hurry(True)
        try:
            while True:
                self._watch.look()
                status = channel.status
                if channel.statuses > seen and status is not None:
                    seen = channel.statuses
                    if status.state in ("Idle", "Check"):
                        return
                    if status.state == "Alarm":
                        channel.alarm_by_report()
        finally:
            self._polling.hurry(False)
