"""The conversation with one Marlin: numbered lines, and which of them it has taken.

Every line has a number and a checksum, and Marlin takes a line only when its number is the next
one. So a line that got lost is asked for again, one whose answer got lost is never carried out
twice, and after a silence the next number finds out which of the two it was.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from robotq.drivers.base import LinkLost
from robotq.drivers.gcode.lines import Line
from robotq.drivers.marlin.lines import FINISH, MARKER, RESTART
from robotq.drivers.marlin.protocol import (
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
from robotq.drivers.transport import Discarded, PortOptions, Transport

_RECEIVE_BYTES = 127
_TOLD = 200
_BUSY_S = 5.0
"""It says every two seconds that it is at work."""
_PAUSE_S = 10.0
"""It says every two seconds that it waits for a person; after so long without, it does not."""
_RECENT = 64
"""Lines that can be sent again although they seemed to be answered: the answer may have been
another one."""


@dataclass(slots=True)
class Sent:
    """A line that is on its way: not answered yet."""

    number: int
    line: Line
    data: bytes
    reported: bool = False
    """It is a marker, and its report has come."""
    passed: bool = False
    """It is a marker whose report would have come by now."""
    rested: int = 0
    """A marker: the motions that are over when it is reported, since M400 came before it."""


class Channel:
    """What is known may be read with `changed` held. Lines are sent by one thread at a time."""

    def __init__(self, robot: str, port: PortOptions, lost: Callable[[str], None]) -> None:
        self.transport = Transport(
            f"{robot}-marlin", port, on_line=self._take, on_lost=self._lost, line_limit=4096
        )
        self.baud = port.baud
        self.is_replay = port.replay is not None
        self._tell_lost = lost
        self._gate = threading.Lock()
        self.shut = True
        """No line is sent: an emergency stop is latched."""
        self.changed = threading.Condition()
        self.outstanding: deque[Sent] = deque()
        self._length = 0
        self.next_number = 1
        self.sent = 0
        """Lines handed to the transport, ever, with those that were sent again."""
        self.answered = 0
        self.resend: int | None = None
        """The line that the controller wants again."""
        self.refusing = False
        """If the next thing that is said is an answer, it only ends a request for a line."""
        self._recent: deque[Sent] = deque(maxlen=_RECENT)
        self.complaint: tuple[Line | None, str] | None = None
        """The first one since `begin`, and the line that it seems to be about."""
        self.halted: str | None = None
        self.starts = 0
        self.reported = -1
        """The number of the last marker whose report has come, since both sides count anew."""
        self.point: tuple[float, ...] = ()
        self.told: deque[str] = deque(maxlen=_TOLD)
        self.last_heard = 0.0
        self.motions_sent = 0
        """Lines that can move the robot, ever."""
        self.motions_over = 0
        """Of these, those that are certainly carried out or dropped."""
        self._before_finish = 0
        self._paused_at: float | None = None
        self._busy_at: float | None = None
        self.on_start: Callable[[], None] = lambda: None
        """Called on the reader thread when the controller has started anew."""
        self.why_lost: str | None = None
        """Why the position is not known."""
        self.lost: str | None = "not connected yet"

    # -- the link ------------------------------------------------------------------------------

    def open(self) -> None:
        """Raises LinkLost. Nothing is known of the controller afterwards."""
        self.transport.close()
        with self.changed:
            self.forget()
            self.halted = None
            self._paused_at = self._busy_at = None
            self.motions_over = self.motions_sent
            self.lost = None
            self.last_heard = time.monotonic()
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

    @property
    def paused(self) -> bool:
        """It waits for a person, as far as it has said last."""
        at = self._paused_at
        return at is not None and time.monotonic() - at < _PAUSE_S

    @property
    def busy(self) -> bool:
        """It works at something, and reads nothing meanwhile, as far as it has said last."""
        at = self._busy_at
        return at is not None and time.monotonic() - at < _BUSY_S

    # -- sending -------------------------------------------------------------------------------

    def begin(self) -> None:
        """A new exchange: what went wrong before is over."""
        with self.changed:
            self.complaint = None
            self.told.clear()
            self.last_heard = time.monotonic()

    def forget(self) -> None:
        """No answer is waited for any more. `changed` is held."""
        self.outstanding.clear()
        self._length = 0
        self._recent.clear()
        self.reported = -1
        self.resend = None
        self.refusing = False

    def restart(self, *, although_shut: bool = False) -> None:
        """Ask the controller to count from 0. The line end in front completes whatever half a
        line there may be, which is then refused for its lack of a checksum."""
        with self.changed:
            self.forget()
            data = framed(0, RESTART.text)
            self.outstanding.append(Sent(0, RESTART, data))
            self._length = len(data)
            self.next_number = 1
        self._hand_over(b"\n" + data, 1, although_shut=although_shut)

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
        with self.changed:
            if not self.outstanding:
                self.last_heard = time.monotonic()
            data = framed(self.next_number, line.text)
            data = b"\n" + data if end_other else data
            full = self._length + len(data) > _RECEIVE_BYTES
            if window is not None and (full or len(self.outstanding) >= window):
                return False
            if line.motion:
                self.motions_sent += 1
            elif line is FINISH:
                self._before_finish = self.motions_sent
            sent = Sent(self.next_number, line, data, rested=self._before_finish)
            self.outstanding.append(sent)
            self._recent.append(sent)
            self._length += len(data)
            self.next_number += 1
        self._hand_over(data, 1, although_shut=although_shut)
        return True

    def mark(self, *, end_other: bool = False) -> int:
        """Send a marker, in any case; returns its number."""
        with self.changed:
            number = self.next_number
        self.put(MARKER, None, although_shut=True, end_other=end_other)
        return number

    def probe(self) -> int:
        """Find out after a silence how far the controller has got. Whatever it may still say to
        earlier questions of this kind counts for this one."""
        with self.changed:
            for sent in self.outstanding:
                sent.passed = sent.line is MARKER
        return self.mark(end_other=True)

    def repeat(self) -> bool:
        """Send again what the controller wants again. False where it wants a line that it has
        long had: then it is not the controller any more that took those lines, or the number
        was damaged on its way."""
        with self.changed:
            wanted, self.resend = self.resend, None
            self.last_heard = time.monotonic()
            if wanted is None or wanted >= self.next_number:
                return True
            again = [sent for sent in self._recent if sent.number >= wanted]
            first = self.outstanding[0].number if self.outstanding else self.next_number
            # after a start of its own, it wants the very first one
            if not again or again[0].number != wanted or (wanted == 1 < first):
                return False
            early = [sent for sent in again if sent.number < first]
            self.outstanding.extendleft(reversed(early))
            self._length += sum(len(sent.data) for sent in early)
            data = b"".join(sent.data for sent in again)
            own = all(sent.line.number == 0 and not sent.line.motion for sent in again)
        self._hand_over(data, len(again), although_shut=own)
        return True

    def urgent(self, data: bytes) -> None:
        """Send ahead of all that is still to be written, which is never sent. Takes no lock
        before the bytes are on their way."""
        sent = self.sent
        self.transport.write_now(data, discard=True)
        # a line that was being handed over at this moment may have come after them
        with self._gate:
            late = self.sent != sent
        if late:
            self.transport.write_now(data, discard=True)

    def _hand_over(self, data: bytes, lines: int, *, although_shut: bool = False) -> None:
        with self._gate:
            if self.shut and not although_shut:
                return
            self.sent += lines
            try:
                self.transport.write(data)
            except Discarded:
                # a stop; whoever waits for the answers sees it
                return

    # -- receiving, on the reader thread ---------------------------------------------------------

    def _take(self, raw: bytes) -> None:
        said = parse(raw)
        with self.changed:
            if not isinstance(said, Chatter | Position):
                self.last_heard = time.monotonic()
            self._understand(said)
            self.changed.notify_all()

    def _understand(self, said: Said) -> None:
        if isinstance(said, Unknown):
            ours = any(sent.line.text == said.command for sent in self.outstanding)
            damaged = said.damaged and not ours
            said = said if damaged else Complaint(said.text)
        refused, self.refusing = self.refusing, isinstance(said, Resend | Unknown)
        match said:
            case Ok():
                self._answer(said, refused=refused)
            case Resend(number=number):
                if number is not None and (self.resend is None or self._plausible(number)):
                    self.resend = number
            case Position():
                self._report(said)
            case Complaint(text=text):
                head = self.outstanding[0].line if self.outstanding else None
                self.complaint = self.complaint or (head, text)
            case Paused():
                self._paused_at, self._busy_at = time.monotonic(), None
            case Busy():
                self._paused_at, self._busy_at = None, time.monotonic()
            case Halted(text=text):
                self._paused_at = self._busy_at = None
                self.halted = self.halted or text
                self.why_lost = self.why_lost or f"the controller has halted: {text}"
            case Started():
                self.starts += 1
                self.forget()
                self._paused_at = self._busy_at = None
                self.motions_over = self.motions_sent
                self.on_start()
                self.why_lost = self.why_lost or "the controller has started anew"
            case Told(text=text) | Chatter(text=text):
                self.told.append(text)
            case _:
                """A line that came damaged: that it was heard is all there is to it."""

    def _plausible(self, number: int) -> bool:
        first = self.outstanding[0].number if self.outstanding else self.next_number
        return first <= number <= self.next_number

    def _answer(self, ok: Ok, *, refused: bool) -> None:
        self._paused_at = self._busy_at = None
        if ok.rest:
            position = position_in(ok.rest)
            if position is not None:
                self._report(position)
            self.told.append(ok.rest)
        if refused:
            return
        if ok.number is not None and self.outstanding and ok.number < self.outstanding[0].number:
            # said twice
            return
        while self.outstanding and ok.number is not None and self.outstanding[0].number < ok.number:
            self._pop()
        if self.outstanding:
            head = self.outstanding[0]
            if head.line is MARKER and not head.reported:
                # an answer too many must not end a wait for the marker
                head.passed = True
            else:
                self._pop()

    def _report(self, position: Position) -> None:
        self.point = position.point
        self.told.append(" ".join(f"{axis}:{value:g}" for axis, value in
                                  zip("XYZ", position.point, strict=False)))  # fmt: skip
        asked = [sent for sent in self.outstanding if sent.line is MARKER and not sent.reported]
        if not asked:
            return
        marker = next((sent for sent in asked if not sent.passed), asked[-1])
        while self.outstanding[0] is not marker:
            # answered, although the answer did not arrive
            self._pop()
        marker.reported = True
        self.reported = marker.number
        self.motions_over = max(self.motions_over, marker.rested)
        self.last_heard = time.monotonic()

    def _pop(self) -> None:
        self._length -= len(self.outstanding.popleft().data)
        self.answered += 1
