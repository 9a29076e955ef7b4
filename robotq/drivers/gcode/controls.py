"""Stop and emergency stop as a running command sees them."""

from __future__ import annotations

import threading


class Controls:
    """Flags. Setting one never waits for anything that takes time; whoever sets one wakes the
    command afterwards."""

    def __init__(self) -> None:
        self._gate = threading.Lock()
        """Held for the moment in which a command ends or is told to."""
        self._running = False
        self._stopping = False
        self._latched = False
        self._emergencies = 0
        self._interruptions = 0
        self._closed = False

    @property
    def running(self) -> bool:
        """A command is in `execute`."""
        return self._running

    @property
    def stopping(self) -> bool:
        """The running command is to end."""
        return self._stopping

    @property
    def latched(self) -> bool:
        """An emergency stop has not been reset."""
        return self._latched

    @property
    def emergencies(self) -> int:
        """Emergency stops, ever."""
        return self._emergencies

    @property
    def interruptions(self) -> int:
        """Stops and emergency stops, ever: a link that is being made is given up at the next."""
        return self._interruptions

    @property
    def closed(self) -> bool:
        """The driver is not used again."""
        return self._closed

    @property
    def interrupted(self) -> bool:
        return self._stopping or self._latched or self._closed

    def begin(self) -> None:
        with self._gate:
            self._stopping = False
            self._running = True

    def ask_to_stop(self) -> bool:
        """Have the running command end; False where none runs."""
        with self._gate:
            self._interruptions += 1
            self._stopping = self._running
            return self._running

    def stop_is_over(self) -> None:
        """The stop has had its effect, and the controller takes lines again."""
        self._stopping = False

    def end_unless_stopping(self) -> bool:
        """The command has done all there was to do; False where it was told to stop before."""
        with self._gate:
            if not self.interrupted:
                self._running = False
            return not self._running

    def end(self) -> None:
        with self._gate:
            self._running = False

    def close(self) -> None:
        """Whatever runs is to end, and nothing begins any more."""
        self._closed = True

    def latch(self) -> None:
        """An emergency stop. Takes no lock."""
        self._emergencies += 1
        self._latched = True

    def release(self) -> None:
        """The emergency stop is over."""
        self._latched = False

    def interrupt(self) -> None:
        """Have a link that is being made be given up. Takes no lock."""
        self._interruptions += 1
