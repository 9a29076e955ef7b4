"""The link between the driver and the simulated controller."""

from __future__ import annotations

from collections.abc import Callable

from robotq.drivers.base import LinkLost, LinkState


class SimulatorLink:
    """Down until `connect` succeeds."""

    def __init__(self, changed: Callable[[LinkState, str], None]) -> None:
        self._changed = changed
        self._refusing = 0
        self._reason = "not connected yet"
        self.state = LinkState.DISCONNECTED

    def connect(self) -> None:
        """Raises LinkLost as often as `drop` said."""
        if self._refusing:
            self._refusing -= 1
            raise LinkLost(self._reason)
        self.state = LinkState.CONNECTED

    def drop(self, reason: str, refused_connects: int) -> None:
        """Break; the next `refused_connects` attempts to connect fail."""
        self._refusing = refused_connects
        self._reason = reason
        self.state = LinkState.DISCONNECTED
        self._changed(LinkState.DISCONNECTED, reason)

    def check(self) -> None:
        """Raises LinkLost while it is down."""
        if self.state is LinkState.DISCONNECTED:
            raise LinkLost(self._reason)

    def close(self) -> None:
        self._reason = "closed"
        self.state = LinkState.DISCONNECTED
