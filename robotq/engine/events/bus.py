"""What becomes of what was written: it comes into memory, and everyone who listens is told."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from robotq.engine.signals import Signals
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import TaskMemory
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.task import FINAL_STATES, Task, TaskState
from robotq.store.port import (
    DropOccupancy,
    Mutation,
    SaveDelivery,
    SaveOccupancy,
    SaveTask,
    SharedQueues,
)


class Subscription:
    """A listener's place in the line of events that all listeners share.

    A listener that does not keep up is cut off when what it has not heard leaves the line:
    `batch` is empty, and `next` raises StopAsyncIteration. It can come back and continue from
    the journal with the last id that it saw.
    """

    def __init__(self, bus: EventBus, *, heard: int | None = None) -> None:
        """`heard`: how many events since the start it knows; None, all of them."""
        self._bus = bus
        self._heard = bus.published if heard is None else heard
        self._taken: deque[Event] = deque()
        self._changed = asyncio.Event()
        self._over = False

    def skip(self) -> None:
        """Hear only what comes from now on."""
        self._heard = self._bus.published

    async def batch(self) -> Sequence[Event]:
        """Everything since the last call, after a wait where there is nothing; empty at the end."""
        while self._heard == self._bus.published:
            if self._over:
                return ()
            self._changed.clear()
            self._bus.wake_at_next(self)
            await self._changed.wait()
        events = self._bus.since(self._heard)
        self.skip()
        if events is None:
            self._bus.cut_off(self)
            return ()
        return events

    def wake(self) -> None:
        """Something has come."""
        self._changed.set()

    def end(self) -> None:
        """Let the listener finish: nothing more will come."""
        self._over = True
        self._changed.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if not self._taken:
            self._taken.extend(await self.batch())
        if not self._taken:
            raise StopAsyncIteration
        return self._taken.popleft()

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
    """Fans out journal events, in order, only after they are on disk. Never waits for anyone.

    An event is kept once, however many listeners there are, and waking them costs something
    only for those that have heard everything.
    """

    def __init__(self, *, last_event_id: int, listeners: int = 256, length: int = 1_000) -> None:
        """`length` is how many events a listener may be behind."""
        self._latest: list[Event] = []
        self._length = length
        self._subscriptions: set[Subscription] = set()
        self._idle: set[Subscription] = set()
        self._limit = listeners
        self._cut_off = 0
        self.published = 0
        """Events since the start."""
        self.last_event_id = last_event_id

    def publish(self, events: Iterable[Event]) -> None:
        for event in events:
            self._latest.append(event)
            self.published += 1
            self.last_event_id = event.id
        # not at every event, because the others move up
        if len(self._latest) > 2 * self._length:
            del self._latest[: -self._length]
        for subscription in self._idle:
            subscription.wake()
        self._idle.clear()

    def since(self, heard: int) -> Sequence[Event] | None:
        """The events after the first `heard` ones; None where those are too many."""
        behind = self.published - heard
        return self._latest[-behind:] if behind <= self._length else None

    def wake_at_next(self, subscription: Subscription) -> None:
        """Wake `subscription` when the next event comes."""
        self._idle.add(subscription)

    @property
    def listeners(self) -> int:
        """Open subscriptions."""
        return len(self._subscriptions)

    def subscribe(self) -> Subscription:
        """A new listener; use it as a context manager. Raises RobotqError too_many_requests."""
        if self.listeners >= self._limit:
            raise RobotqError("too_many_requests", what="event streams", limit=self._limit)
        subscription = Subscription(self)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        self._idle.discard(subscription)

    def cut_off(self, subscription: Subscription) -> None:
        """End the subscription of a listener that is too slow, and count it."""
        subscription.end()
        self.unsubscribe(subscription)
        self._cut_off += 1

    def close(self) -> None:
        """End every subscription."""
        for subscription in self._subscriptions:
            subscription.end()
        self._subscriptions.clear()

    def statistics(self) -> EventBusStatistics:
        return EventBusStatistics(
            listeners=self.listeners,
            cut_off=self._cut_off,
            last_event_id=self.last_event_id,
        )


_log = logging.getLogger(__name__)

_OCCUPANCIES = (SaveOccupancy, DropOccupancy)


def _is_told(task: Task) -> bool:
    """Whether anybody has to do something about it. Nobody has for one that waits, or runs."""
    return task.state in FINAL_STATES or task.expires_at_ms is not None or task.repeat is not None


class TakingOver:
    def __init__(
        self,
        memory: TaskMemory,
        resources: Resources,
        signals: Signals,
        shared: SharedQueues | None,
    ) -> None:
        """`shared`: where tasks for workers are, if other daemons have them too."""
        self._memory = memory
        self._resources = resources
        self._signals = signals
        self._shared = shared

    def mirror(self, tasks: Iterable[Task]) -> None:
        """Bring memory up to date with what other daemons have written."""
        for task in tasks:
            known = self._memory.get(task.id)
            if known is not None and known.revision >= task.revision:
                continue
            self._memory.update(task, None if known is None else known.state)
            if _is_told(task):
                self._signals.task_written.tell(task)

    def take_over(self, mutations: Iterable[Mutation], following: Sequence[Mutation]) -> None:
        """Bring memory up to date with what was written. It is on disk, so a fault of one part
        is logged, and keeps neither the others nor the caller from it."""
        freed = False
        for mutation in mutations:
            try:
                if isinstance(mutation, SaveTask):
                    task, was = mutation.task, mutation.was
                    if self._shared is not None and self._shared.shared_queue(task.queue):
                        # memory may never have seen what it was
                        self.mirror([task])
                        continue
                    if was is not None:
                        self._memory.update(task, was.state)
                    elif task.state is TaskState.PENDING:
                        self._memory.add(task, mutation.weight)
                    else:
                        self._memory.update(task, None)
                    if _is_told(task):
                        self._signals.task_written.tell(task)
                elif isinstance(mutation, _OCCUPANCIES):
                    freed |= self._resources.commit((mutation,))
            except Exception:  # noqa: BLE001 - as above
                _log.exception("what is on disk could not be taken over: %s", mutation)
        for mutation in following:
            if isinstance(mutation, SaveDelivery):
                self._signals.webhook_written.tell(mutation.delivery)
        if freed:
            self._memory.wake_robots()
