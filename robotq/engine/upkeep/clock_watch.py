"""Notices when somebody sets the wall clock of the machine."""

from __future__ import annotations

from robotq.engine.commit.commit import Commit
from robotq.model.clock import WallClock
from robotq.model.event import Event

_JUMP_MS = 2_000
"""A change at once by more than this is a jump; time services correct less by slewing."""

_SETTLE_MS = 86_400_000
"""Milliseconds after a jump in which nothing is removed for its age: a board without a clock
of its own starts in another year, and what is new looks old until the time is right."""


class ClockWatch:
    """Compares the wall clock with the steady one."""

    def __init__(self, clock: WallClock, commit: Commit) -> None:
        self._clock = clock
        self._commit = commit
        self._ahead_ms = clock.now_ms() - clock.steady_ms()
        self._jumped_at_ms: int | None = None
        """By the steady clock."""

    async def look(self) -> None:
        """Write a jump since the last look into the journal."""
        ahead_ms = self._clock.now_ms() - self._clock.steady_ms()
        by_ms = ahead_ms - self._ahead_ms
        if abs(by_ms) <= _JUMP_MS:
            return
        self._ahead_ms = ahead_ms
        self._jumped_at_ms = self._clock.steady_ms()
        await self._commit.note(
            Event(
                kind="clock.set",
                at_ms=self._clock.now_ms(),
                actor="robotq",
                data={"by_ms": by_ms},
            )
        )

    @property
    def settled(self) -> bool:
        """Whether ages can be believed: no jump within the last day."""
        since = self._jumped_at_ms
        return since is None or self._clock.steady_ms() - since >= _SETTLE_MS
