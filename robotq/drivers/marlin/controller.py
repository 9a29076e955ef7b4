"""Motion on Marlin: what is waited for, and what counts as done.

An `ok` means that a line was read and planned. Motion has ended when M400 was answered, and the
report of a position that was asked for after it has come. Nothing here homes by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.lines import Line, prepare
from robotq.drivers.gcode.reading import read_program
from robotq.drivers.marlin.channel import Channel
from robotq.drivers.marlin.counting import count_anew
from robotq.drivers.marlin.lines import ABSOLUTE, FINISH, KNOWN_MODES, MARKER
from robotq.drivers.marlin.lost_lines import LostLines
from robotq.drivers.marlin.planned import Ahead
from robotq.drivers.marlin.state import State
from robotq.drivers.marlin.stopping import Stopping
from robotq.drivers.marlin.watch import LOOK_S, Watch

_log = logging.getLogger(__name__)

_SWITCH_OFF_S = 10.0
_PROGRESS_S = 0.2


class Controller:
    """Procedures on one channel; they belong to the command thread."""

    def __init__(self, state: State, channel: Channel, controls: Controls) -> None:
        self._state = state
        self._channel = channel
        self._position = channel.position
        self._controls = controls
        self._lost_lines = LostLines(self._state, channel)
        self._stopping = Stopping(self._state, channel, controls, self._lost_lines)
        self._watch = Watch(self._state, channel, controls, self._lost_lines, self._stopping)
        self._rest_asked = -1
        """Motions that had been sent when the end of all of them was last asked for."""
        self._modes_due = True
        """No line of this command was sent yet."""
        self._touched = False
        """A line of it was."""
        self._relative = False
        """Coordinates may be relative still: a jog has not come to its end."""

    # -- what steps ask for --------------------------------------------------------------------

    def run(
        self,
        lines: Iterable[str],
        *,
        from_client: bool = False,
        progress: Callable[[float], None] | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """Send lines, and wait until the robot has carried them out."""
        options = self._state.options
        prepared, progress = read_program(
            lines,
            options.program_rules if from_client else options.rules,
            self._controls,
            from_client=from_client,
            progress=progress,
        )
        self._ready()
        self._watch.begin(timeout_s)
        self._known_modes()
        self._stream(prepared, progress)
        self._settle()

    def home(self, axes: str, *, timeout_s: float | None = None) -> None:
        self._synchronise()
        self._watch.begin(self._state.options.homing_timeout_s if timeout_s is None else timeout_s)
        self._position.unhome()
        begun = self._position.mark()
        text = " ".join(["G28", *axes])
        self._exchange(Line(text=text, number=0, codes=("G28",), motion=True))
        self._settle()
        self._position.reached_home(begun)

    def unlock(self) -> None:
        """Marlin has no lock; the person who asks for it takes the position for known."""
        self._synchronise()
        begun = self._position.mark()
        if self._position.why_lost is not None:
            self._position.unhome()
        self._position.take_as_known(begun)

    def jog(self, axes: str, *, timeout_s: float | None = None) -> None:
        """Relative, and absolute again afterwards."""
        # the code of a jog is added below
        lines = prepare([axes], replace(self._state.options.rules, one_code=False))
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
        self._watch.begin(timeout_s)
        (asked,) = prepare([line], self._state.options.rules)
        if asked.motion:
            self._known_modes()
        self._exchange(asked)
        told = self._channel.told()
        if asked.motion:
            self._settle()
        return told

    def wait(self, seconds: float) -> None:
        self._watch.begin(None)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._watch.look(min(left, LOOK_S))

    def check(self) -> None:
        """Raises what has befallen the command since its last exchange: Stopped, for example."""
        self._watch.look(0.0)

    def _known_modes(self) -> None:
        """The first lines of a command: whatever the one before it has left."""
        if self._modes_due and not self._state.options.keep_modes:
            for text in KNOWN_MODES:
                self._exchange(Line(text=text, number=0, codes=(text,), motion=False))
        self._modes_due = False
        self._touched = True

    def switch_off(self) -> None:
        """A stop of Marlin leaves spindle, laser and fan on."""
        lines = self._state.options.after_failure
        if not self._touched or not self._takes_lines():
            return
        self._controls.stop_is_over()
        for text in lines:
            try:
                self._synchronise()
                self._watch.begin(_SWITCH_OFF_S)
                self._exchange(Line(text=text, number=0, codes=(), motion=False))
            except (DriverError, Stopped, UncertainOutcome) as error:
                # a build without this output does not know the code: the others count all the same
                _log.warning("%s was not carried out after a failure: %r", text, error)
                if self._controls.stopping or not self._takes_lines():
                    return

    def _takes_lines(self) -> bool:
        channel, controls = self._channel, self._controls
        latched = controls.latched or controls.closed
        return not latched and channel.lost is None and channel.halted is None

    # -- an exchange ---------------------------------------------------------------------------

    def _ready(self) -> None:
        """Nothing is sent to a robot that does not know where it stands."""
        self._synchronise()
        if self._state.options.homing_required and not self._position.homed:
            raise DriverError("the robot has not been homed: HOME first")
        reason = self._position.why_lost
        if reason is not None:
            raise DriverError(
                f"the position is not known, because {reason}: HOME, or UNLOCK to take it as it is"
            )

    def _synchronise(self) -> None:
        """Count anew, and wait until nothing of an earlier command moves any more."""
        if not self._state.unsynchronised:
            return
        self._watch.begin(None)
        count_anew(
            self._channel, self._state.options.answer_timeout_s, self._watch.look_while_counting
        )
        self._state.unsynchronised = False
        if self._relative:
            self._exchange(ABSOLUTE)
            self._relative = False
        self._settle()

    def _stream(self, lines: Sequence[Line], progress: Callable[[float], None] | None) -> None:
        channel = self._channel
        window = self._state.options.window if self._state.emergency_parser else 2
        told = 0.0
        answered = channel.answered
        at = 0
        ahead = Ahead(self._state.options.hold_within_s)
        while at < len(lines) or channel.lines_under_way:
            if self._state.hold_wanted:
                self._rests()
            elif at < len(lines) and not ahead.has_room(lines[at]):
                if self._rests():
                    ahead.rests()
            elif at < len(lines) and self._next(lines[at], window):
                ahead.sent()
                at += 1
                self._lost_lines.wait_anew()
                if channel.lines_under_way < window:
                    self._watch.look(0.0)
                    continue
            self._watch.look()
            if progress is not None and time.monotonic() - told > _PROGRESS_S:
                told = time.monotonic()
                done = channel.answered - answered
                progress(
                    min(1.0, done / len(lines) if self._state.emergency_parser else at / len(lines))
                )
        if progress is not None:
            progress(1.0)

    def _next(self, line: Line, window: int) -> bool:
        """Send a line where it may be sent."""
        channel = self._channel
        if self._state.emergency_parser:
            return channel.put(line, window)
        # nothing could stop what is planned: so one motion, and nothing before it has ended
        if channel.lines_under_way or not channel.put(line, 1):
            return False
        if line.motion:
            channel.put(FINISH, 2)
        return True

    def _rests(self) -> bool:
        """Whether all that was sent is carried out and the robot stands; asks for it once."""
        channel = self._channel
        sent = channel.motions_sent
        over = channel.motions_over >= sent
        if not over and self._rest_asked != sent and channel.put(FINISH, 1):
            self._rest_asked = sent
            channel.mark()
        return over

    def _settle(self) -> None:
        """Wait until nothing is planned, the robot stands, and every line is accounted for."""
        self._exchange(FINISH)
        self._exchange(MARKER)

    def _exchange(self, line: Line) -> None:
        while line.motion and self._state.hold_wanted:
            self._watch.look()
        self._lost_lines.wait_anew()
        while not self._channel.put(line, 1):
            self._watch.look()
        while self._channel.lines_under_way:
            self._watch.look()
        self._watch.look(0.0)
