"""The one way to the disk: writes, tells the listeners, and notices when the disk gives out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from robotq.engine.events.bus import EventBus
from robotq.engine.signals import Signals
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.store.port import AppendEvent, Mutation, Store, StoreUnavailable

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_DEADLINE_S = 5.0
"""Wall seconds after which a disk that has not answered counts as out."""

NO_ANSWER = "reason.no_answer"


class NotAnswered(RobotqError):
    """A store_unavailable where nobody knows yet whether it was written."""

    def __init__(self) -> None:
        super().__init__("store_unavailable", reason=NO_ANSWER)


class Journal:
    """Writes mutations durably and publishes their events after.

    While the store takes no writes, `available` is false; `outage` was told of it. A store that
    does not answer within `deadline_s` is out as well: whoever asked is told so, and what comes to
    the disk later all the same stands in `late`. See `Outage` for what ends it.
    """

    def __init__(
        self,
        store: Store,
        bus: EventBus,
        signals: Signals,
        *,
        deadline_s: float = _DEADLINE_S,
    ) -> None:
        self._store = store
        self._bus = bus
        self._signals = signals
        self._deadline_s = deadline_s
        self._working = asyncio.Event()
        self._working.set()
        self._answering = asyncio.Event()
        self._answering.set()
        self.reason: str | None = None
        """Why the store takes no writes; None while it does."""
        self.late: list[Sequence[Mutation]] = []
        """What was written after its caller had been told that it was not."""

    @property
    def available(self) -> bool:
        return self._working.is_set()

    async def until_available(self) -> None:
        """Wait for the disk."""
        await self._working.wait()

    async def until_answered(self) -> None:
        """Wait until it is known what became of all that was handed over."""
        await self._answering.wait()

    async def in_time(self, waiting: Awaitable[_T]) -> _T:
        """What `waiting` returns. Raises RobotqError store_unavailable where that takes longer
        than the disk has; then it was cancelled."""
        try:
            async with asyncio.timeout(self._deadline_s):
                return await waiting
        except TimeoutError:
            raise RobotqError("store_unavailable", reason=NO_ANSWER) from None

    async def write(
        self, mutations: Sequence[Mutation], written: Callable[[], None] | None = None
    ) -> None:
        """Write all or nothing; then call `written`, which brings memory up to date, and only
        then tell the listeners.

        A caller that is cancelled meanwhile does not keep memory and listeners from it.
        Raises RobotqError store_unavailable, StaleRevision, DuplicateKey; NotAnswered where the
        disk takes too long. What comes to it later is taken over too, and then undone.
        """
        given_up = known = False

        def committed(events: Sequence[Event]) -> None:
            nonlocal known
            known = True
            if given_up:
                self.late.append(mutations)
            self._committed(events, written)

        self._refuse_while_it_hangs()
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._store.apply(mutations, committed)
        except StoreUnavailable as error:
            self._failed(str(error))
            raise RobotqError("store_unavailable", reason=str(error)) from error
        except TimeoutError:
            if known:
                # both came at the same moment
                return
            given_up = True
            self._hangs()
            raise NotAnswered from None

    async def written(
        self, mutations: Sequence[Mutation], written: Callable[[], None] | None = None
    ) -> bool:
        """The same, but False where the disk takes no writes. Waits for its answer, however
        long that takes: for what has happened already."""
        hanging = asyncio.get_running_loop().call_later(self._deadline_s, self._hangs)
        try:
            self._refuse_while_it_hangs()
            await self._store.apply(mutations, lambda events: self._committed(events, written))
        except StoreUnavailable as error:
            self._failed(str(error))
            return False
        except RobotqError as error:
            if error.code.name != "store_unavailable":
                raise
            return False
        finally:
            hanging.cancel()
        return True

    async def write_when_possible(
        self, mutations: Sequence[Mutation], written: Callable[[], None] | None = None
    ) -> None:
        """The same for what has happened already and must not be lost: waits for the disk."""
        while not await self.written(mutations, written):
            await self.until_available()

    async def note(self, event: Event) -> bool:
        """Write one event; False, and a line in the log, where the disk does not take it."""
        if await self.written([AppendEvent(event)]):
            return True
        _log.warning("not in the journal: %s by %s", event.kind, event.actor)
        return False

    def all_answered(self) -> None:
        """It is known what became of all that was handed over."""
        self._answering.set()

    def works_again(self) -> None:
        """The outage is over."""
        _log.warning("the store takes writes again")
        self.reason = None
        self._working.set()

    def _committed(self, events: Sequence[Event], written: Callable[[], None] | None) -> None:
        try:
            if written is not None:
                written()
        finally:
            # it is on disk, whatever became of it in memory
            self._bus.publish(events)

    def _refuse_while_it_hangs(self) -> None:
        """What is not handed over cannot come to the disk later."""
        if not self._answering.is_set():
            raise RobotqError("store_unavailable", reason=NO_ANSWER)

    def _hangs(self) -> None:
        self._answering.clear()
        self._failed(NO_ANSWER)

    def _failed(self, reason: str) -> None:
        if self._working.is_set():
            _log.error("the store takes no writes: %s", reason)
            self.reason = reason
            self._working.clear()
            self._signals.outage.tell(reason)
