"""Time that goes on while everybody waits.

A driver waits for a machine, the machine for its motion and a test for both: all in one process,
each by the clock of the wall, for minutes in which nothing happens. While the clock is swift,
seconds pass in two ways only: with the processor time that this process uses, and, when every
thread of it sleeps and nothing is on its way to one, by a jump to the moment at which the first of
them wants to go on. So nobody waits for what nobody does, and no deadline passes while a thread
stands in the queue for the processor: a busy machine makes such a test slower, not wrong.

It is for tests whose world is this one process. Another process waits by the wall, so a test that
starts one does so too from then on. Of the waits of one process, those for a lock with a limit and
for a socket that has one go by the wall.
"""

from __future__ import annotations

from tests.swift.clock import Clock
from tests.swift.waits import take_over

__all__ = ["CLOCK", "Clock"]

CLOCK = Clock()
"""Of this process: `time.monotonic` and whatever waits by it."""

take_over(CLOCK)
