"""The link to a device: lines out, lines in, stops first. Knows nothing of questions."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from robotq.drivers.base import LinkLost
from robotq.drivers.line.options import LineOptions
from robotq.drivers.patience import Turns
from robotq.drivers.transport import Transport
from robotq.drivers.transport.lines import LineFramer

Guard = Callable[[], None]
"""Raises what has befallen the caller, a stop for example."""

LOOK_S = 0.1
_WAITING = 64
"""Lines that wait to be looked at; a device that sends more unasked is out of step anyway."""
_RESTARTED = "the device has started anew"
_LINE_LIMIT = 65_536
_STOP_TURN_S = 0.4
"""Wall seconds that a stop waits for the line that is being written: half a line and a stop
behind it could be another line."""
_STOP_GAP_S = 0.1
"""Longest pause between two lines of a stop."""


class LineLink:
    """Down until `open`. All methods may be called from any thread."""

    def __init__(self, robot: str, options: LineOptions, on_lost: Callable[[str], None]) -> None:
        self._ready = options.ready
        self._told = on_lost
        self._transport = Transport(
            robot, options.port, on_data=self._on_data, on_lost=self._on_lost
        )
        end = options.ready.frame.receive_end
        self._framer = LineFramer(self._on_line, limit=_LINE_LIMIT, end=end)
        self._sending = threading.Lock()
        """Held while a line is written."""
        self._changed = threading.Condition()
        self._lines: deque[bytes] = deque(maxlen=_WAITING)
        self._broken: str | None = "not connected yet"
        self._listening = False
        """Somebody waits for an answer."""
        self._stray = False
        """A line came while nobody did."""
        self.stops = 0
        """Lines that were sent before everything else; nobody reads their answers."""
        self.made = False
        """The device has answered all that it is asked at a connection; before that, it may well
        say that it was switched on: opening a port does that to some."""
        self.asked_who = False
        """What it says when it was switched on may be an answer now."""
        self.restarted = False
        """The link is down because the device was switched on."""
        self.dropped = 0
        """Lines that were nobody's answer."""

    @property
    def is_open(self) -> bool:
        return self._transport.is_open

    @property
    def port_name(self) -> str | None:
        return self._transport.port_name

    @property
    def heard(self) -> bytes:
        return self._transport.heard

    def open(self) -> None:
        """Raises LinkLost."""
        with self._changed:
            self._lines.clear()
            self._framer.clear()
            self._broken = None
            self._stray = self.made = self.restarted = False
        self._transport.open()

    def lose(self, reason: str) -> None:
        self._transport.lose(reason)

    def close(self, reason: str) -> None:
        """Nobody is told."""
        with self._changed:
            self._broken = reason
            self._changed.notify_all()
        self._transport.close(reason)

    def shut(self) -> None:
        self.close("closed")
        self._transport.shut()

    def accept_board(self) -> None:
        self._transport.accept_board()

    def wake(self) -> None:
        """Have whoever waits look at its guard."""
        with self._changed:
            self._changed.notify_all()

    # -- out -----------------------------------------------------------------------------------

    def write(self, data: bytes, guard: Guard, sent: Callable[[], None]) -> None:
        """Send a line; `sent` is called before its first byte goes out. Raises LinkLost, and what
        `guard` does: then nothing was sent."""
        with self._sending:
            # a stop comes before this line or behind it, never in between
            guard()
            sent()
            self._transport.write(data)

    def now(self, lines: Sequence[bytes]) -> None:
        """Send lines before everything else. Raises LinkLost."""
        if not self._sending.acquire(timeout=_STOP_TURN_S):
            raise LinkLost("the device takes no bytes")
        try:
            for index, line in enumerate(lines):
                if index:
                    time.sleep(min(self._ready.device.gap_s, _STOP_GAP_S))
                self.stops += 1
                self._transport.write_now(line)
        finally:
            self._sending.release()

    def pause(self, seconds: float, guard: Guard) -> None:
        """Let time pass. Raises LinkLost, and what `guard` does, at once."""
        deadline = time.monotonic() + seconds
        while True:
            guard()
            with self._changed:
                self._check()
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(min(left, LOOK_S))

    # -- in ------------------------------------------------------------------------------------

    @property
    def unread(self) -> bool:
        """Something has come that nobody has asked for, or is about to. Raises LinkLost."""
        with self._changed:
            self._check()
            return self._stray or bool(self._lines) or self._framer.begun

    def listen(self, *, anew: bool = False) -> None:
        """From here on lines are awaited. `anew`: what came unasked before does not count any
        more. Raises LinkLost."""
        with self._changed:
            self._check()
            self.dropped += len(self._lines)
            self._lines.clear()
            self._stray = self._stray and not anew
            self._listening = True

    def listen_no_more(self) -> None:
        with self._changed:
            self._listening = False

    def next(self, turns: Turns, deadline: float, guard: Guard) -> bytes | None:
        """The next line; None where none comes in time. Raises LinkLost, and what `guard`
        does."""
        while True:
            guard()
            unread = self._transport.holds_unread()
            with self._changed:
                if self._lines:
                    return self._lines.popleft()
                self._check()
                left = deadline - turns.now()
                # where something came that nobody has read, it is we who are slow
                if left <= 0 and not unread:
                    return None
                self._changed.wait(min(max(left, 0.001), LOOK_S))

    def drop_until_quiet(self, quiet_s: float, most_s: float, guard: Guard) -> None:
        """Raises LinkLost, and what `guard` does."""
        turns = Turns(LOOK_S)
        end = turns.now() + most_s
        while turns.now() < end and self.next(turns, turns.now() + quiet_s, guard) is not None:
            self.dropped += 1
        with self._changed:
            self._framer.clear()

    def _check(self) -> None:
        if self._broken is not None:
            raise LinkLost(self._broken)

    def _on_data(self, data: bytes) -> None:
        with self._changed:
            self._framer.feed(data)
            self._changed.notify_all()
        if self.restarted:
            self.lose(_RESTARTED)

    def _on_line(self, line: bytes) -> None:
        """With `_changed` in hand."""
        line = line.strip(b"\r\n")
        text = line.decode(self._ready.device.encoding, "replace").strip(" \t\0")
        if not text or any(each.fullmatch(text) for each in self._ready.ignore):
            return
        restarted = self._ready.restarted
        if self.made and not self.asked_who and restarted and restarted.fullmatch(text):
            self.restarted = True
            self._broken = self._broken or _RESTARTED
            return
        self._lines.append(line)
        self._stray = self._stray or not self._listening

    def _on_lost(self, reason: str) -> None:
        with self._changed:
            self._broken = self._broken or reason
            self._changed.notify_all()
        self._told(reason)
