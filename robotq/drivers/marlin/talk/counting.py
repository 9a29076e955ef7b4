"""Bringing both sides to count lines from the same number."""

from __future__ import annotations

import time
from collections.abc import Callable

from robotq.drivers.base import LinkLost
from robotq.drivers.marlin.talk.channel import Channel
from robotq.drivers.patience import Silence, Turns

_ATTEMPTS = 20
_WAIT_S = 0.05
_QUIET_S = 0.03


def count_anew(
    channel: Channel, silence_s: float, check: Callable[[], None], *, attempt_s: float = 3.0
) -> None:
    """Have the controller count from 0, and see that it does. What it still answers to earlier
    lines counts for nothing. Nothing moves by it.

    `check` is called often, and may raise. What is not answered in `attempt_s` is tried again.
    Raises LinkLost after `silence_s` without a word.
    """
    # an answer that got lost is no silence yet
    attempt_s = min(attempt_s, silence_s / 3)
    silence = Silence()
    for _ in range(_ATTEMPTS):
        attempt = _Attempt(channel, silence, silence_s, check, attempt_s)
        if attempt.succeeds():
            channel.in_step()
            return
    raise LinkLost("the controller does not count lines as it should")


class _Attempt:
    def __init__(
        self,
        channel: Channel,
        silence: Silence,
        silence_s: float,
        check: Callable[[], None],
        attempt_s: float,
    ) -> None:
        self._channel = channel
        self._silence_s = silence_s
        self._check = check
        self._turns = Turns(_WAIT_S)
        self._until = self._turns.now() + attempt_s
        self._silence = silence

    def succeeds(self) -> bool:
        channel = self._channel
        channel.restart(although_shut=True)
        answered = self._wait(lambda: not channel.lines_under_way or channel.resend is not None)
        # the number is set twice: when the line is read, and when it is carried out
        quiet = time.monotonic() + _QUIET_S
        self._wait(lambda: time.monotonic() > quiet)
        # where an old answer was taken for this one, the second marker does not fit any more
        return answered and channel.resend is None and self._marked() and self._marked()

    def _marked(self) -> bool:
        channel = self._channel
        number = channel.mark()
        return (
            self._wait(lambda: channel.reported == number or channel.resend is not None)
            and channel.resend is None
            and self._wait(lambda: not channel.lines_under_way)
        )

    def _wait(self, done: Callable[[], bool]) -> bool:
        channel = self._channel
        while not done():
            self._check()
            channel.wait(_WAIT_S, unless=done)
            channel.require_link()
            if self._silence.since(channel.heard_at, _WAIT_S) > self._silence_s:
                raise LinkLost(f"the controller has said nothing for {self._silence_s:g} s")
            if self._turns.now() > self._until:
                return False
        return True
