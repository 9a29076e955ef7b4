"""Locks of tasks, tasks that one caller changes while nobody else does, and changes that nobody
cuts short."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import wraps
from typing import Any, ParamSpec, Self, TypeAlias, TypeVar

from robotq.engine.reads import Reads
from robotq.model.errors import RobotqError
from robotq.model.task import Task

_log = logging.getLogger(__name__)


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
        return KeyLock(self, key)

    # no asyncio.Lock, which takes three times as long, twice between two commands

    def take(self, key: str) -> bool:
        """Hold it, where nobody does."""
        if key in self._waiting:
            return False
        self._waiting[key] = deque()
        return True

    async def acquire(self, key: str) -> None:
        """Wait for it, in the order of those who ask; where that is cancelled there is nothing to
        release."""
        if self.take(key):
            return
        waiting = self._waiting[key]
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn in waiting:
                waiting.remove(turn)
            elif not turn.cancelled():
                # it was handed on to one that was cancelled in the same moment
                self.release(key)
            raise

    def release(self, key: str) -> None:
        """Hand it on to the next one."""
        waiting = self._waiting[key]
        while waiting:
            turn = waiting.popleft()
            # one that was cancelled waits no more
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[key]


class KeyLock:
    """Made by `Locks.hold`."""

    __slots__ = ("_key", "_locks")

    def __init__(self, locks: Locks, key: str) -> None:
        self._locks = locks
        self._key = key

    async def __aenter__(self) -> None:
        await self._locks.acquire(self._key)

    async def __aexit__(self, *exc: object) -> None:
        self._locks.release(self._key)


InTime: TypeAlias = Callable[[Awaitable[Any]], Awaitable[Any]]
"""Waits as long as the disk has to answer."""


class LockedTask:
    """One task that one caller changes, while nobody else does. Made by `Commit.of`."""

    # classes and no generators, which take three times as long, between any two commands

    __slots__ = ("_hurried", "_locks", "_reads", "_task_id")

    def __init__(self, locks: Locks, reads: Reads, hurried: InTime | None, task_id: str) -> None:
        self._locks = locks
        self._reads = reads
        self._hurried = hurried
        self._task_id = task_id

    async def __aenter__(self) -> Task:
        acquiring = self._locks.acquire(self._task_id)
        await (acquiring if self._hurried is None else self._hurried(acquiring))
        try:
            known = self._reads.known(self._task_id)
            return known if known is not None else await self._reads.task(self._task_id)
        except BaseException:
            self._locks.release(self._task_id)
            raise

    async def __aexit__(self, *exc: object) -> None:
        self._locks.release(self._task_id)


class LockedTasks:
    """The same for as many as are asked for inside. Made by `Commit.several`."""

    __slots__ = ("_held", "_locks", "_reads")

    def __init__(self, locks: Locks, reads: Reads) -> None:
        self._locks = locks
        self._reads = reads
        self._held: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def of(self, task_id: str) -> Task:
        """The task as it is now; nobody else changes it until the end of the block. Raises as
        `Commit.find` does."""
        if not self.take(task_id):
            await self._locks.acquire(task_id)
            self._held.append(task_id)
        known = self._reads.known(task_id)
        return known if known is not None else await self._reads.task(task_id)

    def take(self, task_id: str) -> bool:
        """Nobody else changes this task until the end of the block; False where somebody does
        now."""
        if not self._locks.take(task_id):
            return False
        self._held.append(task_id)
        return True

    async def __aexit__(self, *exc: object) -> None:
        for task_id in reversed(self._held):
            self._locks.release(task_id)


_P = ParamSpec("_P")
_T = TypeVar("_T")

# a loop refers to its tasks only weakly
_under_way: set[asyncio.Task[Any]] = set()


def unbroken(
    method: Callable[_P, Coroutine[Any, Any, _T]],
) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """Once called, `method` runs to its end, also when its caller is cancelled meanwhile.

    So a request that is cut off cannot leave a change on disk that memory does not know of,
    nor one that is half done.
    """

    @wraps(method)
    async def begun(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        task = asyncio.create_task(method(*args, **kwargs))
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)
        return await outliving(task)

    return begun


async def outliving(working: asyncio.Future[_T]) -> _T:
    """What comes of it. It goes on if the caller is cancelled; a RobotqError of it is then an
    answer that nobody wants any more, and anything else a fault that is logged."""
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        working.add_done_callback(_unheard)
        raise


def _unheard(done: asyncio.Future[Any]) -> None:
    if done.cancelled() or (error := done.exception()) is None or isinstance(error, RobotqError):
        return
    _log.error("this failed after its caller had left: %r", error, exc_info=error)
