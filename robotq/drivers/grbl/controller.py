"""Motion on a controller of the GRBL family.

An `ok` means that a line was read and planned. Motion has ended when the answer to a dwell,
which the controller gives only when nothing is planned any more, was followed by a report of
Idle.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.drivers.gcode.controller import Controller
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.programs.place import MARGIN, UNKNOWN_PLANNER
from robotq.drivers.gcode.reader.dialects.grbl import FAMILY, dialect_of
from robotq.drivers.gcode.reader.lines import Line, Rules
from robotq.drivers.gcode.reader.rules import UNKNOWN, Modes
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.connect import IN_INCHES, SETTINGS
from robotq.drivers.grbl.exchanges import Exchanges
from robotq.drivers.grbl.faults import alarm_text
from robotq.drivers.grbl.feed import require_feed
from robotq.drivers.grbl.jogging import GrblJog
from robotq.drivers.grbl.polling import Polling
from robotq.drivers.grbl.state import State
from robotq.drivers.grbl.stopping import GrblStopping
from robotq.drivers.grbl.watch import GrblWatch
from robotq.drivers.jogging import JogLife, JogWanted
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

_SWITCH_OFF_S = 5.0
_STILL_MOVING_S = 60.0
_AFTER_RAW_S = 10.0
_NEAR = 512
"""Lines that are made ready to be sent."""
_AXES = "XYZABCUVW"
"""In the order of reports."""


class GrblController(Controller):
    _state: State
    _channel: Channel
    _stopping: GrblStopping
    _watch: GrblWatch

    def __init__(
        self,
        state: State,
        channel: Channel,
        polling: Polling,
        controls: Controls,
        recognise: Callable[[], None],
    ) -> None:
        """`recognise` sees who it is, where it has not said so yet."""
        stopping = GrblStopping(state, channel, polling, controls)
        watch = GrblWatch(state, channel, controls, stopping)
        super().__init__(state, channel, controls, stopping, watch)
        self._polling = polling
        self._recognise = recognise
        self.exchanges = Exchanges(channel, polling, watch)
        self._jogging = GrblJog(state, channel, polling, watch, stopping)

    # -- what steps ask for --------------------------------------------------------------------

    def home(self, axes: str, *, timeout_s: float | None = None) -> None:
        self._synchronise()
        self._watch.begin(timeout_s)
        self._position.unhome()
        begun = self._position.mark()
        self._watch.until_resumed()
        asked = Line(text=f"$H{axes}", number=0, codes=(), motion=True)
        deadline = time.monotonic() + self._state.options.homing_timeout_s
        with self._polling.homing():
            self.exchanges.send(asked)
            while self._channel.lines_under_way:
                self._watch.look(may_be_silent=True)
                if time.monotonic() > deadline:
                    self._stopping.soft_reset(moving=True)
                    limit_s = self._state.options.homing_timeout_s
                    raise DriverError(f"not homed within {limit_s:g} s")
        self._watch.raise_complaint()
        self._settle()
        self._position.reached_home(begun)

    def unlock(self) -> None:
        self._synchronise()
        self._watch.begin(None)
        begun = self._position.mark()
        self.exchanges.exchange(Line(text="$X", number=0, codes=(), motion=False))
        # the last report may still be of the alarm
        self.exchanges.until_idle()
        if self._position.why_lost is not None:
            self._position.unhome()
        # the person who asked for it takes the position for known
        self._position.take_as_known(begun)

    def _jog(self, axes: str, timeout_s: float | None) -> None:
        self._ready()
        self._watch.begin(timeout_s)
        self._watch.until_resumed()
        self.exchanges.exchange(Line(text=f"$J=G91 G21 {axes}", number=0, codes=(), motion=True))
        self.exchanges.until_idle()

    def _jog_while(self, wanted: JogWanted, life: JogLife, *, known: bool) -> JsonObject:
        return self._jogging.run(wanted, life, known=known)

    def _raw_line(self, line: str, limit_s: float) -> tuple[Sequence[str], str | None]:
        self._watch.begin(limit_s, hold_counts=True)
        channel, ends = self._channel, time.monotonic() + limit_s
        # not known until it is carried out; and a dwell is no silence
        asked = Line(text=line, number=0, codes=(), motion=True, alone=True, dwell_s=limit_s)
        homes = line.upper().replace(" ", "").startswith("$H")
        with self._polling.homing() if homes else nullcontext():
            self.exchanges.send(asked)
            while channel.lines_under_way:
                self._watch.look(may_be_silent=homes)
        told, complaint = channel.told(), channel.complaint
        self._watch.begin(max(1.0, ends - time.monotonic()), hold_counts=True)
        if self.exchanges.takes_codes():
            # a jog takes no other line beside it; and a motion begins after its answer
            self.exchanges.until_idle()
            self._settle()
        return told, None if complaint is None else complaint[1]

    def _after_raw_line(self, line: str) -> None:  # noqa: ARG002
        if not self.exchanges.takes_codes():
            # the next command begins with a reset, or says what has to be done first
            self._state.unsynchronised = True
            return
        self._watch.begin(_AFTER_RAW_S)
        self._modes()
        self.exchanges.exchange(SETTINGS)
        if self._channel.inches:
            self._channel.transport.lose(IN_INCHES)
            raise LinkLost(IN_INCHES)

    def query(self, line: str, *, timeout_s: float | None = None) -> Sequence[str]:
        self._synchronise()
        self._watch.begin(timeout_s)
        if not line.startswith("$"):
            # a probe, for example: it moves
            self._known_modes()
            # and a probe is a motion code like others
            self._left = UNKNOWN
        self.exchanges.exchange(Line(text=line, number=0, codes=(), motion=True))
        self._settle()
        return [text for text in self._channel.told() if not text.startswith("[GC:")]

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
                self.exchanges.exchange(Line(text=text, number=0, codes=(), motion=False))
        except (DriverError, Stopped, UncertainOutcome) as error:
            _log.warning("%s was not carried out after a failure: %r", " ".join(lines), error)

    def rest_after_all(self) -> None:
        """Let go of what a stop has held that came when the command was over. Raises Stopped,
        UncertainOutcome."""
        self._stopping.pass_over_emergencies()
        self._stopping.come_to_rest()

    # -- before the first line -----------------------------------------------------------------

    def _rules(self, rules: Rules) -> Rules:
        """Raises DriverError where it is not the one that the configuration names."""
        greeting, said = self._channel.greeting, self._state.options.dialect
        if greeting is None:
            return rules
        known = dialect_of(greeting.text)
        if said is not None and said.name != known.name:
            raise DriverError(
                f"the option `dialect` says {said.name}, and the controller is {known.name}"
            )
        return self._with_its_axes(known.in_place_of(rules))

    def _with_its_axes(self, rules: Rules) -> Rules:
        """A descendant refuses the letters of axes that it does not have; its reports tell."""
        status = self._channel.status
        point = None if status is None else status.machine_mm or status.work_mm
        absent = frozenset() if point is None else frozenset(_AXES[len(point) :])
        return replace(rules, letters=rules.letters - absent)

    def _known(self) -> Modes:
        return FAMILY.known

    def _planned_most(self) -> int:
        blocks = self._state.planner_blocks
        return UNKNOWN_PLANNER if blocks is None else blocks + MARGIN

    def _look_over(self, lines: Sequence[Line]) -> None:
        options = self._state.options
        if self._channel.no_feed and not (options.feed and not options.keep_modes):
            require_feed(lines)

    def _modes(self) -> None:
        feed = self._state.options.feed
        for modes in FAMILY.modes:
            text = modes + (f" F{feed:.3f}" if feed else "")
            self.exchanges.exchange(Line(text=text, number=0, codes=(), motion=False, alone=True))

    def _require_unlocked(self) -> None:
        channel = self._channel
        self._watch.begin(None)
        status = channel.status
        if status is not None and status.state == "Alarm":
            told = "" if channel.last_alarm is None else f" ({alarm_text(channel.last_alarm)})"
            raise DriverError(f"the controller is locked by an alarm{told}: HOME or UNLOCK first")
        if status is not None and status.state == "Check":
            raise DriverError("the controller only checks programs ($C); nothing would move")

    def _synchronise(self) -> None:
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

    # -- an exchange ---------------------------------------------------------------------------

    def _stream(self, lines: Sequence[Line], tell: Callable[[int], None]) -> None:
        channel = self._channel
        answered = channel.answered
        at = begin = 0
        near: Sequence[Line] = ()
        most = 1 if self._state.options.line_by_line else _NEAR
        while at < len(lines) or channel.lines_under_way:
            if len(near) - (at - begin) < _NEAR / 4 and begin + len(near) < len(lines):
                near, begin = lines[at : at + _NEAR], at
            if at < len(lines) and self._takes(near[at - begin]):
                at += channel.put(near[at - begin : at - begin + most])
            # with much room, all of them may be on their way
            following = near[at - begin] if at < begin + len(near) else None
            self._watch.look(
                unless=partial(self._takes, following) if following is not None else None
            )
            self._watch.raise_complaint()
            tell(channel.answered - answered)

    def _takes(self, line: Line) -> bool:
        """Whether this line of a program may be sent now."""
        channel = self._channel
        alone = self._state.options.line_by_line and channel.lines_under_way > 0
        return not alone and channel.takes(line)

    def _settle(self) -> None:
        self.exchanges.settle()
