"""The conversation with one controller, whatever its firmware: which lines are on their way, what
it has said, and whether anything may be sent."""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic

from robotq.drivers.base import LinkLost
from robotq.drivers.gcode.gate import Gate
from robotq.drivers.gcode.position import Position
from robotq.drivers.gcode.reader.lines import Line
from robotq.drivers.gcode.under_way import LinesUnderWay, SentT
from robotq.drivers.transport import PortOptions, Transport

_TOLD = 200
"""Lines of an answer that are kept."""
_LINE_LIMIT = 4096
WAKE_S = 0.05
"""Between two looks of `wait_for`."""


class LineChannel(ABC, Generic[SentT]):
    """A subclass says what the controller's lines mean and when a line may be sent.

    It has three locks:

    - `_changed` for what is known. Methods that need it take it; nobody keeps it while he waits
      for anything but news.
    - that of `gate` while a line is handed to the transport.
    - `turn` of whoever sends lines.

    What stops (`gate.shut`, `at_once`, `urgent`) has its bytes on their way before it takes any
    of them. Properties take none: each value stands for itself.
    """

    def __init__(
        self,
        name: str,
        port: PortOptions,
        position: Position,
        lost: Callable[[str], None],
        under_way: LinesUnderWay[SentT],
    ) -> None:
        self._under_way = under_way
        self.position = position
        self.port = port
        self.transport = Transport(
            name, port, on_line=self._take, on_lost=self._broken, line_limit=_LINE_LIMIT
        )
        self._tell_lost = lost
        self.turn = threading.Lock()
        """Held by whoever sends lines. An emergency stop never waits for it."""
        self._changed = threading.Condition()
        self.gate = Gate(self.transport)
        self._starts = 0
        self._losses = 0
        self._complaint: tuple[Line | None, str] | None = None
        self._told: deque[str] = deque(maxlen=_TOLD)
        self._heard_at = 0.0
        self._lost: str | None = "not connected yet"

    # -- what a firmware gives -----------------------------------------------------------------

    @abstractmethod
    def _understand(self, raw: bytes) -> None:
        """Take in what the controller says. Called with `_changed` held."""

    @abstractmethod
    def _forget_all(self) -> None:
        """The link is made anew: nothing is known. Called with `_changed` held."""

    # -- the link ------------------------------------------------------------------------------

    def open(self) -> None:
        """Raises LinkLost. Nothing is known of the controller afterwards."""
        self.transport.close()
        with self._changed:
            self._under_way.forget()
            self._forget_all()
            self._lost = None
            self._heard_at = time.monotonic()
        try:
            self.transport.open()
        except LinkLost as error:
            with self._changed:
                self._lost = error.reason
            raise

    def close(self, reason: str) -> None:
        """There is no link. Nobody is told."""
        self.transport.close(reason)
        with self._changed:
            self._lost = reason

    def _broken(self, reason: str) -> None:
        with self._changed:
            self._lost = reason
            self._changed.notify_all()
        self._tell_lost(reason)

    @property
    def lost(self) -> str | None:
        """Why there is no link; None where there is one."""
        return self._lost

    def require_link(self) -> None:
        """Raises LinkLost where there is no link."""
        lost = self._lost
        if lost is not None:
            raise LinkLost(lost)

    # -- whose turn it is ----------------------------------------------------------------------

    @contextmanager
    def turn_if_free(self) -> Iterator[bool]:
        """`turn`, without a wait; False where somebody else sends lines."""
        taken = self.turn.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                self.turn.release()

    # -- news ----------------------------------------------------------------------------------

    @contextmanager
    def still(self) -> Iterator[None]:
        """Inside, what is known does not change. For moments only."""
        with self._changed:
            yield

    def wait(self, at_most_s: float, *, unless: Callable[[], bool] | None = None) -> bool:
        """Wait for what the controller says next, or for `wake`; not where `unless` is true,
        which is asked once no news can be missed any more. False: nothing has come."""
        unless = unless or (lambda: False)
        here = self.transport.read_here(at_most_s, unless)
        if here is not None:
            return here
        with self._changed:
            return unless() or self._changed.wait(at_most_s)

    def wait_for(
        self,
        done: Callable[[], bool],
        check: Callable[[], None],
        *,
        say: bytes = b"",
        every_s: float = math.inf,
        first_s: float = 0.0,
    ) -> None:
        """Until `done`. `check` is called between two looks, and may raise. After `first_s`, and
        then every `every_s`, `say` is sent at once: bytes can get lost. Raises LinkLost."""
        due = time.monotonic() + first_s
        while not done():
            if say and time.monotonic() >= due:
                self.at_once(say)
                due = time.monotonic() + every_s
            self.wait(WAKE_S, unless=done)
            if done():
                return
            self.require_link()
            check()

    def wake(self) -> None:
        """Have everybody who waits look again. Never waits for long."""
        if self._changed.acquire(timeout=WAKE_S):
            # whoever waits looks by himself after a moment
            try:
                self._changed.notify_all()
            finally:
                self._changed.release()
        self.transport.wake()

    # -- sending -------------------------------------------------------------------------------

    def begin(self) -> None:
        """A new exchange: what went wrong before is over."""
        with self._changed:
            self._complaint = None
            self._told.clear()
            self._heard_at = time.monotonic()

    def begin_program(self) -> None:
        """The lines of a program follow: those with a number."""
        with self._changed:
            self._under_way.begin_program()

    def be_patient(self) -> None:
        """The silence up to now does not count."""
        with self._changed:
            self._heard_at = time.monotonic()

    def at_once(self, data: bytes) -> None:
        """Send bytes that the controller acts upon at once. Takes no lock. Raises LinkLost."""
        self.transport.write_now(data)

    def urgent(self, data: bytes) -> None:
        """Send ahead of all that is still to be written, which is never sent. Takes no lock
        before the bytes are on their way. Raises LinkLost."""
        self.count_no_more()
        self.gate.pass_all(data)

    def _line_up(self, sent: SentT) -> None:
        """It is on its way from now on. `_changed` is held."""
        if not self._under_way.lines:
            self._heard_at = time.monotonic()
        self._under_way.add(sent)

    def _hand_over(
        self, data: bytes, lines: int, *, although_shut: bool = False, starts: int | None = None
    ) -> None:
        """Write lines. Not where the gate is shut, or the controller has forgotten them: it has
        started since `starts`."""
        still = None if starts is None else lambda: starts == self._starts
        self.gate.hand_over(data, lines, although_shut=although_shut, still=still)

    # -- receiving, on the reader thread -------------------------------------------------------

    def _take(self, raw: bytes) -> None:
        with self._changed:
            self._understand(raw)
            self._changed.notify_all()

    def _has_started(self) -> None:
        """The controller has started anew. `_changed` is held."""
        self._under_way.forget()
        self._under_way.count_no_more()
        self._starts += 1

    # -- what is known -------------------------------------------------------------------------

    @property
    def lines_under_way(self) -> int:
        """Lines without an answer."""
        return len(self._under_way.lines)

    @property
    def answered(self) -> int:
        """Lines, ever."""
        return self._under_way.answered

    def count_no_more(self) -> None:
        """A stop is on its way, which ends lines before they are done: their answers do not count
        for the program any more. Takes no lock."""
        self._under_way.count_no_more()

    def of_program(self) -> tuple[int, int]:
        """Lines of the program that were handed over, and that were answered, since
        `begin_program` and before a stop that drops what is planned, or a start."""
        with self._changed:
            return self._under_way.of_program()

    @property
    def starts(self) -> int:
        """How often the controller has started anew, ever."""
        return self._starts

    @property
    def losses(self) -> int:
        """How often the controller has said that steps may be missing, ever."""
        return self._losses

    @property
    def complaint(self) -> tuple[Line | None, str] | None:
        """The first one since `begin`, and the line that it seems to be about."""
        return self._complaint

    @property
    def heard_at(self) -> float:
        """When it said the last thing that counts, or when the wait for that began."""
        return self._heard_at

    def under_way(self) -> Sequence[Line]:
        """The lines without an answer, from the oldest one."""
        with self._changed:
            return [sent.line for sent in self._under_way.lines]

    def told(self) -> Sequence[str]:
        """What it has said since `begin` that is no answer to a line."""
        with self._changed:
            return list(self._told)
