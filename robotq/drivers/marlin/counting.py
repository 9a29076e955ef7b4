"""Bringing both sides to count lines from the same number."""

from __future__ import annotations

import time
from collections.abc import Callable

from robotq.drivers.base import LinkLost
from robotq.drivers.marlin.channel import MARKER, Channel

_ATTEMPTS = 5
_WAIT_S = 0.05
_QUIET_S = 0.03


def count_anew(channel: Channel, silence_s: float, check: Callable[[], None]) -> None:
    """Have the controller count from 0, and see that it does. What it still answers to earlier
    lines counts for nothing. Nothing moves by it.

    `check` is called often, and may raise. Raises LinkLost after `silence_s` without a word.
    """

    def wait(done: Callable[[], bool]) -> None:
        while not done():
            check()
            with channel.changed:
                if not done():
                    channel.changed.wait(_WAIT_S)
            if channel.lost is not None:
                raise LinkLost(channel.lost)
            if time.monotonic() - channel.last_heard > silence_s:
                raise LinkLost(f"the controller has said nothing for {silence_s:g} s")

    for _ in range(_ATTEMPTS):
        reports = channel.reports
        channel.restart()
        wait(lambda: not channel.outstanding)
        quiet = time.monotonic() + _QUIET_S
        # the number is set twice: when the line is read, and when it is carried out
        wait(lambda until=quiet: time.monotonic() > until)  # type: ignore[misc]
        channel.put(MARKER, 4)
        wait(lambda seen=reports: channel.reports != seen or channel.resend is not None)  # type: ignore[misc]
        if channel.resend is None:
            wait(lambda: not channel.outstanding)
            return
    raise LinkLost("the controller does not count lines as it should")
