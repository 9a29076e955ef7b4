"""Tasks that one caller changes, while nobody else does. Made by `Commit.of` and `several`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeAlias

from robotq.engine.commit.locks import Hold, Locks
from robotq.engine.reads import Reads
from robotq.model.task import Task

InTime: TypeAlias = Callable[[Awaitable[Any]], Awaitable[Any]]
"""Waits as long as the disk has to answer."""


class One:
    """One task."""

    # classes and no generators, which take three times as long, between any two commands

    __slots__ = ("_hurried", "_lock", "_locks", "_reads", "_task_id")

    _lock: Hold

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


class Several:
    """As many as are asked for inside."""

    __slots__ = ("_held", "_locks", "_reads")

    def __init__(self, locks: Locks, reads: Reads) -> None:
        self._locks = locks
        self._reads = reads
        self._held: list[Hold] = []

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
