"""Locks of tasks, and tasks that one caller changes while nobody else does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeAlias

from robotq.engine.reads import Reads
from robotq.model.task import Task


class Locks:
    """A lock for each key, there only while somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @property
    def keys(self) -> Sequence[str]:
        """Those that somebody holds or waits for."""
        return tuple(self._locks)

    def held(self, key: str) -> bool:
        """Whether somebody holds it, or waits for it."""
        return key in self._locks

    def hold(self, key: str) -> KeyLock:
        """To be entered with `async with`; nobody else holds the lock inside."""
        return KeyLock(self._locks, key)


class KeyLock:
    """Made by `Locks.hold`."""

    # a class and no generator, which takes three times as long, twice between two commands

    __slots__ = ("_key", "_lock", "_locks")

    def __init__(self, locks: dict[str, tuple[asyncio.Lock, int]], key: str) -> None:
        self._locks = locks
        self._key = key
        self._lock, users = locks.get(key) or (asyncio.Lock(), 0)
        locks[key] = (self._lock, users + 1)

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(self, *exc: object) -> None:
        self.release()

    async def acquire(self) -> None:
        """Wait for it; where that is cancelled there is nothing to release."""
        try:
            await self._lock.acquire()
        except BaseException:
            self._give_up()
            raise

    def release(self) -> None:
        self._lock.release()
        self._give_up()

    def _give_up(self) -> None:
        lock, users = self._locks.pop(self._key)
        if users > 1:
            self._locks[self._key] = (lock, users - 1)


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
            return await self._reads.task(self._task_id)
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
        return await self._reads.task(task_id)

    async def hold(self, task_id: str) -> None:
        """Nobody else changes this task until the end of the block."""
        lock = self._locks.hold(task_id)
        await lock.acquire()
        self._held.append(lock)

    async def __aexit__(self, *exc: object) -> None:
        for lock in reversed(self._held):
            lock.release()
