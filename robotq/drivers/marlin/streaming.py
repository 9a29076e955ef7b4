"""The lines of a program on their way to one Marlin: how far ahead of the motion they may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from robotq.drivers.gcode.reader.lines import Line
from robotq.drivers.marlin.planned import Ahead
from robotq.drivers.marlin.state import State
from robotq.drivers.marlin.talk.channel import Channel
from robotq.drivers.marlin.talk.lines import FINISH
from robotq.drivers.marlin.talk.lost_lines import LostLines
from robotq.drivers.marlin.watch import MarlinWatch


class Streaming:
    """For the command thread while it has the turn. Raises what befalls the command."""

    def __init__(
        self,
        state: State,
        channel: Channel,
        watch: MarlinWatch,
        lost_lines: LostLines,
        sent: Callable[[Line], None],
    ) -> None:
        """`sent` is told each line."""
        self._state = state
        self._channel = channel
        self._watch = watch
        self._lost_lines = lost_lines
        self._sent = sent
        self._rest_asked = -1
        """Motions that had been sent when the end of all of them was last asked for."""

    def run(self, lines: Sequence[Line], tell: Callable[[int], None]) -> None:
        """Send all lines, until they are answered; `tell` how many are done."""
        channel = self._channel
        window = self._state.options.window if self._state.emergency_parser else 2
        answered = channel.answered
        at = 0
        # makes many at once, which lines[at] does not
        waiting = iter(lines)
        line = next(waiting, None)
        ahead = Ahead(self._state.options.hold_within_s)
        while line is not None or channel.lines_under_way:
            if self._state.hold_wanted:
                self._rests()
            elif line is not None and not ahead.has_room(line):
                if self._rests():
                    ahead.rests()
            elif line is not None and self._next(line, window):
                ahead.sent()
                self._sent(line)
                at, line = at + 1, next(waiting, None)
                self._lost_lines.wait_anew()
                if channel.lines_under_way < window:
                    self._watch.look(0.0)
                    continue
            self._watch.look()
            done = channel.answered - answered
            tell(done if self._state.emergency_parser else at)

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
