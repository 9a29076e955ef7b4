"""The conversation with one Marlin: numbered lines, and which of them it has taken.

Every line has a number and a checksum, and Marlin takes a line only when its number is the next
one. So a line that got lost is asked for again, one whose answer got lost is never carried out
twice, and after a silence the next number finds out which of the two it was.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from robotq.drivers.gcode.channel import LineChannel, Sent
from robotq.drivers.gcode.position import Position as KnownPosition
from robotq.drivers.gcode.reader.dialects.marlin import may_be_unknown
from robotq.drivers.gcode.reader.lines import Line
from robotq.drivers.marlin.talk.condition import BoardCondition
from robotq.drivers.marlin.talk.lines import FINISH, MARKER, RESTART
from robotq.drivers.marlin.talk.protocol import (
    Busy,
    Chatter,
    Complaint,
    Halted,
    Ok,
    Paused,
    Position,
    Resend,
    Said,
    Started,
    Told,
    Unknown,
    framed,
    parse,
    position_in,
)
from robotq.drivers.transport import PortOptions

_RECEIVE_BYTES = 96
"""It keeps 127; room for a stop stays free."""
_RECENT = 64
"""Lines that can be sent again although they seemed to be answered: the answer may have been
another one."""

_OF_NO_LINE = (Chatter, Position)
_BEFORE_OK = (Resend, Unknown)
"""An answer that comes right behind it only ends it."""


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


class Channel(LineChannel[Numbered]):
    """Only whoever has the turn sends lines."""

    def __init__(
        self,
        robot: str,
        port: PortOptions,
        position: KnownPosition,
        lost: Callable[[str], None],
        on_start: Callable[[], None],
    ) -> None:
        """`on_start` is called on the reader thread when the controller has started anew."""
        super().__init__(f"{robot}-marlin", port, position, lost)
        self._on_start = on_start
        self._next_number = 1
        self._resend: int | None = None
        self._refusing = False
        """If the next thing that is said is an answer, it only ends a request for a line."""
        self._recent: deque[Numbered] = deque(maxlen=_RECENT)
        self.condition = BoardCondition()
        """What it has said of itself; only this channel writes it."""
        self._reported = -1
        self._motions_sent = 0
        self._motions_over = 0
        self._before_finish = 0
        self._still_wanted: Callable[[], bool] | None = None
        """Whether motions may begin that are sent again; None: all may."""
        self._left = 0
        """Lines that were forgotten without an answer; the controller may still have them."""
        self._strange = True
        """Nothing is known of the lines that it has from before the link was made."""

    def _forget_all(self) -> None:
        self._strange = True
        self.condition.forget()
        self._motions_over = self._motions_sent

    # -- sending -------------------------------------------------------------------------------

    def forget(self) -> None:
        """No answer is waited for any more."""
        with self._changed:
            self._forget_lines()

    def _forget_lines(self) -> None:
        self._left += len(self._outstanding)
        super()._forget_lines()
        self._recent.clear()
        self._reported = -1
        self._resend = None
        self._refusing = False

    def in_step(self) -> None:
        """Both sides count alike: whatever it had before is answered."""
        with self._changed:
            self._left, self._strange = 0, False

    def restart(self, *, although_shut: bool = False) -> None:
        """Ask the controller to count from 0. The line end in front completes whatever half a
        line there may be, which is then refused for its lack of a checksum."""
        with self._changed:
            self._forget_lines()
            sent = Numbered(RESTART, framed(0, RESTART.text), number=0)
            self._outstanding.append(sent)
            self._length = len(sent.data)
            self._next_number = 1
        self._hand_over(b"\n" + sent.data, 1, although_shut=although_shut)

    def put(
        self,
        line: Line,
        window: int | None,
        *,
        although_shut: bool = False,
        end_other: bool = False,
    ) -> bool:
        """Send a line where fewer than `window` are on their way, and there is room for it;
        None: in any case.

        `although_shut`: also while an emergency stop is latched, for what moves nothing.
        `end_other`: complete whatever half a line there may be before it.
        """
        with self._changed:
            data = framed(self._next_number, line.text)
            data = b"\n" + data if end_other else data
            full = self._length + len(data) > _RECEIVE_BYTES
            if window is not None and (full or len(self._outstanding) >= window):
                return False
            if line.motion:
                self._motions_sent += 1
            elif line is FINISH:
                self._before_finish = self._motions_sent
            sent = Numbered(line, data, number=self._next_number, rested=self._before_finish)
            self._line_up(sent)
            self._recent.append(sent)
            self._next_number += 1
        self._hand_over(data, 1, although_shut=although_shut)
        return True

    def mark(self, *, end_other: bool = False) -> int:
        """Send a marker, in any case; returns its number."""
        with self._changed:
            number = self._next_number
        self.put(MARKER, None, although_shut=True, end_other=end_other)
        return number

    def probe(self) -> int:
        """Find out after a silence how far the controller has got. Whatever it may still say to
        earlier questions of this kind counts for this one."""
        with self._changed:
            for sent in self._outstanding:
                if sent.line is MARKER:
                    sent.has_passed()
        return self.mark(end_other=True)

    @contextmanager
    def motions_while(self, wanted: Callable[[], bool]) -> Iterator[None]:
        """A motion that is sent inside, and that the controller asks for again when it is not
        `wanted` any more, is not sent: a line that moves nothing gets its number."""
        self._still_wanted = wanted
        try:
            yield
        finally:
            self._still_wanted = None

    def _take_back_motions(self) -> None:
        """`_changed` is held."""
        for sent in (*self._outstanding, *self._recent):
            if sent.line.motion and sent.line.text in sent.data.decode("ascii"):
                data = framed(sent.number, FINISH.text)
                if sent in self._outstanding:
                    self._length += len(data) - len(sent.data)
                sent.data = data

    def repeat(self) -> bool:
        """Send again what the controller wants again. False where it wants a line that it has
        long had: then it is not the controller any more that took those lines, or the number
        was damaged on its way."""
        with self._changed:
            wanted, self._resend = self._resend, None
            self._heard_at = time.monotonic()
            if wanted is None or wanted >= self._next_number:
                return True
            if self._still_wanted is not None and not self._still_wanted():
                self._take_back_motions()
            again = [sent for sent in self._recent if sent.number >= wanted]
            first = self._outstanding[0].number if self._outstanding else self._next_number
            # after a start of its own, it wants the very first one
            if not again or again[0].number != wanted or (wanted == 1 < first):
                return False
            early = [sent for sent in again if sent.number < first]
            self._outstanding.extendleft(reversed(early))
            self._length += sum(len(sent.data) for sent in early)
            # what seemed to be their answer was another one's
            answered = self._program_answered - sum(sent.line.number > 0 for sent in early)
            self._program_answered = max(0, answered)
            data = b"".join(sent.data for sent in again)
            own = all(sent.line.number == 0 and not sent.line.motion for sent in again)
        self._hand_over(data, len(again), although_shut=own)
        return True

    # -- receiving, on the reader thread ---------------------------------------------------------

    def _understand(self, raw: bytes) -> None:
        said = parse(raw)
        if not isinstance(said, _OF_NO_LINE):
            self._heard_at = time.monotonic()
        self._take_in(said)

    def _take_in(self, said: Said) -> None:
        if isinstance(said, Unknown):
            said = self._not_known(said)
        refused, self._refusing = self._refusing, isinstance(said, _BEFORE_OK)
        match said:
            case Ok():
                self._answer(said, refused=refused)
            case Resend(number=number):
                if number is not None and (self._resend is None or self._plausible(number)):
                    self._resend = number
            case Position():
                self._report(said)
            case Complaint(text=text):
                head = self._outstanding[0].line if self._outstanding else None
                self._complaint = self._complaint or (head, text)
            case Paused():
                self.condition.pause()
            case Busy():
                self.condition.work()
            case Halted(text=text):
                self.condition.halt(text)
                self.position.forget(f"the controller has halted: {text}")
            case Started():
                self._has_started()
                self._left, self._strange = 0, False
                self.condition.reads()
                self._motions_over = self._motions_sent
                self._on_start()
                self.position.forget("the controller has started anew")
            case Told(text=text) | Chatter(text=text):
                self._told.append(text)
                self.condition.feel(text)
            case _:
                """A line that came damaged: that it was heard is all there is to it."""

    def _not_known(self, said: Unknown) -> Said:
        """What it means that it does not know a command."""
        lines = [sent.line for sent in self._outstanding if sent.line.text == said.command]
        if any(map(may_be_unknown, lines)):
            return Told(said.text)
        return Complaint(said.text) if lines or not said.damaged else said

    def _plausible(self, number: int) -> bool:
        first = self._outstanding[0].number if self._outstanding else self._next_number
        return first <= number <= self._next_number

    def _answer(self, ok: Ok, *, refused: bool) -> None:
        self.condition.reads()
        if ok.rest:
            position = position_in(ok.rest)
            if position is not None:
                self._report(position)
            self._told.append(ok.rest)
            self.condition.feel(ok.rest)
        if refused:
            return
        if ok.number is not None and self._outstanding and ok.number < self._outstanding[0].number:
            # said twice
            return
        self.condition.answer()
        while (
            self._outstanding and ok.number is not None and self._outstanding[0].number < ok.number
        ):
            self._pop()
        if self._outstanding:
            head = self._outstanding[0]
            if head.line is MARKER and not head.reported:
                # an answer too many must not end a wait for the marker
                head.has_passed()
            else:
                self._pop()

    def _report(self, position: Position) -> None:
        self.condition.stand_at(position.point)
        self._told.append(" ".join(f"{axis}:{value:g}" for axis, value in
                                  zip("XYZ", position.point, strict=False)))  # fmt: skip
        asked = [sent for sent in self._outstanding if sent.line is MARKER and not sent.reported]
        if not asked:
            return
        marker = next((sent for sent in asked if not sent.passed), asked[-1])
        while self._outstanding[0] is not marker:
            # answered, although the answer did not arrive
            self._pop()
        marker.was_reported()
        self._reported = marker.number
        self._motions_over = max(self._motions_over, marker.rested)
        self._heard_at = time.monotonic()

    # -- what is known -------------------------------------------------------------------------

    @property
    def owed(self) -> int:
        """Lines that it may still answer, as far as they were sent since the link was made."""
        return len(self._outstanding) + self._left

    @property
    def strange(self) -> bool:
        """It may have lines that somebody else has sent before the link was made."""
        return self._strange

    def has_event(self, starts: int) -> bool:
        """There is something that whoever waits has to act upon; `starts`: those that he knows
        of. Asked twice for every line."""
        return (
            self._lost is not None
            or self.condition.halted is not None
            or self._starts != starts
            or self._resend is not None
            or self._complaint is not None
        )

    @property
    def resend(self) -> int | None:
        """The line that the controller wants again."""
        return self._resend

    @contextmanager
    def without_requests(self) -> Iterator[None]:
        """Inside, what the controller asks for again is left to whoever counts."""
        with self._changed:
            wanted, self._resend = self._resend, None
        try:
            yield
        finally:
            if wanted is not None:
                with self._changed:
                    self._resend = wanted

    @property
    def reported(self) -> int:
        """The number of the last marker whose report has come, since both sides count anew."""
        return self._reported

    @property
    def motions_sent(self) -> int:
        """Lines that can move the robot, ever."""
        return self._motions_sent

    @property
    def motions_over(self) -> int:
        """Of these, those that are certainly carried out or dropped."""
        return self._motions_over
