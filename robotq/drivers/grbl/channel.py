"""The conversation with one controller: which lines are on their way, and what it said last."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from robotq.drivers.base import LinkLost
from robotq.drivers.gcode.lines import Line
from robotq.drivers.grbl.protocol import (
    LOST_BY_ALARM,
    Alarm,
    Error,
    Greeting,
    Ok,
    Said,
    Status,
    Told,
    alarm_text,
    parse,
)
from robotq.drivers.transport import Discarded, PortOptions, Transport

_TOLD = 200
"""Lines of an answer that are kept."""
_REPORT_INCHES = re.compile(r"\$13=([0-9])\b.*")
_FEED = re.compile(r"\[GC:[^\]]* F([0-9]{1,9}(?:\.[0-9]{1,9})?)[ \]]")
_STANDING = frozenset({"Idle", "Check", "Alarm"})


@dataclass(frozen=True, slots=True)
class Sent:
    """A line that is on its way: not answered yet."""

    line: Line
    length: int


class Channel:
    """Lines go out only as far as the controller has room for them, and every answer is counted
    against the oldest line. A greeting forgets all lines: so does the controller.

    What is known may be read with `changed` held. Only the command thread sends lines; single
    bytes may be sent by anyone.
    """

    def __init__(self, robot: str, port: PortOptions, lost: Callable[[str], None]) -> None:
        self.transport = Transport(
            f"{robot}-grbl", port, on_line=self._take, on_lost=self._lost, line_limit=4096
        )
        self.baud = port.baud
        self.is_replay = port.replay is not None
        self._tell_lost = lost
        self._gate = threading.Lock()
        """Held while lines are handed to the transport."""
        self.shut = True
        """No line is sent: an emergency stop is latched."""
        self.changed = threading.Condition()
        self.capacity = 127
        """Bytes that may be on their way at once."""
        self.outstanding: deque[Sent] = deque()
        self._length = 0
        self._longest = 0
        """Bytes of the longest line since `begin`."""
        self.sent = 0
        """Lines handed to the transport, ever."""
        self.answered = 0
        self.refused: tuple[Line, Error] | None = None
        """The first line that was answered with an error, since `begin`."""
        self.unexplained = 0
        """Answers to nothing, since `begin`."""
        self.no_feed = False
        """It has said that no feed is in effect, or has forgotten it with a reset."""
        self.inches = False
        """Its reports are in inches, as far as it has said ($13)."""
        self.told: deque[str] = deque(maxlen=_TOLD)
        self.resets = 0
        """Greetings, ever."""
        self.greeting: Greeting | None = None
        self.alarm: int | None = None
        """The last alarm since `begin`; 0 where its number is not known."""
        self.last_alarm: int | None = None
        self.reset_expected = False
        """The next greeting follows a reset of our own, sent while the robot stood."""
        self.losses = 0
        """Alarms after which steps may be missing, ever."""
        self.why_lost: str | None = None
        """Why the position is not known; whoever makes it known again sets this to None."""
        self.status: Status | None = None
        self.statuses = 0
        self.holds = 0
        """How often the reports have begun to say that it pauses, ever."""
        self.status_at = 0.0
        self.standing_since: float | None = None
        """Since when every report has said that nothing moves; None while something does."""
        self.last_answer = 0.0
        self.lost: str | None = "not connected yet"

    # -- the link ------------------------------------------------------------------------------

    def open(self) -> None:
        """Raises LinkLost. Nothing is known of the controller afterwards."""
        self.transport.close()
        with self.changed:
            self._forget_lines()
            self.greeting = None
            self.status = None
            self.standing_since = None
            self.alarm = None
            self.lost = None
            self.reset_expected = False
        try:
            self.transport.open()
        except LinkLost as error:
            with self.changed:
                self.lost = error.reason
            raise

    def _lost(self, reason: str) -> None:
        with self.changed:
            self.lost = reason
            self.changed.notify_all()
        self._tell_lost(reason)

    # -- sending -------------------------------------------------------------------------------

    def begin(self) -> None:
        """A new exchange: what went wrong before is over."""
        with self.changed:
            self.refused = None
            self.unexplained = 0
            self.alarm = None
            self._longest = 0
            self.told.clear()
            self.last_answer = time.monotonic()

    def takes(self, line: Line) -> bool:
        """Whether this line may be sent now: the controller has room for it, and nothing else is
        on its way where one of them has to be alone."""
        if self.outstanding and (line.alone or self.outstanding[-1].line.alone):
            return False
        return self._room(len(line.text) + 1)

    def _room(self, length: int) -> bool:
        """Whether a line of this length fits into what the controller can keep.

        One line's length stays free: an answer that noise has doubled tells of room that is not
        there, and GRBL loses what does not fit without a word.
        """
        spare = max(self._longest, length) if self.outstanding else 0
        return self._length + length + spare <= self.capacity

    def put(self, lines: Sequence[Line]) -> int:
        """Send as many of `lines`, from the first one, as there is room for. How many."""
        batch = bytearray()
        with self.changed:
            if not self.outstanding:
                self.last_answer = time.monotonic()
            resets = self.resets
            count = 0
            for line in lines:
                if not self.takes(line):
                    break
                length = len(line.text) + 1
                self._longest = max(self._longest, length)
                self.outstanding.append(Sent(line, length))
                self._length += length
                batch += line.text.encode("ascii") + b"\n"
                count += 1
        if not batch:
            return 0
        with self._gate:
            if not self.shut and self.resets == resets:
                self.sent += count
                try:
                    self.transport.write(bytes(batch))
                except Discarded:
                    # an emergency stop; whoever waits for the answers sees it
                    return count
        return count

    def byte(self, data: bytes) -> None:
        """Send a byte that the controller acts upon at once. Raises LinkLost."""
        self.transport.write_now(data)

    def reset_now(self) -> None:
        """Have the controller drop everything, ahead of all that is still to be written, and
        let no line follow. Takes no lock before the byte is on its way."""
        self.shut = True
        sent = self.sent
        self.transport.write_now(b"\x18", discard=True)
        # a line that was being handed over at this moment may have come after the byte
        with self._gate:
            late = self.sent != sent
        if late:
            self.transport.write_now(b"\x18", discard=True)

    # -- receiving, on the reader thread ---------------------------------------------------------

    def _take(self, raw: bytes) -> None:
        said = parse(raw)
        with self.changed:
            self._understand(said)
            self.changed.notify_all()

    def _understand(self, said: Said) -> None:  # noqa: C901, PLR0912 - one case for each kind
        match said:
            case Ok():
                self._answer(None)
            case Error():
                self._answer(said)
            case Status():
                self.statuses += 1
                if said.held and (self.status is None or not self.status.held):
                    self.holds += 1
                self.status_at = time.monotonic()
                if said.state not in _STANDING:
                    self.standing_since = None
                elif self.standing_since is None:
                    self.standing_since = self.status_at
                self.status = said if self.status is None else _merged(self.status, said)
            case Alarm(number=number):
                self.alarm = self.last_alarm = number
                if number in LOST_BY_ALARM:
                    self.losses += 1
                    self.why_lost = alarm_text(number)
            case Greeting():
                self._forget_lines()
                self.resets += 1
                self.no_feed = True
                self.greeting = said
                if self.status is not None:
                    # a reset changes the offset of work coordinates; it is told again
                    self.status = replace(self.status, offset_mm=None)
                if not self.reset_expected:
                    self.why_lost = self.why_lost or "the controller has started anew"
                self.reset_expected = False
            case Told(text=text):
                if text:
                    self.told.append(text)
                if found := _FEED.search(text):
                    self.no_feed = float(found[1]) == 0
                if found := _REPORT_INCHES.fullmatch(text):
                    self.inches = found[1] != "0"

    def _answer(self, error: Error | None) -> None:
        self.last_answer = time.monotonic()
        if not self.outstanding:
            self.unexplained += 1
            return
        sent = self.outstanding.popleft()
        self._length -= sent.length
        self.answered += 1
        if error is not None and self.refused is None:
            self.refused = (sent.line, error)

    def _forget_lines(self) -> None:
        self.outstanding.clear()
        self._length = 0


def _merged(old: Status, new: Status) -> Status:
    """`new`, and for what it leaves out what was known before."""
    work, machine = new.work_mm, new.machine_mm
    if work is None and machine is None:
        work, machine = old.work_mm, old.machine_mm
    return replace(
        new,
        machine_mm=machine,
        work_mm=work,
        offset_mm=new.offset_mm or old.offset_mm,
        feed=old.feed if new.feed is None else new.feed,
    )
