"""The one way to the disk: writes, tells the listeners, and notices when the disk gives out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from robotq.engine.events import EventBus
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.store.port import AppendEvent, Mutation, Store, StoreUnavailable

_log = logging.getLogger(__name__)

_T = TypeVar("_T")


class Journal:
    """Writes mutations durably and publishes their events after.

    While the store takes no writes, `available` is false, `on_outage` has been called, and
    a probe runs every `probe_s` seconds until it works again.
    """

    def __init__(self, store: Store, bus: EventBus, *, probe_s: float = 1.0) -> None:
        self._store = store
        self._bus = bus
        self._probe_s = probe_s
        self._working = asyncio.Event()
        self._working.set()
        self._probe: asyncio.Task[None] | None = None
        self._closed = False
        self._untold: list[Mutation] = []
        self.on_outage: Callable[[str], Sequence[Mutation]] = lambda _: ()
        """Called with the reason; returns what the journal is to say of it afterwards."""
        self.on_recovery: Callable[[], Sequence[Mutation]] = lambda: ()
        """The same for the end of the outage."""

    @property
    def available(self) -> bool:
        return self._working.is_set()

    async def until_available(self) -> None:
        """Wait for the disk."""
        await self._working.wait()

    async def write(
        self, mutations: Sequence[Mutation], written: Callable[[], None] | None = None
    ) -> None:
        """Write all or nothing; then call `written`, which brings memory up to date, and only
        then tell the listeners.

        A caller that is cancelled meanwhile does not keep memory and listeners from it.
        Raises RobotqError store_unavailable, StaleRevision, DuplicateKey.
        """

        def committed(events: Sequence[Event]) -> None:
            if written is not None:
                written()
            self._bus.publish(events)

        try:
            await self._store.apply(mutations, committed)
        except StoreUnavailable as error:
            self._failed(str(error))
            raise RobotqError("store_unavailable", reason=str(error)) from error

    async def written(
        self, mutations: Sequence[Mutation], written: Callable[[], None] | None = None
    ) -> bool:
        """The same, but False where the disk takes no writes."""
        try:
            await self.write(mutations, written)
        except RobotqError as error:
            if error.code.name != "store_unavailable":
                raise
            return False
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

    async def close(self) -> None:
        self._closed = True
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)

    def _failed(self, reason: str) -> None:
        if self._working.is_set():
            _log.error("the store takes no writes: %s", reason)
            self._working.clear()
            self._untold += self.on_outage(reason)
        if not self._closed and (self._probe is None or self._probe.done()):
            self._probe = asyncio.create_task(self._probe_until_it_works(), name="store-probe")

    async def _probe_until_it_works(self) -> None:
        while not self._working.is_set():
            await asyncio.sleep(self._probe_s)
            try:
                await self._store.probe()
            except StoreUnavailable:
                continue
            except Exception:  # noqa: BLE001 - nothing but this ends the outage, so it goes on
                _log.exception("the probe of the store failed")
                continue
            _log.warning("the store takes writes again")
            self._working.set()
            told, self._untold = [*self._untold, *self.on_recovery()], []
            if told:
                await self.written(told)


async def answered(reading: Awaitable[_T]) -> _T:
    """What a store answers to a question. Raises RobotqError store_unavailable."""
    try:
        return await reading
    except StoreUnavailable as error:
        raise RobotqError("store_unavailable", reason=str(error)) from error
