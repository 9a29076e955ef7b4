"""Every open connection: how many there are, how long each may keep silent, and which has to go
so that there is always one more, for whoever wants to stop a robot."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from operator import attrgetter
from typing import Protocol

from robotq.system.rarely import Rarely

_log = logging.getLogger(__name__)

_heard_at = attrgetter("heard_at")

CROWDED = 0.8
"""Share of the limit from which on connections are closed to make room."""
_ROOM = 0.75
"""They are closed down to this share, so that not each new one has to look for another."""
_BRIEF_S = 1.0
"""Seconds that a connection is not idle yet: its request is on its way."""
HEAD_S = 15.0
"""Wall seconds from the first byte of a request to the end of its head."""
SILENT_S = 60.0
"""Wall seconds that a connection may be open before its first byte."""
_LOOK_S = 1.0
_TURNS = 32
"""Turns of the loop in which all connections that wait are taken and their requests begun: 1,024
may wait, and 64 are taken in one turn."""
_FIRST_LOOKS, _FIRST_LOOK_S = 60, 0.005
"""How often, and in wall seconds, it is looked whether those who came during the start have the
answer to their first request."""


class Peer(Protocol):
    """A connection, as far as this is about it."""

    keyed: bool
    """A valid key was shown on it."""
    answering: bool
    """A request on it is under way."""
    head_since: float | None
    """Since when a request has begun to arrive whose head is not whole."""
    used: bool
    """A request on it was answered."""
    heard_at: float
    """When something has come over it last, by `time.monotonic`; at first, when it was opened."""

    def cut(self) -> None:
        """End it at once."""


class Connections:
    """The connections of a daemon. Each knows itself when it was heard, so that no request has to
    come by here; whoever was silent for longest is looked for when there is no room."""

    def __init__(self, limit: Callable[[], int]) -> None:
        """`limit`: how many there may be."""
        self._limit = limit
        self._open: set[Peer] = set()
        self._task: asyncio.Task[None] | None = None
        self._rarely = Rarely(_log)
        self.closed = 0
        """Closed to make room, since the start."""
        self.late = 0
        """Closed because they kept silent in the middle of a head, or before it."""

    def __len__(self) -> int:
        return len(self._open)

    @property
    def limit(self) -> int:
        return self._limit()

    def opened(self, peer: Peer) -> None:
        self._open.add(peer)
        if len(self._open) > self.limit * CROWDED:
            self._make_room(peer)

    def gone(self, peer: Peer) -> None:
        self._open.discard(peer)

    def start(self) -> None:
        """Watch over deadlines from now on."""
        self._task = asyncio.create_task(self._watch(), name="connections")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def first_answered(self) -> None:
        """Who has connected before has an answer to the first request; who keeps silent, or asks
        for what comes later, is not waited for longer than 0.3 s."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        for _ in range(_FIRST_LOOKS):
            if all(peer.used for peer in self._open):
                return
            await asyncio.sleep(_FIRST_LOOK_S)

    def look(self, now: float) -> None:
        """Cut those that have kept a request, or their first byte, back for too long."""
        late = [
            peer
            for peer in self._open
            if not peer.answering
            and (
                now - peer.head_since > HEAD_S
                if peer.head_since is not None
                else not peer.used and now - peer.heard_at > SILENT_S
            )
        ]
        for peer in late:
            self.late += 1
            self._cut(peer)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            self.look(time.monotonic())

    def _make_room(self, newcomer: Peer) -> None:
        """Whoever has just come stays: it may be the one that wants to stop a robot."""
        limit, now = self.limit, time.monotonic()
        wanted = len(self._open) - int(limit * _ROOM)
        longest_silent_first = sorted(self._open, key=_heard_at)
        idle = [
            (peer, now - peer.heard_at)
            for peer in longest_silent_first
            if not peer.keyed and not peer.answering and peer is not newcomer
        ]
        going = [peer for peer, silent_s in idle if silent_s >= _BRIEF_S][:wanted]
        over = len(self._open) - len(going) - limit
        if over > 0:
            # those who have only just come, those without a key whose request waits, and then
            # any that is idle
            others = [peer for peer, silent_s in idle if silent_s < _BRIEF_S]
            others += [peer for peer in longest_silent_first if not peer.keyed and peer.answering]
            others += [peer for peer in longest_silent_first if peer.keyed and not peer.answering]
            going += others[:over]
        if not going:
            return
        for peer in going:
            self.closed += 1
            self._cut(peer)
        self._rarely.warning(
            "many connections: %d are open, %d may be; %d were closed, those without a key that "
            "were idle for longest first (limits.connections)",
            len(self._open) + len(going),
            limit,
            len(going),
        )

    def _cut(self, peer: Peer) -> None:
        # it counts as gone at once: the loop tells it only in its next turn
        self.gone(peer)
        peer.cut()
