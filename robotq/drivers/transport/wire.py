"""The port that is open now, or why there is none."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from robotq.drivers.base import LinkLost
from robotq.drivers.transport.port import CLOSED_ERRORS, PORT_ERRORS, Port
from robotq.drivers.transport.recording import Recording

_log = logging.getLogger(__name__)

LOOK_S = 0.01


class Gone(LinkLost):
    """The port was there until now; whoever gets this gives the link up."""


class Wire:
    """Every call of the port but `read` and `close` is made here, one at a time; none of them
    waits. From any thread."""

    def __init__(self, name: str, recording: Recording | None) -> None:
        self._name = name
        self._recording = recording
        self._lock = threading.Lock()
        """Held for one call of the port."""
        self.port: Port | None = None
        self._reason = "not connected yet"

    def put_up(self, port: Port) -> None:
        with self._lock:
            self.port = port

    def take_away(
        self, reason: str, only: Port | None = None, before: Callable[[], None] | None = None
    ) -> Port | None:
        """The port, which from now on nobody else uses; None where it is down already, or another
        one than `only`. `before`: what is called before anybody can see that there is none."""
        with self._lock:
            port = self.port
            if port is None or only not in (None, port):
                return None
            if before is not None:
                before()
            self.port = None
            self._reason = reason
            return port

    def write_some(self, data: memoryview) -> int:
        """How many bytes the system has taken. Raises LinkLost, Gone."""
        with self._lock:
            port = self._required()
            began = time.monotonic()
            try:
                taken = port.write_some(data)
            except PORT_ERRORS as error:
                raise Gone(told(error)) from error
            if taken and self._recording is not None:
                self._recording.sent(bytes(data[:taken]), began)
            return taken

    def wait_writable(self) -> None:
        """A moment at most. Raises LinkLost."""
        try:
            self._required().wait_writable(LOOK_S)
        except CLOSED_ERRORS:
            # the port has just been closed; the next write says so
            time.sleep(LOOK_S / 10)

    def _required(self) -> Port:
        port = self.port
        if port is None:
            raise LinkLost(self._reason)
        return port

    def holds_unread(self) -> bool:
        """Whether bytes have come that nobody has read yet."""
        with self._lock:
            try:
                return self.port is not None and self.port.holds_unread()
            except CLOSED_ERRORS:
                return False

    def discard_output(self) -> None:
        with self._lock:
            if self.port is not None:
                try:
                    self.port.discard_output()
                except PORT_ERRORS as error:
                    _log.debug("%s: nothing to discard: %s", self._name, error)

    def wake(self) -> None:
        """Let who reads by turns come back."""
        with self._lock:
            if self.port is not None and self.port.by_turns:
                self.port.wake()


def told(error: Exception) -> str:
    """What an error of the port means."""
    return f"the port is gone: {error}"
