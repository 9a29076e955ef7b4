"""One scanner: its port, its threads and its clock. Whose code it is: hearing.py."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from robotq.drivers.base import DriverError, LinkLost
from robotq.drivers.scanner.hearing import Hearing, Read
from robotq.drivers.scanner.hid import HidLink, HidOptions, KeyEvents, open_keyboard
from robotq.drivers.scanner.needed import LOOK_S, REOPEN_S, until_there
from robotq.drivers.scanner.options import ScannerOptions
from robotq.drivers.scanner.reader import Keep, nothing_kept
from robotq.drivers.scanner.who import Who
from robotq.drivers.transport import Transport
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

_SOON_S = 0.001
_LATEST_S = 10.0
"""How much longer than its time a read waits for the end of what has begun to come."""
_REST_S = 1.0
"""How often a read that may not begin yet looks for a stop. Nothing moves meanwhile."""


class Scanner:
    """One scanner, whose port is opened at the start and again whenever it is gone. `read`
    belongs to the command thread."""

    def __init__(
        self,
        robot: str,
        options: ScannerOptions,
        open_keys: Callable[[HidOptions], KeyEvents] = open_keyboard,
    ) -> None:
        """`open_keys` takes a keyboard from the system."""
        self.options = options
        self._robot = robot
        name = f"{robot}-scanner"
        self._transport: Transport | HidLink
        if options.hid is None:
            self._transport = Transport(name, options.port, on_data=self._heard, on_lost=self._lost)
        else:
            self._transport = HidLink(
                name,
                options.hid,
                on_data=self._heard,
                on_doubt=self._doubted,
                on_lost=self._lost,
                open_keys=open_keys,
            )
        self._changed = threading.Condition()
        self._opening = threading.Lock()
        self._hearing = Hearing(options, self._warn)
        self._who = Who(options.who, options.gap_s, self._changed)
        self._absent: str | None = "not opened yet"
        self._broke = "it is gone"
        """Why the link broke last."""
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

    @property
    def ready(self) -> bool:
        """Its port is open, and it is the one that is meant."""
        return self._absent is None and self._transport.is_open

    def require(self, given_up: Callable[[], bool] = lambda: False) -> None:
        """Wait for it as long as the options say, or until nobody wants it any more. Raises
        DriverError scanner_absent where it cannot be reached."""
        until_there(
            self._need,
            lambda: self.ready,
            self._changed,
            wait_s=self.options.wait_s,
            given_up=given_up,
            warn=self._warn,
        )

    def read(
        self,
        timeout_s: float,
        check: Callable[[], None],
        keep: Keep = nothing_kept,  # noqa: ARG002 - it has no picture
    ) -> str | None:
        """The next code; None where none comes in time. What was read before counts for
        nothing. `check` is called often, and may raise.

        Raises DriverError scanner_absent, and code_refused for what may be another code.
        """
        self._need()
        read = Read()
        try:
            self._begin(read, timeout_s, check)
            self._wait(read, timeout_s, check)
        except LinkLost as error:
            raise DriverError(error.reason, code="scanner_absent") from error
        finally:
            self._end(read)
        if read.broken and read.code is None:
            raise DriverError(self._broke, code="scanner_absent")
        if read.refused is not None:
            raise DriverError(read.refused, code="code_refused")
        return read.code

    def _need(self) -> None:
        """Raises DriverError."""
        self.start()
        try:
            self._reach()
        except LinkLost as error:
            raise DriverError(error.reason, code="scanner_absent") from error

    def state(self) -> JsonObject:
        """What there is to be shown of it."""
        told: dict[str, str | bool | None] = {
            "connected": self.ready,
            "port": self._transport.port_name or self.options.port.port,
        }
        if self.options.who is not None:
            told["identity"] = self._who.identity
        if not self.ready and self._absent is not None:
            told["reason"] = self._absent
        return told

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._transport.shut()

    # -- one read ------------------------------------------------------------------------------

    def _begin(self, read: Read, timeout_s: float, check: Callable[[], None]) -> None:
        """Wait until what is under way is over: it is not for this read."""
        deadline = time.monotonic() + timeout_s + self.options.late_s
        while True:
            check()
            unread = self._transport.holds_unread()
            with self._changed:
                now = time.monotonic()
                free_in = self._hearing.free_in(now)
                if free_in == 0 and not unread:
                    self._hearing.begin(read)
                    break
                if now > deadline:
                    raise DriverError("it sends without a pause", code="code_refused")
                if free_in is None:
                    self._changed.wait(LOOK_S)
                else:
                    self._changed.wait(min(_REST_S, free_in) or _SOON_S)
        if self.options.trigger:
            self._transport.write(self.options.trigger)

    def _wait(self, read: Read, timeout_s: float, check: Callable[[], None]) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            check()
            with self._changed:
                now = time.monotonic()
                if not read.over and not self.ready:
                    raise LinkLost(self._absent or "it is gone")
                begun = self._hearing.begun(read)
                if read.over or now >= deadline + (_LATEST_S if begun else 0.0):
                    return
                again = read.trigger_at is not None and now >= read.trigger_at
                if again:
                    read.trigger_at = None
                else:
                    self._changed.wait(min(LOOK_S, max(0.001, deadline - now)))
            if again:
                self._transport.write(self.options.trigger)

    def _end(self, read: Read) -> None:
        with self._changed:
            self._hearing.end(read, time.monotonic())
        if read.code is None and self.options.untrigger:
            try:
                self._transport.write(self.options.untrigger)
            except LinkLost as error:
                _log.debug("%s: the scanner could not be told to end: %s", self._robot, error)

    # -- what comes ----------------------------------------------------------------------------

    def _heard(self, data: bytes) -> None:
        with self._changed:
            if not self._who.heard(data):
                self._hearing.heard(data, time.monotonic())
            self._changed.notify_all()

    def _doubted(self, reason: str) -> None:
        with self._changed:
            self._hearing.doubt(reason, time.monotonic())
            self._changed.notify_all()

    def _lost(self, reason: str) -> None:
        with self._changed:
            self._absent = self._broke = reason
            self._hearing.forget(time.monotonic())
            self._changed.notify_all()
        _log.warning("%s: the scanner is gone: %s", self._robot, reason)

    def _keep(self) -> None:
        """Cuts what comes at its pauses, and opens the port again when it is gone."""
        reopen_at = 0.0
        while True:
            if not self.ready and time.monotonic() >= reopen_at:
                try:
                    self._reach()
                except LinkLost:
                    reopen_at = time.monotonic() + REOPEN_S
            with self._changed:
                if self._closed:
                    return
                left = self._hearing.pause_in(time.monotonic())
                if left is None:
                    self._changed.wait(REOPEN_S)
                    continue
                if left > 0:
                    self._changed.wait(left)
                    continue
                heard_at = self._hearing.heard_at
            if self._transport.holds_unread():
                # it is we who are slow
                time.sleep(_SOON_S)
                continue
            with self._changed:
                if heard_at == self._hearing.heard_at:
                    self._hearing.cut(time.monotonic())
                    self._changed.notify_all()

    def _warn(self, text: str) -> None:
        _log.warning("%s: the scanner: %s", self._robot, text)

    # -- its port ------------------------------------------------------------------------------

    def _reach(self) -> None:
        """Raises LinkLost."""
        with self._opening:
            if self.ready or self._closed:
                return
            try:
                self._open()
            except LinkLost as error:
                if error.reason != self._absent:
                    _log.warning("%s: the scanner is not there: %s", self._robot, error.reason)
                self._absent = error.reason
                raise
            with self._changed:
                # devices that turn a serial port into a connection send what they have kept
                self._hearing.forget(time.monotonic())
                self._absent = None
                self._changed.notify_all()
            _log.info("%s: the scanner is at %s", self._robot, self._transport.port_name)

    def _open(self) -> None:
        self._who.expect()
        try:
            self._transport.open()
            self._who.compare(self._transport.write, str(self._transport.port_name))
        except LinkLost:
            self._transport.close()
            raise
        finally:
            self._who.over()
