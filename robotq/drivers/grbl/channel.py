"""The conversation with one controller of the GRBL family."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from robotq.drivers.gcode.channel import LineChannel
from robotq.drivers.gcode.position import Position
from robotq.drivers.gcode.reader.lines import Line
from robotq.drivers.gcode.under_way import LinesUnderWay, Sent
from robotq.drivers.grbl.faults import LOST_BY_ALARM, alarm_text, error_text
from robotq.drivers.grbl.protocol import Alarm, Error, Greeting, Ok, Status, Told, parse
from robotq.drivers.transport import PortOptions

_REPORT_INCHES = re.compile(r"\$13=([0-9])\b.*")
_ACCELERATION = re.compile(r"\$12([0-5])=([0-9]{1,9}(?:\.[0-9]{1,9})?)\b.*")
_FEED = re.compile(r"\[GC:[^\]]* F([0-9]{1,9}(?:\.[0-9]{1,9})?)[ \]]")
_STANDING = frozenset({"Idle", "Check", "Alarm"})


class Channel(LineChannel[Sent]):
    """Lines go out only as far as the controller has room for them, and every answer is counted
    against the oldest line. A greeting forgets all lines: so does the controller.

    Only whoever has the turn sends lines; single bytes may be sent by anyone.
    """

    def __init__(
        self, robot: str, port: PortOptions, position: Position, lost: Callable[[str], None]
    ) -> None:
        super().__init__(f"{robot}-grbl", port, position, lost, LinesUnderWay())
        self._capacity = 127
        self._longest = 0
        """Bytes of the longest line since `begin`."""
        self._unexplained = 0
        self._no_feed = False
        self._inches = False
        self._accelerations: dict[int, float] = {}
        self._modes_told = 0
        self._greeting: Greeting | None = None
        self._alarm: int | None = None
        self._last_alarm: int | None = None
        self._reset_expected = False
        self._status: Status | None = None
        self._statuses = 0
        self._holds = 0
        self._status_at = 0.0
        self._standing_since: float | None = None

    def _forget_all(self) -> None:
        self._greeting = None
        self._status = None
        self._accelerations.clear()
        self._standing_since = None
        self._alarm = None
        self._reset_expected = False

    # -- sending -------------------------------------------------------------------------------

    def begin(self) -> None:
        with self._changed:
            super().begin()
            self._unexplained = 0
            self._alarm = None
            self._longest = 0
            self._inches = False

    def make_room(self, capacity: int) -> None:
        """So many bytes may be on their way at once."""
        self._capacity = capacity

    def takes(self, line: Line) -> bool:
        """Whether this line may be sent now: the controller has room for it, and nothing else is
        on its way where one of them has to be alone."""
        with self._changed:
            lines = self._under_way.lines
            if lines and (line.alone or lines[-1].line.alone):
                return False
            return self._room(len(line.text) + 1)

    def _room(self, length: int) -> bool:
        """Whether a line of this length fits into what the controller can keep.

        One line's length stays free: an answer that noise has doubled tells of room that is not
        there, and GRBL loses what does not fit without a word.
        """
        spare = max(self._longest, length) if self._under_way.lines else 0
        return self._under_way.length + length + spare <= self._capacity

    def put(self, lines: Sequence[Line], *, although_shut: bool = False) -> int:
        """Send as many of `lines`, from the first one, as there is room for. How many.

        `although_shut`: also while an emergency stop is latched, for what moves nothing.
        """
        batch = bytearray()
        with self._changed:
            starts = self._starts
            count = 0
            for line in lines:
                if not self.takes(line):
                    break
                sent = Sent(line, line.text.encode("ascii") + b"\n")
                self._longest = max(self._longest, len(sent.data))
                self._line_up(sent)
                batch += sent.data
                count += 1
        if batch:
            self._hand_over(bytes(batch), count, starts=starts, although_shut=although_shut)
        return count

    def at_once(self, data: bytes) -> None:
        if b"\x18" in data:
            # it answers `ok` to the line that the reset breaks off
            self.count_no_more()
        super().at_once(data)

    def expect_reset(self, expected: bool) -> None:
        """Whether the next greeting follows a reset of our own, sent while the robot stood.
        Takes no lock."""
        self._reset_expected = expected

    # -- receiving, on the reader thread -------------------------------------------------------

    def _understand(self, raw: bytes) -> None:
        said = parse(raw)
        match said:
            case Ok() | Error():
                self._answer(said)
            case Status():
                self._report(said)
            case Alarm(number=number):
                self._alarm = self._last_alarm = number
                if number in LOST_BY_ALARM:
                    self._losses += 1
                    self.position.forget(alarm_text(number), first=True)
            case Greeting():
                self._greeted(said)
            case Told(text=text):
                self._hear(text)

    def _answer(self, said: Ok | Error) -> None:
        self._heard_at = time.monotonic()
        if not self._under_way.lines:
            self._unexplained += 1
            return
        sent = self._under_way.pop()
        if isinstance(said, Error) and self._complaint is None:
            self._complaint = (sent.line, f"{sent.line.text!r}: {error_text(said.number)}")

    def _report(self, said: Status) -> None:
        self._statuses += 1
        if said.held and (self._status is None or not self._status.held):
            self._holds += 1
        self._status_at = time.monotonic()
        if said.state not in _STANDING:
            self._standing_since = None
        elif self._standing_since is None:
            self._standing_since = self._status_at
        self._status = said if self._status is None else _merged(self._status, said)

    def _greeted(self, said: Greeting) -> None:
        self._has_started()
        self._no_feed = True
        self._greeting = said
        if self._status is not None:
            # a reset changes the offset of work coordinates; it is told again
            self._status = replace(self._status, offset_mm=None)
        if not self._reset_expected:
            self.position.forget("the controller has started anew")
        self._reset_expected = False

    def _hear(self, text: str) -> None:
        if text:
            self._told.append(text)
        if text.startswith("[GC:"):
            self._modes_told += 1
        if found := _FEED.search(text):
            self._no_feed = float(found[1]) == 0
        if found := _ACCELERATION.fullmatch(text):
            self._accelerations[int(found[1])] = float(found[2])
        if found := _REPORT_INCHES.fullmatch(text):
            self._inches = found[1] != "0"

    # -- what is known -------------------------------------------------------------------------

    @property
    def status(self) -> Status | None:
        return self._status

    @property
    def status_at(self) -> float:
        """When the last report came, by the monotonic clock."""
        return self._status_at

    @property
    def statuses(self) -> int:
        """Reports, ever."""
        return self._statuses

    @property
    def holds(self) -> int:
        """How often the reports have begun to say that it pauses, ever."""
        return self._holds

    @property
    def greeting(self) -> Greeting | None:
        return self._greeting

    @property
    def unexplained(self) -> int:
        """Answers to nothing, since `begin`."""
        return self._unexplained

    @property
    def modes_told(self) -> int:
        """How often it has told its modes ($G), ever."""
        return self._modes_told

    @property
    def no_feed(self) -> bool:
        """It has said that no feed is in effect, or has forgotten it with a reset."""
        return self._no_feed

    @property
    def inches(self) -> bool:
        """It has said since `begin` that its reports are in inches ($13)."""
        return self._inches

    def acceleration(self, axis: int) -> float | None:
        """mm/s^2 of an axis, where it has told that ($120 and on)."""
        return self._accelerations.get(axis)

    @property
    def alarm(self) -> int | None:
        """The last alarm since `begin`; 0 where its number is not known."""
        return self._alarm

    @property
    def last_alarm(self) -> int | None:
        """The same, ever."""
        return self._last_alarm

    def keep_alarm(self, number: int) -> None:
        """This alarm is the one that counts until `begin`."""
        self._alarm = number

    def alarm_by_report(self) -> None:
        """The last report is of an alarm: it counts also where the line that told it got lost."""
        with self._changed:
            told = None if self._status is None else self._status.substate
            self._alarm = self._alarm or told or 0

    def stood_for_s(self) -> float:
        """How long it had stood without an answer when the last report came."""
        with self._changed:
            since = self._standing_since
            return 0.0 if since is None else self._status_at - max(since, self._heard_at)


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
