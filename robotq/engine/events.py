"""Tells everyone who listens what has been written to the journal."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from robotq.model.errors import RobotqError
from robotq.model.event import Event


class Subscription:
    """A listener's own line of events, of limited length.

    A listener that does not keep up is cut off: `lagged` becomes true, and after the events
    that it still has, `next` raises StopAsyncIteration. It can come back and continue from
    the journal with the last id that it saw.
    """

    def __init__(self, bus: EventBus, length: int) -> None:
        self._bus = bus
        self._waiting: deque[Event] = deque()
        self._length = length
        self._changed = asyncio.Event()
        self.lagged = False

    def offer(self, event: Event) -> None:
        if self.lagged:
            return
        if len(self._waiting) >= self._length:
            self.lagged = True
        else:
            self._waiting.append(event)
        self._changed.set()

    def end(self) -> None:
        """Let the listener finish: nothing more will come."""
        self.lagged = True
        self._changed.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self.lagged:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._bus.unsubscribe(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBusStatistics:
    listeners: int
    """Open subscriptions."""
    cut_off: int
    """Subscriptions ended because their listener was too slow."""
    last_event_id: int


class EventBus:
    """Fans out journal events, in order, only after they are on disk. Never waits for anyone."""

    def __init__(self, *, last_event_id: int, listeners: int = 256, length: int = 1_000) -> None:
        self._subscriptions: set[Subscription] = set()
        self._listeners = listeners
        self._length = length
        self._cut_off = 0
        self.last_event_id = last_event_id

    def publish(self, events: Iterable[Event]) -> None:
        for event in events:
            self.last_event_id = event.id
            for subscription in list(self._subscriptions):
                subscription.offer(event)
                if subscription.lagged:
                    self._subscriptions.discard(subscription)
                    self._cut_off += 1

    def subscribe(self) -> Subscription:
        """A new listener; use it as a context manager. Raises RobotqError too_many_requests."""
        if len(self._subscriptions) >= self._listeners:
            raise RobotqError("too_many_requests", what="event streams", limit=self._listeners)
        subscription = Subscription(self, self._length)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End every subscription."""
        for subscription in self._subscriptions:
            subscription.end()
        self._subscriptions.clear()

    def statistics(self) -> EventBusStatistics:
        return EventBusStatistics(
            listeners=len(self._subscriptions),
            cut_off=self._cut_off,
            last_event_id=self.last_event_id,
        )
