"""How fast workers may talk, all together."""

from __future__ import annotations

import asyncio

_PER_S = 2_000
"""Messages of all workers together. A message costs some 50 microseconds: they never take more
than a part of the time, and robots and stops have the rest."""
_AT_ONCE = 100
"""Messages that nobody has to wait for after a quiet time."""


class Pace:
    """Gives each message its turn, in the order in which they were asked for.

    Of a worker that sends without end one message waits at a time, so each of the others waits
    for one of its messages, and not for all of them.
    """

    def __init__(self) -> None:
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for a turn; at least one turn of the event loop."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now - _AT_ONCE / _PER_S) + 1 / _PER_S
        await asyncio.sleep(max(0.0, self._next - now))
