"""A line and its answer, and what is waited for behind it."""

from __future__ import annotations

from robotq.drivers.gcode.reader.lines import Line
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.polling import Polling
from robotq.drivers.grbl.watch import GrblWatch

_BARRIER = Line(text="G4 P0.01", number=0, codes=("G4",), motion=False, dwell_s=0.01)
_MODES = Line(text="$G", number=0, codes=(), motion=False)


class Exchanges:
    """For the command thread while it has the turn. All raise what befalls the command."""

    def __init__(self, channel: Channel, polling: Polling, watch: GrblWatch) -> None:
        self._channel = channel
        self._polling = polling
        self._watch = watch

    def exchange(self, line: Line) -> None:
        """Send a line, and wait for its answer."""
        self.send(line)
        self.until_answered()

    def takes_codes(self) -> bool:
        """By a report that was made now: it is not locked, and not asleep."""
        channel = self._channel
        seen = channel.statuses
        self._polling.hurry(True)
        try:
            while channel.statuses <= seen + 1:
                self._watch.look()
        finally:
            self._polling.hurry(False)
        status = channel.status
        return status is not None and status.state not in ("Alarm", "Sleep")

    def settle(self) -> None:
        channel = self._channel
        self.send(_BARRIER)
        self.until_answered()
        self.until_idle()
        told = channel.modes_told
        self.send(_MODES)
        self.until_answered()
        if channel.unexplained or channel.modes_told == told:
            self._watch.out_of_step("there were more answers than lines")

    def send(self, line: Line) -> None:
        while not self._channel.put([line]):
            self._watch.look()
            self._watch.raise_complaint()

    def until_answered(self) -> None:
        while self._channel.lines_under_way:
            self._watch.look()
        self._watch.raise_complaint()

    def until_idle(self) -> None:
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
