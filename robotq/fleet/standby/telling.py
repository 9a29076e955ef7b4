"""What a person has done is known to whoever takes over before he is told that it is done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from robotq.engine.reads import Reads
from robotq.fleet.members import LostName
from robotq.fleet.outbox import Outbox
from robotq.model.errors import RobotqError
from robotq.postgres import DatabaseAway

_log = logging.getLogger(__name__)

LIMIT_S = 2.0
"""Wall seconds that an answer waits for the database; then it says that nobody knows."""


class Telling:
    """Of one robot. It acts here in any case, at once; only the answer waits. Whoever asks while
    the database is told waits for the next round, and shares that with all others."""

    def __init__(
        self, robot: str, *, outbox: Outbox, reads: Reads, renewed: Callable[[], Awaitable[bool]]
    ) -> None:
        """`renewed`: writes what holds the queue into the lease; whether that is ours still.
        Raises DatabaseAway."""
        self._robot = robot
        self._outbox = outbox
        self._reads = reads
        self._renewed = renewed
        self._holds = 0
        """How often what holds the queue has changed."""
        self._known = (0, 0)
        """Up to which event, and which change of the holds, whoever takes over knows it."""
        self._round: asyncio.Task[bool] | None = None

    def hold_changed(self) -> None:
        self._holds += 1

    async def known(self) -> bool:
        """Whether all that happened here until now is known to whoever takes over; waits for it
        `LIMIT_S` at most. False: nobody knows."""
        event_id, holds = self._now()
        loop = asyncio.get_running_loop()
        until = loop.time() + LIMIT_S
        while self._known[0] < event_id or self._known[1] < holds:
            told = self._round
            if told is None or told.done():
                told = self._round = asyncio.create_task(self._tell(), name=f"tell {self._robot}")
            # it is never cut short: that would wait for a database that does not answer
            done, _ = await asyncio.wait({told}, timeout=max(0.0, until - loop.time()))
            if not done or not told.result():
                return False
        return True

    async def end(self) -> None:
        """What is on its way gets there."""
        if self._round is not None and not self._round.done():
            await asyncio.wait({self._round})

    def _now(self) -> tuple[int, int]:
        return self._reads.last_event_id, self._holds

    async def _tell(self) -> bool:
        event_id, holds = self._now()
        try:
            while self._outbox.sent_id < event_id:
                if not await self._outbox.send():
                    break
            # behind the events: who takes over after this finds them
            if self._outbox.sent_id < event_id or not await self._renewed():
                return False
        except (DatabaseAway, LostName, RobotqError) as error:
            _log.warning("%s: a second machine does not know what was done: %s", self._robot, error)
            return False
        self._known = (event_id, holds)
        return True
