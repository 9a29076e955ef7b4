"""Time in which somebody listened, for what is said of a device that does not answer.

A process that stands for seconds (a busy machine, a debugger, a paused virtual machine) does not
hear what a device says meanwhile. So a turn counts for no more than twice what it should have
taken: what has come during the stand is read before the time goes on.
"""

from __future__ import annotations

import time


class Turns:
    """A clock for deadlines: like `time.monotonic`, without the stands. It goes on only while it
    is asked, every `turn_s` or more often. Belongs to one thread."""

    def __init__(self, turn_s: float) -> None:
        self._most_s = 2 * turn_s
        self._asked = self._now = time.monotonic()

    def now(self) -> float:
        """Seconds, with the turn that ends now."""
        asked, self._asked = self._asked, time.monotonic()
        self._now += min(self._asked - asked, self._most_s)
        return self._now


class Silence:
    """How long a device has said nothing. Belongs to one thread, which asks again and again."""

    def __init__(self) -> None:
        self._heard = -1.0
        self._asked = 0.0
        self._passed_s = 0.0

    def since(self, heard: float, turn_s: float) -> float:
        """Seconds since `heard`, on `time.monotonic`; asked every `turn_s` or more often."""
        now = time.monotonic()
        if heard != self._heard:
            self._heard = self._asked = heard
            self._passed_s = 0.0
        self._passed_s += min(now - self._asked, 2 * turn_s)
        self._asked = now
        return self._passed_s
