"""Locks of tasks, and tasks that one caller changes while nobody else does."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeAlias

from robotq.engine.reads import Reads
from robotq.model.task import Task


class Locks:
    """A lock for each key, there only while somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """Of each key that somebody holds, those who wait for it; next first."""

    @property
    def keys(self) -> Sequence[str]:
        """Those that somebody holds or waits for."""
        return tuple(self._waiting)

    def held(self, key: str) -> bool:
        """Whether somebody holds it, or waits for it."""
        return key in self._waiting

    def hold(self, key: str) -> KeyLock:
        """To be entered with `async with`; nobody else holds the lock inside."""
        return KeyLock(self._waiting, key)


class KeyLock:
    """Made by `Locks.hold`. Handed on in the order in which it was asked for."""

    # a class and no generator, and no asyncio.Lock within: those take three times as long, twice
    # between two commands

    __slots__ = ("_key", "_waiting")

    def __init__(self, waiting: dict[str, deque[asyncio.Future[None]]], key: str) -> None:
        self._waiting = waiting
        self._key = key

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(self, *exc: object) -> None:
        self.release()

    async def acquire(self) -> None:
        """Wait for it; where that is cancelled there is nothing to release."""
        waiting = self._waiting.get(self._key)
        if waiting is None:
            self._waiting[self._key] = deque()
            return
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn in waiting:
                waiting.remove(turn)
            elif not turn.cancelled():
                # it was handed on to one that was cancelled in the same moment
                self.release()
            raise

    def release(self) -> None:
        waiting = self._waiting[self._key]
        while waiting:
            turn = waiting.popleft()
            # one that was cancelled waits no more
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[self._key]


InTime: TypeAlias = Callable[[Awaitable[Any]], Awaitable[Any]]
"""Waits as long as the disk has to answer."""


class LockedTask:
    """One task that one caller changes, while nobody else does. Made by `Commit.of`."""

    # classes and no generators, which take three times as long, between any two commands

    __slots__ = ("_hurried", "_lock", "_locks", "_reads", "_task_id")

    _lock: KeyLock

    def __init__(self, locks: Locks, reads: Reads, hurried: InTime | None, task_id: str) -> None:
        self._locks = locks
        self._reads = reads
        self._hurried = hurried
        self._task_id = task_id

    async def __aenter__(self) -> Task:
        lock = self._lock = self._locks.hold(self._task_id)
        await (lock.acquire() if self._hurried is None else self._hurried(lock.acquire()))
        try:
            known = self._reads.known(self._task_id)
            return known if known is not None else await self._reads.task(self._task_id)
        except BaseException:
            lock.release()
            raise

    async def __aexit__(self, *exc: object) -> None:
        self._lock.release()


class LockedTasks:
    """The same for as many as are asked for inside. Made by `Commit.several`."""

    __slots__ = ("_held", "_locks", "_reads")

    def __init__(self, locks: Locks, reads: Reads) -> None:
        self._locks = locks
        self._reads = reads
        self._held: list[KeyLock] = []

    async def __aenter__(self) -> Self:
        return self

    async def of(self, task_id: str) -> Task:
        """The task as it is now; nobody else changes it until the end of the block. Raises as
        `Commit.find` does."""
        await self.hold(task_id)
        known = self._reads.known(task_id)
        return known if known is not None else await self._reads.task(task_id)

    async def hold(self, task_id: str) -> None:
        """Nobody else changes this task until the end of the block."""
        lock = self._locks.hold(task_id)
        await lock.acquire()
        self._held.append(lock)

    async def __aexit__(self, *exc: object) -> None:
        for lock in reversed(self._held):
            lock.release()
