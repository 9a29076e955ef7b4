"""Brings the holds to the disk: the only one that does, and the only one that lifts them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.disk import NotAnswered
from robotq.engine.holds.board import HoldBoard
from robotq.engine.settings import Settings
from robotq.engine.signals import Signals
from robotq.model.hold import TRANSIENT_HOLDS, Hold, HoldCode
from robotq.store.port import AppendEvent, DropHold, Mutation, SaveHold

_log = logging.getLogger(__name__)


class Writing:
    """What one transaction has to say of the holds: the difference between what is wanted and
    what is on disk, and what the journal does not have yet."""

    def __init__(
        self,
        board: HoldBoard,
        on_disk: dict[tuple[str, HoldCode], str],
        lifting: Iterable[Hold],
        actor: str,
    ) -> None:
        self._board = board
        self._on_disk = on_disk
        self._told = tuple(board.untold)
        self.lifting = tuple(hold for hold in lifting if board.in_force(hold))
        """Those of the wanted ones that were not set again meanwhile."""
        self._saving = tuple(
            hold
            for hold in board.all()
            if hold.code not in TRANSIENT_HOLDS
            and on_disk.get(_key(hold)) != hold.id
            and hold not in self.lifting
        )
        self.given_up = False
        """Its caller was told that it did not come to the disk."""
        mutations: list[Mutation] = [AppendEvent(event) for event in self._told]
        mutations += [SaveHold(hold) for hold in self._saving]
        for hold in self.lifting:
            if hold.code not in TRANSIENT_HOLDS:
                mutations.append(DropHold(hold.robot, hold.code))
            event = board.lifting(hold, actor)
            if event is not None:
                mutations.append(AppendEvent(event))
        self.mutations: Sequence[Mutation] = mutations

    def written(self) -> None:
        """It is on disk."""
        del self._board.untold[: len(self._told)]
        for hold in self._saving:
            self._on_disk[_key(hold)] = hold.id
        for hold in self.lifting:
            self._on_disk.pop(_key(hold), None)
            if not self.given_up:
                self._board.lifted(hold)
            elif self._board.in_force(hold):
                # whoever lifted it was told that it is still there, so it is
                self._board.set(
                    hold.robot, hold.code, actor=hold.actor, task_id=hold.task_id, **hold.args
                )

    def failed(self) -> None:
        """It is not on disk, or nobody knows."""
        self.given_up = True
        for hold in self.lifting:
            # where a lift came to the disk after all, the hold has to be written again
            self._on_disk.pop(_key(hold), None)


class HoldWriter:
    """Writes what is decided about holds in the order of the decisions, at once where the disk
    takes it, and else as soon as it is back.

    One transaction at a time, and each takes along all that was decided before: so no set can
    come to the disk after its own lift, and no lift before the set.
    """

    def __init__(
        self,
        board: HoldBoard,
        commit: Commit,
        on_disk: Iterable[Hold],
        signals: Signals,
        settings: Settings,
    ) -> None:
        self._board = board
        self._commit = commit
        self._settings = settings
        self._on_disk = {_key(hold): hold.id for hold in on_disk}
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._attempt: asyncio.Future[None] | None = None
        """Done when the attempt to write that is under way, or the next one, is over."""
        signals.hold_decided.subscribe(self._begin)

    @property
    def _told(self) -> int:
        """How many of the board's decisions are in the journal."""
        return self._board.decisions - len(self._board.untold)

    def on_disk(self, hold: Hold) -> bool:
        """Whether this hold would be there after a restart; those that a restart finds out anew
        count as if."""
        return hold.code in TRANSIENT_HOLDS or self._on_disk.get(_key(hold)) == hold.id

    def next(self, lifting: Iterable[Hold] = (), actor: str = "robotq") -> Writing:
        """For a transaction of the start, when nobody else writes."""
        return Writing(self._board, self._on_disk, lifting, actor)

    @asynccontextmanager
    async def along(
        self, lifting: Iterable[Hold] = (), actor: str = "robotq", *, patient: bool = False
    ) -> AsyncIterator[Writing]:
        """What has to go into the transaction that is written inside, e.g. with the end of a
        task or a resolution; nobody else writes holds meanwhile.

        Raises RobotqError store_unavailable where an earlier transaction hangs, unless
        `patient`.
        """
        turn = self._turn.acquire()
        await (turn if patient else self._commit.disk.in_time(turn))
        writing = self.next(lifting, actor)
        answered = True
        try:
            yield writing
        except NotAnswered:
            # what was written may still come to the disk, and nothing may overtake it
            answered = False
            writing.failed()
            self._begin_after_answer()
            raise
        except BaseException:
            writing.failed()
            raise
        finally:
            if answered:
                self._turn.release()
                self._begin()

    async def lift(
        self, *holds: Hold, actor: str = "robotq", along: Sequence[Mutation] = ()
    ) -> Sequence[Hold]:
        """Lift these. Returns those that were lifted: one that was set again meanwhile stays.

        Raises RobotqError store_unavailable; then all stay.
        """
        async with self.along(holds, actor) as writing:
            if writing.mutations or along:
                await self._commit.write(along, holds=writing)
        return writing.lifting

    async def catch_up(self) -> None:
        """Write what was decided by now, also where nobody knows yet that the disk is back.

        Raises RobotqError store_unavailable.
        """
        await self.lift()

    async def recorded(self, timeout_s: float) -> bool:
        """Whether all that was decided by now is on disk; waits for `timeout_s` at most, and
        not where the disk takes no writes."""
        wanted = self._board.decisions
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        while self._told < wanted:
            self._begin()
            attempt = self._attempt
            if attempt is None or not self._commit.disk.available:
                return False
            await asyncio.wait({attempt}, timeout=max(0.0, until - loop.time()))
            if not attempt.done():
                return False
        return True

    # -- in the background -------------------------------------------------------------------

    def _begin(self) -> None:
        if self._behind and (self._task is None or self._task.done()):
            self._attempt = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._write_all(), name="hold-writer")

    @property
    def _behind(self) -> bool:
        return bool(self._board.untold) or not all(map(self.on_disk, self._board.all()))

    async def _write_all(self) -> None:
        try:
            while self._behind:
                await self._commit.disk.until_available()
                try:
                    await self._write()
                except Exception:  # noqa: BLE001 - holds must come to the disk; logged whole
                    _log.exception("holds could not be written; it is tried again")
                    await asyncio.sleep(self._settings.timings.after_fault_s)
                self._attempted()
        finally:
            self._task = None
            self._attempted()

    def _attempted(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None and not attempt.done():
            attempt.set_result(None)
        if self._task is not None:
            self._attempt = asyncio.get_running_loop().create_future()

    async def _write(self) -> None:
        async with self._turn:
            writing = self.next()
            if writing.mutations:
                await self._commit.written((), holds=writing)

    def _begin_after_answer(self) -> None:
        async def wait() -> None:
            await self._commit.disk.until_answered()
            self._turn.release()
            self._begin()

        self._task_after_answer = asyncio.create_task(wait(), name="hold-writer-late")


def _key(hold: Hold) -> tuple[str, HoldCode]:
    return (hold.robot, hold.code)
