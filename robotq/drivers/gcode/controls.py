"""Stop and emergency stop as a running command sees them."""

from __future__ import annotations


class Controls:
    """Flags without a lock, so that setting one never waits. Whoever sets one wakes the
    command afterwards."""

    def __init__(self) -> None:
        self.running = False
        """A command is in `execute`."""
        self.stopping = False
        """The running command is to end."""
        self.latched = False
        """An emergency stop has not been reset."""
        self.emergencies = 0
        """Emergency stops, ever."""
        self.closed = False

    def begin(self) -> None:
        self.stopping = False
        self.running = True

    def end(self) -> None:
        self.running = False

    @property
    def interrupted(self) -> bool:
        return self.stopping or self.latched or self.closed
