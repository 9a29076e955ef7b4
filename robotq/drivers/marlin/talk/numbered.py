"""The numbered lines on their way to one Marlin: which of them it has taken, which it wants again,
and which of its reports belongs to which marker."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from robotq.drivers.gcode.reader.lines import Line
from robotq.drivers.gcode.under_way import LinesUnderWay, Sent
from robotq.drivers.marlin.talk.lines import FINISH, MARKER, RESTART
from robotq.drivers.marlin.talk.protocol import framed

_RECEIVE_BYTES = 96
"""It keeps 127; room for a stop stays free."""
_RECENT = 64
"""Lines that can be sent again although they seemed to be answered: the answer may have been
another one."""


@dataclass(slots=True, kw_only=True)
class Numbered(Sent):
    """A line with its number."""

    number: int
    reported: bool = False
    """It is a marker, and its report has come."""
    passed: bool = False
    """It is a marker whose report would have come by now."""
    rested: int = 0
    """A marker: the motions that are over when it is reported, since M400 came before it."""

    def has_passed(self) -> None:
        self.passed = True

    def was_reported(self) -> None:
        self.reported = True


class NumberedLines(LinesUnderWay[Numbered]):
    def __init__(self) -> None:
        super().__init__()
        self.next_number = 1
        self.wanted: int | None = None
        """The line that the controller wants again."""
        self.reported = -1
        """The number of the last marker whose report has come, since both sides count anew."""
        self.forgotten = 0
        """Lines that were forgotten without an answer; the controller may still have them."""
        self.motions_sent = 0
        """Lines that can move the robot, ever."""
        self.motions_over = 0
        """Of these, those that are certainly carried out or dropped."""
        self._before_finish = 0
        self._recent: deque[Numbered] = deque(maxlen=_RECENT)

    # -- sending -------------------------------------------------------------------------------

    def forget(self) -> None:
        self.forgotten += len(self.lines)
        super().forget()
        self._recent.clear()
        self.reported = -1
        self.wanted = None

    def count_from_0(self) -> Numbered:
        """The line that asks for it; no other one is on its way."""
        self.forget()
        sent = Numbered(RESTART, framed(0, RESTART.text), number=0)
        self.add(sent)
        self.next_number = 1
        return sent

    def has_room(self, data: bytes, window: int) -> bool:
        """Whether fewer than `window` are on their way, and this fits in."""
        return self.length + len(data) <= _RECEIVE_BYTES and len(self.lines) < window

    def numbered(self, line: Line, data: bytes) -> Numbered:
        """The line with the next number, which is kept for when it is wanted again."""
        if line.motion:
            self.motions_sent += 1
        elif line is FINISH:
            self._before_finish = self.motions_sent
        sent = Numbered(line, data, number=self.next_number, rested=self._before_finish)
        self._recent.append(sent)
        self.next_number += 1
        return sent

    def markers_have_passed(self) -> None:
        for sent in self.lines:
            if sent.line is MARKER:
                sent.has_passed()

    def take_back_motions(self) -> None:
        """A line that moves nothing gets the number of each motion."""
        for sent in (*self.lines, *self._recent):
            if sent.line.motion and sent.line.text in sent.data.decode("ascii"):
                data = framed(sent.number, FINISH.text)
                if sent in self.lines:
                    self.length += len(data) - len(sent.data)
                sent.data = data

    def again_from(self, wanted: int) -> list[Numbered]:
        """What has to be sent again, from this number on. None where it wants a line that it has
        long had."""
        again = [sent for sent in self._recent if sent.number >= wanted]
        first = self._first_number
        # after a start of its own, it wants the very first one
        if not again or again[0].number != wanted or (wanted == 1 < first):
            return []
        early = [sent for sent in again if sent.number < first]
        self.lines.extendleft(reversed(early))
        self.length += sum(len(sent.data) for sent in early)
        # what seemed to be their answer was another one's
        answered = self._program_answered - sum(sent.line.number > 0 for sent in early)
        self._program_answered = max(0, answered)
        return again

    @property
    def _first_number(self) -> int:
        return self.lines[0].number if self.lines else self.next_number

    # -- receiving -----------------------------------------------------------------------------

    def wants(self, number: int | None) -> None:
        """The controller asks for a line. What cannot be one of these does not replace another."""
        if number is None:
            return
        if self.wanted is None or self._first_number <= number <= self.next_number:
            self.wanted = number

    def take_wanted(self) -> int | None:
        """The line that it wants again, which is seen to from now on."""
        wanted, self.wanted = self.wanted, None
        return wanted

    def wants_again(self, number: int) -> None:
        """It is not seen to yet."""
        self.wanted = number

    def motions_end(self) -> None:
        """All of them are dropped or carried out."""
        self.motions_over = self.motions_sent

    def all_answered(self) -> None:
        """Also those that were forgotten."""
        self.forgotten = 0

    def said_twice(self, number: int | None) -> bool:
        """An answer to this line has been heard before."""
        return number is not None and bool(self.lines) and number < self.lines[0].number

    def take_answer(self, number: int | None) -> None:
        """The oldest line is answered, or the one of this number with all before it."""
        while self.lines and number is not None and self.lines[0].number < number:
            self.pop()
        if not self.lines:
            return
        head = self.lines[0]
        if head.line is MARKER and not head.reported:
            # an answer too many must not end a wait for the marker
            head.has_passed()
        else:
            self.pop()

    def take_report(self) -> bool:
        """Whether a marker had asked for it, which is the last `reported` then."""
        asked = [sent for sent in self.lines if sent.line is MARKER and not sent.reported]
        if not asked:
            return False
        marker = next((sent for sent in asked if not sent.passed), asked[-1])
        while self.lines[0] is not marker:
            # answered, although the answer did not arrive
            self.pop()
        marker.was_reported()
        self.reported = marker.number
        self.motions_over = max(self.motions_over, marker.rested)
        return True
