"""The way out to a controller: lines through the gate, stops past it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from robotq.drivers.transport import Discarded, Transport


class Gate:
    """Shut until it is opened, and again by an emergency stop."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._handing = threading.Lock()
        """Held while a line is handed to the transport."""
        self._shut = True
        self._sent = 0

    def open(self, unless: Callable[[], bool]) -> None:
        """Lines may be sent, unless an emergency stop is latched: whoever latches one shuts the
        gate after it, so it cannot come in between."""
        self._shut = False
        if unless():
            self._shut = True

    def shut(self) -> None:
        """No line is sent any more. Takes no lock."""
        self._shut = True

    @property
    def is_shut(self) -> bool:
        return self._shut

    @property
    def sent(self) -> int:
        """Lines handed to the transport, ever, with those that were sent again."""
        return self._sent

    def hand_over(
        self,
        data: bytes,
        lines: int,
        *,
        although_shut: bool = False,
        still: Callable[[], bool] | None = None,
    ) -> None:
        """Write lines. Not where the gate is shut, or they are wanted no more. Raises LinkLost."""
        with self._handing:
            if self._shut and not although_shut:
                return
            if still is not None and not still():
                return
            self._sent += lines
            try:
                self._transport.write(data)
            except Discarded:
                # a stop; whoever waits for the answers sees it
                return

    def pass_all(self, data: bytes) -> None:
        """Send ahead of all that is still to be written, which is never sent. Takes no lock before
        the bytes are on their way. Raises LinkLost."""
        sent = self._sent
        self._transport.write_now(data, discard=True)
        # a line that was being handed over at this moment may have come after them
        with self._handing:
            late = self._sent != sent
        if late:
            self._transport.write_now(data, discard=True)
