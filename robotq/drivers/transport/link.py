"""The link to one controller: lines in, bytes out, stops first."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from robotq.drivers.base import LinkLost
from robotq.drivers.transport.find import Finder
from robotq.drivers.transport.heard import KEPT
from robotq.drivers.transport.lines import LineFramer
from robotq.drivers.transport.options import PortOptions
from robotq.drivers.transport.port import PORT_ERRORS, Port, open_port
from robotq.drivers.transport.recording import Recording
from robotq.drivers.transport.replay import open_replay
from robotq.drivers.transport.whose_turn import WhoseTurn
from robotq.drivers.transport.wire import Gone, Wire, told

_log = logging.getLogger(__name__)

_LINE_LIMIT = 65_536
_WRITE_S = 5.0
"""Wall seconds in which a device must take at least one byte of a line."""
_WRITE_NOW_S = 1.0
"""The same for a stop."""
_JOIN_S = 2.0


class Discarded(Exception):
    """A line was given up half-way, because a stop that throws away what waits came first."""


class Transport:
    """A port that is opened, lost and opened again, for as long as its driver lives.

    `on_line` gets every line that the device sends, without its end, on the reader thread;
    `on_data`, in its place, the bytes as they come, for devices whose pauses mean something.
    A thread that sends a line for each answer may read by itself (`reading_here`): then it is
    called on that thread too, never on two at once.
    `on_lost` gets the reason when the link breaks, once for each opening, on the thread that
    finds out. Neither may wait for long. An exception out of `on_line` breaks the link.

    All methods may be called from any thread, but not with a lock in hand that `on_line`
    takes. It never opens the port by itself: the engine calls the driver's `connect` for ever,
    with growing pauses.
    """

    def __init__(
        self,
        name: str,
        options: PortOptions,
        *,
        on_line: Callable[[bytes], None] | None = None,
        on_data: Callable[[bytes], None] | None = None,
        on_lost: Callable[[str], None],
        line_limit: int = _LINE_LIMIT,
        line_end: bytes = b"\n",
    ) -> None:
        self._name = name
        self._options = options
        self._finder = Finder(options)
        self._on_lost = on_lost
        self._framer = LineFramer(on_line or (lambda _line: None), limit=line_limit, end=line_end)
        self._take = on_data or self._framer.feed
        self._recording = None if options.record is None else Recording(options.record)
        self._opening = threading.Lock()
        self._line = threading.Lock()
        """Held for the length of a line, so that two lines never mix."""
        self._wire = Wire(name, self._recording)
        self._reader: threading.Thread | None = None
        self._turn = WhoseTurn()
        self._told_lost = threading.Event()
        """`on_lost` has been called, and has returned, for every link that broke."""
        self._told_lost.set()
        self._urgent: set[int] = set()
        """Stops that want to be written now; lines wait for them."""
        self._numbers = itertools.count()
        self._discards = 0
        self.port_name: str | None = None
        """The name under which the port was opened last."""
        self.last_received = 0.0
        """When the device sent something last, on `time.monotonic`."""
        self.heard = b""
        """The first bytes that the device has sent since the port was opened."""

    @property
    def is_open(self) -> bool:
        return self._wire.port is not None

    @property
    def dropped_lines(self) -> int:
        """Lines of the device that were longer than the limit, and were not handed over."""
        return self._framer.dropped

    def open(self) -> None:
        """Find the port and open it. What the device sent before is lost.

        Nothing is written, and no `on_lost` of an earlier opening comes later. Raises LinkLost.
        """
        # whoever was told by an exception may be here before the thread that has found out is done
        self._told_lost.wait(_JOIN_S)
        with self._opening:
            self._close("opened anew", drain=False)
            replay = self._options.replay
            port: Port
            if replay is not None:
                name, port = f"replay of {replay}", open_replay(replay)
            else:
                name = self._finder.find()
                port = open_port(name, self._options)
            self.port_name = name
            self._framer.clear()
            self.heard = b""
            self.last_received = time.monotonic()
            if self._recording is not None:
                self._recording.opened(name)
            self._wire.put_up(port)
            self._reader = threading.Thread(
                target=self._read, args=(port,), name=f"{self._name}-reader", daemon=True
            )
            self._reader.start()

    def accept_board(self) -> None:
        """Take the board that was not opened because it may be another one: a person says so."""
        self._finder.accept()

    def write(self, data: bytes) -> None:
        """Write a line, or several; returns when the system has taken them all.

        Two calls never mix. Raises LinkLost, also when the device takes no bytes for 5 s, and
        Discarded.
        """
        with self._line:
            discards, rest = self._discards, memoryview(data)
            deadline = time.monotonic() + _WRITE_S
            while rest:
                if self._discards != discards:
                    raise Discarded
                taken = 0 if self._urgent else self._write_some(rest)
                if taken:
                    rest = rest[taken:]
                    deadline = time.monotonic() + _WRITE_S
                elif time.monotonic() > deadline:
                    self.lose("the device takes no bytes")
                    raise LinkLost("the device takes no bytes")
                else:
                    self._wire.wait_writable()

    def write_now(self, data: bytes, *, discard: bool = False) -> None:
        """Write a stop: it comes before everything that the system has not taken yet, and so
        may stand in the middle of a line.

        With `discard`, whatever was handed over before and is not on the wire yet is never
        sent, and a `write` that is under way raises Discarded. Raises LinkLost, also when
        there is no room for 1 s.
        """
        number = next(self._numbers)
        self._urgent.add(number)
        try:
            if discard:
                self._discards += 1
                self._wire.discard_output()
            deadline = time.monotonic() + _WRITE_NOW_S
            rest = memoryview(data)
            while rest:
                rest = rest[self._write_some(rest) :]
                if rest and time.monotonic() > deadline:
                    raise LinkLost("the device takes no bytes")
                if rest:
                    self._wire.wait_writable()
        finally:
            self._urgent.discard(number)

    def close(self, reason: str = "closed") -> None:
        """Close the port. `on_lost` is not called."""
        with self._opening:
            self._close(reason, drain=True)

    def lose(self, reason: str) -> None:
        """Give the link up because of what the device says or does not say; `on_lost` is
        called unless the link is down already."""
        self._broken(None, reason)

    def shut(self) -> None:
        """Close the port and the recording; the transport is not used again."""
        self.close()
        if self._recording is not None:
            self._recording.close()

    # -- writing -------------------------------------------------------------------------------

    def _write_some(self, data: memoryview) -> int:
        try:
            return self._wire.write_some(data)
        except Gone as error:
            self.lose(error.reason)
            raise LinkLost(error.reason) from error

    def holds_unread(self) -> bool:
        """Whether bytes have come that nobody has read yet: there is no pause, only delay."""
        return self._wire.holds_unread()

    # -- reading -------------------------------------------------------------------------------

    @contextmanager
    def reading_here(self) -> Iterator[None]:
        """Inside, this thread reads by itself, in `read_here`: no change of threads lies between an
        answer and the line that follows it. Whenever it is about something else, the reader thread
        looks in for it. For one thread at a time."""
        with self._turn.given_to_this_thread():
            self.wake()
            yield

    def read_here(self, at_most_s: float, unless: Callable[[], bool]) -> bool | None:
        """Wait for what the device says next, or for `wake`, and take it; not where `unless` is
        true, which is asked once nobody else can take it any more. False: nothing has come; None:
        another thread reads, since this one is not inside `reading_here`, or the port cannot be
        read by turns, or there is none."""
        port, turn = self._wire.port, self._turn
        if not turn.is_given_to_this_thread or port is None or not port.by_turns:
            return None
        with turn.reading:
            if self._wire.port is not port:
                return None
            if unless():
                return True
            began = time.monotonic()
            reason = self._receive(port, at_most_s)
        if reason is not None:
            self._broken(port, reason)
        return reason is not None or time.monotonic() - began < at_most_s

    def wake(self) -> None:
        """Let `read_here` come back. Waits for nothing."""
        if self._turn.is_given:
            self._wire.wake()

    def _read(self, port: Port) -> None:
        while self._wire.port is port:
            with self._turn.looking_in(port) as ours:
                # asked anew: whoever has got it meanwhile has called `wake` before
                looks_in = port.by_turns and self._turn.is_given
                reason = self._receive(port, 0.0 if looks_in else None) if ours else None
            if reason is not None:
                self._broken(port, reason)

    def _receive(self, port: Port, at_most_s: float | None) -> str | None:
        """Take what comes next. Why the link broke. It is our turn."""
        try:
            data = port.read(at_most_s)
        except PORT_ERRORS as error:
            return told(error)
        if not data or self._wire.port is not port:
            return None
        self.last_received = time.monotonic()
        if len(self.heard) < KEPT:
            self.heard = (self.heard + data)[:KEPT]
        if self._recording is not None:
            self._recording.received(data)
        try:
            self._take(data)
        except Exception as error:  # noqa: BLE001 - drivers from elsewhere may raise anything
            _log.error("%s: the driver failed on what the device said", self._name, exc_info=error)
            return f"the driver failed on what the device said: {error!r}"
        return None

    # -- the end of an opening -----------------------------------------------------------------

    def _broken(self, only: Port | None, reason: str) -> None:
        """This one has broken, or whichever is open."""
        port = self._wire.take_away(reason, only, before=self._told_lost.clear)
        if port is None:
            return
        try:
            self._give_up(port, reason, drain=False)
            self._on_lost(reason)
        finally:
            self._told_lost.set()

    def _close(self, reason: str, *, drain: bool) -> None:
        port = self._wire.take_away(reason)
        if port is not None:
            self._give_up(port, reason, drain=drain)

    def _give_up(self, port: Port, reason: str, *, drain: bool) -> None:
        reader = self._reader
        port.wake()
        if reader is not None and reader is not threading.current_thread():
            # it must not read from a file descriptor that has another meaning by then
            reader.join(_JOIN_S)
        # nor must a thread that reads by itself
        with self._turn.nobody_reads(_JOIN_S):
            port.close(drain=drain)
        if self._recording is not None:
            self._recording.closed(reason)
