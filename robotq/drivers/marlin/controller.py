"""Motion on Marlin.

An `ok` means that a line was read and planned. Motion has ended when M400 was answered, and the
report of a position that was asked for after it has come.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.gcode.controller import Controller
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.programs.place import MARGIN
from robotq.drivers.gcode.reader.dialects.marlin import MARLIN, dialect_of
from robotq.drivers.gcode.reader.lines import Line, Rules, prepare
from robotq.drivers.gcode.reader.reading import Progress
from robotq.drivers.gcode.reader.rules import Modes
from robotq.drivers.jogging import JogLife, JogWanted
from robotq.drivers.marlin.jogging import MarlinJog
from robotq.drivers.marlin.short import Point, Remainder, steps_in
from robotq.drivers.marlin.state import State
from robotq.drivers.marlin.stopping import MarlinStopping
from robotq.drivers.marlin.streaming import Streaming
from robotq.drivers.marlin.talk.channel import Channel
from robotq.drivers.marlin.talk.counting import count_anew
from robotq.drivers.marlin.talk.lines import ABSOLUTE, FINISH, MARKER, STEPS
from robotq.drivers.marlin.talk.lost_lines import LostLines
from robotq.drivers.marlin.watch import MarlinWatch
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

_SWITCH_OFF_S = 10.0
_AFTER_RAW_S = 10.0
_SHARES = ("M220", "M221")
"""Percent of the speed and of the flow of all that follows."""
_PLANNER = 64
"""BLOCK_BUFFER_SIZE: Marlin is not built with a larger one (SanityCheck.h)."""


class MarlinController(Controller):
    _state: State
    _channel: Channel
    _stopping: MarlinStopping
    _watch: MarlinWatch

    def __init__(self, state: State, channel: Channel, controls: Controls) -> None:
        self._lost_lines = LostLines(state, channel)
        self.stopping = stopping = MarlinStopping(state, channel, controls, self._lost_lines)
        watch = MarlinWatch(state, channel, controls, self._lost_lines, stopping)
        super().__init__(state, channel, controls, stopping, watch)
        self._streaming = Streaming(state, channel, watch, self._lost_lines, self._follow)
        self._relative = False
        """Coordinates may be relative still: a jog has not come to its end."""
        self._remainder = Remainder()
        self._moved = False
        """This command has sent a motion."""
        self._jogging = MarlinJog(
            state, channel, watch, self._exchange_at_once, self._steps_of_a_mm
        )

    def begin(self) -> None:
        super().begin()
        self._moved = False

    @property
    def not_carried_out(self) -> Mapping[str, float]:
        return self._state.short_mm if self._moved else {}

    # -- what steps ask for --------------------------------------------------------------------

    def run(
        self,
        lines: Iterable[str],
        *,
        from_client: bool = False,
        progress: Progress | None = None,
        timeout_s: float | None = None,
    ) -> None:
        with self._to_its_end():
            super().run(lines, from_client=from_client, progress=progress, timeout_s=timeout_s)
            self._ask_for_steps()

    @contextmanager
    def _to_its_end(self) -> Iterator[None]:
        """What is left of the motions inside is known afterwards."""
        try:
            yield
        finally:
            self._state.short_mm = self._remainder.short_mm()

    def _ask_for_steps(self) -> None:
        """Where some may be left, and it has not told yet how many make a millimetre."""
        if self._remainder.steps is None and self._remainder.doubtful:
            self._watch.begin(None)
            self._steps_of_a_mm()

    def _steps_of_a_mm(self) -> Point | None:
        """As it has told, asked for where it has not yet."""
        remainder = self._remainder
        if remainder.steps is None:
            self._channel.begin()
            self._exchange(STEPS)
            remainder.steps = steps_in(self._channel.told())
        return remainder.steps

    def _jog_while(self, wanted: JogWanted, life: JogLife, *, known: bool) -> JsonObject:
        with self._to_its_end():
            self._remainder.begin(self._channel.condition.point)
            return self._jogging.run(wanted, life, known=known)

    def home(self, axes: str, *, timeout_s: float | None = None) -> None:
        self._synchronise()
        self._watch.begin(self._state.options.homing_timeout_s if timeout_s is None else timeout_s)
        self._position.unhome()
        begun = self._position.mark()
        text = " ".join(["G28", *axes])
        self._exchange(Line(text=text, number=0, codes=("G28",), motion=True))
        self._settle()
        self._state.short_mm = {}
        self._position.reached_home(begun)

    def unlock(self) -> None:
        """Marlin has no lock; the person who asks for it takes the position for known."""
        self._synchronise()
        begun = self._position.mark()
        if self._position.why_lost is not None:
            self._position.unhome()
            self._remainder.lose()
            self._state.short_mm = {}
        self._position.take_as_known(begun)

    def _jog(self, axes: str, timeout_s: float | None) -> None:
        """Relative, and absolute again afterwards."""
        self._synchronise()
        self._relative = True
        left = self._left
        self.run(["G91", f"G0 {axes}", "G90"], timeout_s=timeout_s)
        self._relative = False
        # bare coordinates behind it mean what they have meant before
        self._left = left

    def _raw_line(self, line: str, limit_s: float) -> tuple[Sequence[str], str | None]:
        self._forget_steps()
        self._watch.begin(limit_s, hold_counts=True)
        try:
            self._exchange_at_once(Line(text=line, number=0, codes=(), motion=True))
        except DriverError as error:
            if error.code != "device_error" or not self._takes_lines():
                raise
            # refused; what was planned before is carried out
            return (), str(error)
        told = self._channel.told()
        self._settle()
        return told, None

    def _forget_steps(self) -> None:
        """It may be told another number for a millimetre, and moved by lines that nobody reads."""
        self._remainder.lose()
        self._remainder.steps = None
        self._state.short_mm = {}

    def _after_raw_line(self, line: str) -> None:
        self._forget_steps()
        self._watch.begin(_AFTER_RAW_S)
        self._modes()
        for code in _SHARES:
            if code in line.upper():
                # later commands are as fast as they say
                self._exchange_at_once(Line(text=f"{code} S100", number=0, codes=(), motion=False))

    def query(self, line: str, *, timeout_s: float | None = None) -> Sequence[str]:
        self._synchronise()
        self._watch.begin(timeout_s)
        (asked,) = prepare([line], self._rules(self._state.options.rules))
        if not asked.motion:
            return self._told(asked)
        self._known_modes()
        with self._to_its_end():
            self._remainder.begin(self._channel.condition.point)
            told = self._told(asked)
            self._settle()
        return told

    def _told(self, asked: Line) -> Sequence[str]:
        self._exchange(asked)
        return self._channel.told()

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
        return not latched and channel.lost is None and channel.condition.halted is None

    # -- before the first line -----------------------------------------------------------------

    def _rules(self, rules: Rules) -> Rules:
        said = self._state.options.dialect
        return (said or dialect_of(self._state.firmware)).in_place_of(rules)

    def _planned_most(self) -> int:
        # a quick stop throws away what is planned, and lines under way are answered after it
        return _PLANNER + MARGIN + self._state.options.window

    def _one_by_one(self) -> bool:
        return not self._state.emergency_parser

    def _known(self) -> Modes:
        return MARLIN.known

    # -- an exchange ---------------------------------------------------------------------------

    def _modes(self) -> None:
        for text in MARLIN.modes:
            self._exchange(Line(text=text, number=0, codes=(text,), motion=False))

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

    def _stream(self, lines: Sequence[Line], tell: Callable[[int], None]) -> None:
        self._remainder.begin(self._channel.condition.point)
        self._state.short_mm = {}
        self._streaming.run(lines, tell)

    def _settle(self) -> None:
        """Wait until nothing is planned, the robot stands, and every line is accounted for."""
        self._exchange(FINISH)
        self._exchange(MARKER)

    def _follow(self, line: Line) -> None:
        self._remainder.sent(line.text, motion=line.motion)
        self._moved = self._moved or line.motion

    def _exchange(self, line: Line) -> None:
        while line.motion and self._state.hold_wanted:
            self._watch.look()
        self._exchange_at_once(line)

    def _exchange_at_once(self, line: Line) -> None:
        self._follow(line)
        self._lost_lines.wait_anew()
        while not self._channel.put(line, 1):
            self._watch.look()
        while self._channel.lines_under_way:
            self._watch.look()
        self._watch.look(0.0)
