"""One lock for each task that somebody is changing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence


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

    def hold(self, key: str) -> Hold:
        """To be entered with `async with`; nobody else holds the lock inside."""
        return Hold(self._locks, key)


class Hold:
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
