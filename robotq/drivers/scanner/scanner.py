"""Reads codes: what one read is given, and what is nobody's code.

Everything between two pauses is one burst. A burst belongs to the read that was under way when
its first byte came; all others are dropped, and the log says so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from robotq.drivers.base import DriverError, LinkLost
from robotq.drivers.scanner.codes import MOST_BYTES, NotACode, code_in
from robotq.drivers.scanner.options import ScannerOptions
from robotq.drivers.transport import Transport
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

_LOOK_S = 0.1
_REOPEN_S = 1.0
_LATEST_S = 10.0
"""How much longer than its time a read waits for the end of what has begun to come."""
_TELL_S = 5.0
"""Dropped codes are told no more often: some scanners send ten a second."""


class _Read:
    """One read that is under way."""

    def __init__(self) -> None:
        self.over = False
        self.code: str | None = None
        self.refused: str | None = None
        self.trigger_at: float | None = None
        """When to trigger once more, since the answer was a repetition."""


class Scanner:
    """One scanner, whose port is opened at the start and again whenever it is gone. `read`
    belongs to the command thread."""

    def __init__(self, robot: str, options: ScannerOptions) -> None:
        self.options = options
        self._robot = robot
        self._transport = Transport(
            f"{robot}-scanner", options.port, on_data=self._heard, on_lost=self._lost
        )
        self._changed = threading.Condition()
        self._opening = threading.Lock()
        self._burst = bytearray()
        self._burst_of: _Read | None = None
        self._heard_at = 0.0
        self._now: _Read | None = None
        """The read that is under way."""
        self._given: str | None = None
        """The code that was given last."""
        self._given_seen_at = float("-inf")
        self._nobody_until = float("-inf")
        self._absent: str | None = "not opened yet"
        self._told_at = float("-inf")
        self._untold = 0
        self._closed = False
        self._keeper: threading.Thread | None = None

    # -- for the driver ------------------------------------------------------------------------

    def start(self) -> None:
        """Open its port, and keep it open. Does not wait for it."""
        with self._changed:
            if self._keeper is not None or self._closed:
                return
            self._keeper = threading.Thread(
                target=self._keep, name=f"{self._robot}-scanner", daemon=True
            )
            self._keeper.start()

    def require(self) -> None:
        """Raises DriverError scanner_absent where it cannot be reached."""
        self.start()
        try:
            self._reach()
        except LinkLost as error:
            raise DriverError(error.reason, code="scanner_absent") from error

    def read(self, timeout_s: float, check: Callable[[], None]) -> str | None:
        """The next code; None where none comes in time. What was read before counts for
        nothing. `check` is called often, and may raise.

        Raises DriverError scanner_absent, and code_refused for what may be another code.
        """
        self.require()
        read = _Read()
        try:
            self._begin(read, timeout_s, check)
            self._wait(read, timeout_s, check)
        except LinkLost as error:
            raise DriverError(error.reason, code="scanner_absent") from error
        finally:
            self._end(read)
        if read.refused is not None:
            raise DriverError(read.refused, code="code_refused")
        return read.code

    def state(self) -> JsonObject:
        """What there is to be shown of it."""
        told: dict[str, str | bool | None] = {
            "connected": self._transport.is_open,
            "port": self._transport.port_name or self.options.port.port,
        }
        if not self._transport.is_open and self._absent is not None:
            told["reason"] = self._absent
        return told

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._transport.shut()

    # -- one read ------------------------------------------------------------------------------

    def _begin(self, read: _Read, timeout_s: float, check: Callable[[], None]) -> None:
        """Wait until what is under way is over: it is not for this read."""
        deadline = time.monotonic() + timeout_s + self.options.late_s
        while True:
            check()
            unread = self._transport.holds_unread()
            with self._changed:
                now = time.monotonic()
                if now >= self._nobody_until and not self._burst and not unread:
                    self._now = read
                    break
                if now > deadline:
                    raise DriverError("it sends without a pause", code="code_refused")
                self._changed.wait(_LOOK_S if self._burst else min(_LOOK_S, self._until_free(now)))
        if self.options.trigger:
            self._transport.write(self.options.trigger)

    def _until_free(self, now: float) -> float:
        return max(0.001, self._nobody_until - now)

    def _wait(self, read: _Read, timeout_s: float, check: Callable[[], None]) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            check()
            with self._changed:
                now = time.monotonic()
                if not read.over and not self._transport.is_open:
                    raise LinkLost(self._absent or "it is gone")
                begun = self._burst_of is read and bool(self._burst)
                if read.over or now >= deadline + (_LATEST_S if begun else 0.0):
                    return
                again = read.trigger_at is not None and now >= read.trigger_at
                if again:
                    read.trigger_at = None
                else:
                    self._changed.wait(min(_LOOK_S, max(0.001, deadline - now)))
            if again:
                self._transport.write(self.options.trigger)

    def _end(self, read: _Read) -> None:
        with self._changed:
            self._now = None
            if read.code is None:
                self._nobody_until = time.monotonic() + self.options.late_s
        if read.code is None and self.options.untrigger:
            try:
                self._transport.write(self.options.untrigger)
            except LinkLost as error:
                _log.debug("%s: the scanner could not be told to end: %s", self._robot, error)

    # -- what comes ----------------------------------------------------------------------------

    def _heard(self, data: bytes) -> None:
        with self._changed:
            if not self._burst:
                self._burst_of = self._now
            if len(self._burst) <= MOST_BYTES:
                self._burst += data
            self._heard_at = time.monotonic()
            self._changed.notify_all()

    def _lost(self, reason: str) -> None:
        with self._changed:
            self._absent = reason
            self._burst.clear()
            self._changed.notify_all()
        _log.warning("%s: the scanner is gone: %s", self._robot, reason)

    def _keep(self) -> None:
        """Cuts what comes at its pauses, and opens the port again when it is gone."""
        reopen_at = 0.0
        while True:
            if not self._transport.is_open and time.monotonic() >= reopen_at:
                try:
                    self._reach()
                except LinkLost:
                    reopen_at = time.monotonic() + _REOPEN_S
            with self._changed:
                if self._closed:
                    return
                if not self._burst:
                    self._changed.wait(_REOPEN_S)
                    continue
                left = self._heard_at + self.options.gap_s - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                    continue
                heard_at = self._heard_at
            if self._transport.holds_unread():
                # it is we who are slow
                time.sleep(_LOOK_S / 100)
                continue
            with self._changed:
                if heard_at == self._heard_at and self._burst:
                    burst, read = bytes(self._burst), self._burst_of
                    self._burst.clear()
                    self._take(burst, read)
                    self._changed.notify_all()

    def _take(self, burst: bytes, read: _Read | None) -> None:
        options = self.options
        try:
            if len(burst) > MOST_BYTES:
                raise NotACode(f"it sent more than {MOST_BYTES} bytes without a pause")
            code = code_in(burst, options.code)
        except NotACode as error:
            if read is not None and read is self._now and not read.over:
                read.over, read.refused = True, str(error)
            else:
                self._tell(f"dropped what came while no read was under way: {error}")
            return
        if code is None and not any(burst.strip(b"\r\n")):
            return
        again = code is not None and code == self._given and self._seen_again()
        if read is None or read is not self._now or read.over:
            self._tell(f"dropped a code that came while no read was under way: {code!a:.80}")
        elif again:
            self._tell(
                f"the code before was read again, and is not taken for another: {code!a:.80}"
            )
            if options.trigger:
                read.trigger_at = time.monotonic() + options.not_again_s
        elif code is not None:
            read.over, read.code = True, code
            self._given, self._given_seen_at = code, time.monotonic()
        elif options.trigger:
            # it says that it read nothing, and tries no more
            read.over = True

    def _seen_again(self) -> bool:
        now = time.monotonic()
        before, self._given_seen_at = self._given_seen_at, now
        return now - before < self.options.not_again_s

    def _tell(self, text: str) -> None:
        now = time.monotonic()
        if now - self._told_at < _TELL_S:
            self._untold += 1
            return
        more = f" ({self._untold} more like it before)" if self._untold else ""
        self._told_at, self._untold = now, 0
        _log.warning("%s: the scanner: %s%s", self._robot, text, more)

    # -- its port ------------------------------------------------------------------------------

    def _reach(self) -> None:
        """Raises LinkLost."""
        with self._opening:
            if self._transport.is_open or self._closed:
                return
            try:
                self._transport.open()
            except LinkLost as error:
                if error.reason != self._absent:
                    _log.warning("%s: the scanner is not there: %s", self._robot, error.reason)
                self._absent = error.reason
                raise
            with self._changed:
                self._burst.clear()
            self._absent = None
            _log.info("%s: the scanner is at %s", self._robot, self._transport.port_name)
