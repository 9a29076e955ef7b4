"""What the threads of this process do, as the kernel of Linux tells it."""

from __future__ import annotations

import os
import sys
import threading
import tty
from pathlib import Path

_TASKS = "/proc/self/task"
_ENDED = (ProcessLookupError, FileNotFoundError)
"""What is raised for a thread that is no more."""


class _Thread:
    """What is read of one of them, again and again."""

    __slots__ = ("_state", "_turns")

    def __init__(self, number: str) -> None:
        self._turns = os.open(f"{_TASKS}/{number}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        self._state = os.open(f"{_TASKS}/{number}/stat", os.O_RDONLY | os.O_CLOEXEC)

    def turns(self) -> bytes:
        """How often it had the processor, and for how long."""
        return os.pread(self._turns, 100, 0)

    def asleep(self) -> bool:
        """Not running, not about to run, and not in the middle of a write to a disk."""
        told = os.pread(self._state, 200, 0)
        return told[told.rindex(b")") + 2 :][:1] == b"S"

    def close(self) -> None:
        os.close(self._turns)
        os.close(self._state)


class Threads:
    """All but the one that asks. Belongs to it."""

    def __init__(self) -> None:
        self._own = str(threading.get_native_id())
        self._known: dict[str, _Thread] = {}
        self._awake = ""
        """Who did not sleep when it was looked last: he is looked at first."""

    @staticmethod
    def known() -> bool:
        """Whether anything can be known of them here."""
        return sys.platform == "linux" and Path("/proc/self/schedstat").exists()

    def turns(self) -> dict[str, bytes]:
        """Their turns by now. The same twice: nobody has run in between.

        A thread that waits for the interpreter, which its owner does not hold while he sleeps,
        takes a turn as well.
        """
        numbers = set(os.listdir(_TASKS))  # noqa: PTH208 - asked for thousands of times
        numbers.discard(self._own)
        for gone in self._known.keys() - numbers:
            self._known.pop(gone).close()
        turns = {}
        for number in numbers:
            try:
                if (thread := self._known.get(number)) is None:
                    thread = self._known[number] = _Thread(number)
                turns[number] = thread.turns()
            except _ENDED:
                self._forget(number)
        return turns

    def asleep(self) -> bool:
        """All that had turns when they were asked sleep, and none is about to run."""
        for number in [self._awake, *self._known]:
            if (thread := self._known.get(number)) is None:
                continue
            try:
                if not thread.asleep():
                    self._awake = number
                    return False
            except _ENDED:
                self._forget(number)
        return True

    def _forget(self, number: str) -> None:
        """Its number may soon be that of another one."""
        if number in self._known:
            self._known.pop(number).close()


class Echo:
    """A pseudo-terminal of its own. The kernel carries bytes from one end to the other a moment
    later, in the order in which they were sent, whoever sent them."""

    def __init__(self) -> None:
        self._near, self._far = os.openpty()
        tty.setraw(self._far)

    def wait(self) -> None:
        """Until what others have sent by now is there."""
        os.write(self._near, b"?")
        os.read(self._far, 1)
