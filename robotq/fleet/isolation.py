"""A daemon that hears nothing from the fleet goes on, or holds its robots, and says so."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from robotq.engine.engine import Engine
from robotq.fleet.peers import PeerAway, Peers

_log = logging.getLogger(__name__)

_ACTOR = "robotq"
_ASK_S = 1.0
"""Wall seconds that another daemon has to say that it is there."""
_PATH = "/estop"


class Isolation:
    """Heard is what the database says, and, while that is away, what any other daemon answers: a
    stop of the fleet comes by one of the two."""

    def __init__(self, engine: Engine, peers: Peers, asking: Sequence[str]) -> None:
        """`asking`: robots that begin nothing after a start before the database was asked what
        became of their commands."""
        self._engine = engine
        self._peers = peers
        self._asking = tuple(asking)
        self._heard_at = time.monotonic()
        self._was_asked = False
        self.since_ms: int | None = None
        """Since when nothing is heard. None: something is."""

    @property
    def age_s(self) -> float:
        """Since something was heard."""
        return time.monotonic() - self._heard_at

    def heard(self) -> None:
        """The database has answered."""
        self._heard_at = time.monotonic()

    def not_asked(self) -> None:
        """The database is away at a start. Commands may have been handed on meanwhile."""
        if self._asking and not self._was_asked:
            self._engine.isolate(self._asking, "reason.fleet_not_asked")

    async def asked(self) -> None:
        """What became of the commands here is known. Raises RobotqError store_unavailable."""
        self.heard()
        if not self._was_asked:
            await self._engine.heard(self._asking)
        self._was_asked = True

    async def look(self, limit_s: float, *, hold: bool) -> None:
        """Whether anything is heard. Raises RobotqError store_unavailable."""
        if self.age_s > limit_s / 2:
            await self._ask_others()
        if self.age_s <= limit_s:
            if self.since_ms is not None:
                await self._engine.heard(
                    [
                        name
                        for name in self._engine.robots
                        if self._was_asked or name not in self._asking
                    ]
                )
                # in the journal before it is told; if the disk takes nothing, it is tried again
                await self._engine.note("fleet.heard", actor=_ACTOR, data={})
                self.since_ms = None
                _log.warning("the fleet is heard again")
        elif self.since_ms is None:
            self.since_ms = self._engine.clock.now_ms()
            if hold:
                self._engine.isolate(self._engine.robots, "reason.fleet_silent")
            _log.warning(
                "nothing is heard from the fleet for %d s; the robots here %s",
                *(limit_s, "wait" if hold else "go on"),
            )
            await self._engine.note("fleet.isolated", actor=_ACTOR, data={"holds": hold})

    async def _ask_others(self) -> None:
        names = [name for name in self._peers.names if self._peers.url(name) is not None]
        if names and any(await asyncio.gather(*map(self._is_there, names))):
            self.heard()

    async def _is_there(self, name: str) -> bool:
        caller = {"name": _ACTOR, "scopes": ["read"], "agent": False}
        try:
            status, _, _ = await self._peers.ask(
                name, "GET", _PATH, caller=caller, deadline_s=_ASK_S
            )
        except PeerAway:
            return False
        return status < 500
