"""The conversation with one Marlin: numbered lines, and which of them it has taken.

Every line has a number and a checksum, and Marlin takes a line only when its number is the next
one. So a line that got lost is asked for again, one whose answer got lost is never carried out
twice, and after a silence the next number finds out which of the two it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from robotq.drivers.gcode.channel import LineChannel
from robotq.drivers.gcode.position import Position as KnownPosition
from robotq.drivers.gcode.reader.dialects.marlin import may_be_unknown
from robotq.drivers.gcode.reader.lines import Line
from robotq.drivers.marlin.talk.condition import BoardCondition
from robotq.drivers.marlin.talk.lines import MARKER
from robotq.drivers.marlin.talk.numbered import Numbered, NumberedLines
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

_OF_NO_LINE = (Chatter, Position)
_BEFORE_OK = (Resend, Unknown)
"""An answer that comes right behind it only ends it."""


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
        self._numbered = NumberedLines()
        super().__init__(f"{robot}-marlin", port, position, lost, self._numbered)
        self._on_start = on_start
        self._refusing = False
        """If the next thing that is said is an answer, it only ends a request for a line."""
        self.condition = BoardCondition()
        """What it has said of itself; only this channel writes it."""
        self._still_wanted: Callable[[], bool] | None = None
        """Whether motions may begin that are sent again; None: all may."""
        self._strange = True
        """Nothing is known of the lines that it has from before the link was made."""

    def _forget_all(self) -> None:
        self._strange, self._refusing = True, False
        self.condition.forget()
        self._numbered.motions_end()

    # -- sending -------------------------------------------------------------------------------

    def forget(self) -> None:
        """No answer is waited for any more."""
        with self._changed:
            self._forget_lines()

    def _forget_lines(self) -> None:
        self._numbered.forget()
        self._refusing = False

    def in_step(self) -> None:
        """Both sides count alike: whatever it had before is answered."""
        with self._changed:
            self._numbered.all_answered()
            self._strange = False

    def restart(self, *, although_shut: bool = False) -> None:
        """Ask the controller to count from 0. The line end in front completes whatever half a
        line there may be, which is then refused for its lack of a checksum."""
        with self._changed:
            sent = self._numbered.count_from_0()
            self._refusing = False
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
            data = framed(self._numbered.next_number, line.text)
            data = b"\n" + data if end_other else data
            if window is not None and not self._numbered.has_room(data, window):
                return False
            self._line_up(self._numbered.numbered(line, data))
        self._hand_over(data, 1, although_shut=although_shut)
        return True

    def mark(self, *, end_other: bool = False) -> int:
        """Send a marker, in any case; returns its number."""
        with self._changed:
            number = self._numbered.next_number
        self.put(MARKER, None, although_shut=True, end_other=end_other)
        return number

    def probe(self) -> int:
        """Find out after a silence how far the controller has got. Whatever it may still say to
        earlier questions of this kind counts for this one."""
        with self._changed:
            self._numbered.markers_have_passed()
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

    def repeat(self) -> bool:
        """Send again what the controller wants again. False where it wants a line that it has
        long had: then it is not the controller any more that took those lines, or the number
        was damaged on its way."""
        with self._changed:
            wanted = self._numbered.take_wanted()
            self._heard_at = time.monotonic()
            if wanted is None or wanted >= self._numbered.next_number:
                return True
            if self._still_wanted is not None and not self._still_wanted():
                self._numbered.take_back_motions()
            again = self._numbered.again_from(wanted)
            if not again:
                return False
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
                self._numbered.wants(number)
            case Position():
                self._report(said)
            case Complaint(text=text):
                head = self._numbered.oldest
                about = None if head is None else head.line
                self._complaint = self._complaint or (about, text)
            case Paused():
                self.condition.pause()
            case Busy():
                self.condition.work()
            case Halted(text=text):
                self.condition.halt(text)
                self.position.forget(f"the controller has halted: {text}")
            case Started():
                self._has_started()
                self._numbered.all_answered()
                self._strange = False
                self.condition.reads()
                self._numbered.motions_end()
                self._on_start()
                self.position.forget("the controller has started anew")
            case Told(text=text) | Chatter(text=text):
                self._told.append(text)
                self.condition.feel(text)
            case _:
                """A line that came damaged: that it was heard is all there is to it."""

    def _not_known(self, said: Unknown) -> Said:
        """What it means that it does not know a command."""
        lines = [sent.line for sent in self._numbered.lines if sent.line.text == said.command]
        if any(map(may_be_unknown, lines)):
            return Told(said.text)
        return Complaint(said.text) if lines or not said.damaged else said

    def _answer(self, ok: Ok, *, refused: bool) -> None:
        self.condition.reads()
        if ok.rest:
            position = position_in(ok.rest)
            if position is not None:
                self._report(position)
            self._told.append(ok.rest)
            self.condition.feel(ok.rest)
        if refused or self._numbered.said_twice(ok.number):
            return
        self.condition.answer()
        self._numbered.take_answer(ok.number)

    def _report(self, position: Position) -> None:
        self.condition.stand_at(position.point)
        self._told.append(" ".join(f"{axis}:{value:g}" for axis, value in
                                  zip("XYZ", position.point, strict=False)))  # fmt: skip
        if self._numbered.take_report():
            self._heard_at = time.monotonic()

    # -- what is known -------------------------------------------------------------------------

    @property
    def owed(self) -> int:
        """Lines that it may still answer, as far as they were sent since the link was made."""
        return len(self._numbered.lines) + self._numbered.forgotten

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
            or self._numbered.wanted is not None
            or self._complaint is not None
        )

    @property
    def resend(self) -> int | None:
        """The line that the controller wants again."""
        return self._numbered.wanted

    @contextmanager
    def without_requests(self) -> Iterator[None]:
        """Inside, what the controller asks for again is left to whoever counts."""
        with self._changed:
            wanted = self._numbered.take_wanted()
        try:
            yield
        finally:
            if wanted is not None:
                with self._changed:
                    self._numbered.wants_again(wanted)

    @property
    def reported(self) -> int:
        """The number of the last marker whose report has come, since both sides count anew."""
        return self._numbered.reported

    @property
    def motions_sent(self) -> int:
        """Lines that can move the robot, ever."""
        return self._numbered.motions_sent

    @property
    def motions_over(self) -> int:
        """Of these, those that are certainly carried out or dropped."""
        return self._numbered.motions_over
