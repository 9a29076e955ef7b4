"""Stop and emergency stop as a running command sees them."""

from __future__ import annotations

import threading


class Controls:
    """Flags. Setting one never waits for anything that takes time; whoever sets one wakes the
    command afterwards."""

    def __init__(self) -> None:
        self.gate = threading.Lock()
        """Held for the moment in which a command ends or is told to."""
        self.running = False
        """A command is in `execute`."""
        self.stopping = False
        """The running command is to end."""
        self.latched = False
        """An emergency stop has not been reset."""
        self.emergencies = 0
        """Emergency stops, ever."""
        self.interruptions = 0
        """Stops and emergency stops, ever: a link that is being made is given up at the next."""
        self.closed = False

    def begin(self) -> None:
        with self.gate:
            self.stopping = False
            self.running = True

    def ask_to_stop(self) -> bool:
        """Have the running command end; False where none runs."""
        with self.gate:
            self.interruptions += 1
            self.stopping = self.running
            return self.running

    def latch(self) -> None:
        """An emergency stop. Takes no lock."""
        self.emergencies += 1
        self.latched = True

    def interrupt(self) -> None:
        """Have a link that is being made be given up. Takes no lock."""
        self.interruptions += 1

    def end_unless_stopping(self) -> bool:
        """The command has done all there was to do; False where it was told to stop before."""
        with self.gate:
            if not self.interrupted:
                self.running = False
            return not self.running

    def end(self) -> None:
        with self.gate:
            self.running = False

    @property
    def interrupted(self) -> bool:
        return self.stopping or self.latched or self.closed
