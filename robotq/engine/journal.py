"""The one way to the disk: writes, tells the listeners, and notices when the disk gives out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from robotq.engine.events import EventBus
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.store.port import AppendEvent, Mutation, Store, StoreUnavailable

_log = logging.getLogger(__name__)

_PROBE_S = 1.0


class Journal:
    """Writes mutations durably and publishes their events after.

    While the store takes no writes, `available` is false, `on_outage` has been called, and
    a probe runs every second until it works again.
    """

    def __init__(self, store: Store, bus: EventBus) -> None:
        self._store = store
        self._bus = bus
        self._working = asyncio.Event()
        self._working.set()
        self._probe: asyncio.Task[None] | None = None
        self.on_outage: Callable[[str], None] = lambda _: None
        self.on_recovery: Callable[[], None] = lambda: None

    @property
    def available(self) -> bool:
        return self._working.is_set()

    async def write(
        self, mutations: Sequence[Mutation], written: Callable[[], None] | None = None
    ) -> None:
        """Write all or nothing; then call `written`, which brings memory up to date, and only
        then tell the listeners.

        Raises RobotqError store_unavailable, StaleRevision, DuplicateKey.
        """
        try:
            events = await self._store.apply(mutations)
        except StoreUnavailable as error:
            self._failed(str(error))
            raise RobotqError("store_unavailable", reason=str(error)) from error
        if written is not None:
            written()
        self._bus.publish(events)

    async def write_when_possible(
        self, mutations: Sequence[Mutation], written: Callable[[], None] | None = None
    ) -> None:
        """The same for what has happened already and must not be lost: waits for the disk."""
        while True:
            try:
                return await self.write(mutations, written)
            except RobotqError as error:
                if error.code.name != "store_unavailable":
                    raise
                await self._working.wait()

    async def note(self, event: Event) -> bool:
        """Write one event; False, and a line in the log, where the disk does not take it."""
        try:
            await self.write([AppendEvent(event)])
        except RobotqError as error:
            _log.warning("not in the journal: %s by %s: %s", event.kind, event.actor, error)
            return False
        return True

    def _failed(self, reason: str) -> None:
        if self._working.is_set():
            _log.error("the store takes no writes: %s", reason)
            self._working.clear()
            self.on_outage(reason)
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._probe_until_it_works(), name="store-probe")

    async def _probe_until_it_works(self) -> None:
        while True:
            await asyncio.sleep(_PROBE_S)
            try:
                await self._store.probe()
            except StoreUnavailable:
                continue
            _log.warning("the store takes writes again")
            self._working.set()
            self.on_recovery()
            return

    async def close(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
