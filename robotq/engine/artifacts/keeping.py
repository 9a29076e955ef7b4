"""What one run of a command wants to be kept."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from hashlib import sha256
from typing import Protocol

from msgspec.structs import replace

from robotq.drivers.base import DriverError
from robotq.engine.artifacts.files import LATE, OVER, TOO_MANY, ArtifactFiles, NotKept
from robotq.engine.settings import Settings
from robotq.model.carried.artifact import Artifact, media_type_of, name_of

Told = Callable[[int, Artifact], None]


class Keeper(Protocol):
    """Makes a `Keeping`."""

    def __call__(
        self, loop: asyncio.AbstractEventLoop, told: Told, before: Sequence[Artifact] = ()
    ) -> Keeping: ...


class Keeping:
    """Artifacts of one run, in the order in which they were given. A file is on disk before
    `told` is called of it, on the loop, so before any commit names it."""

    def __init__(
        self,
        files: ArtifactFiles,
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
        told: Told,
        before: Sequence[Artifact] = (),
    ) -> None:
        """`before`: those of the same run that the daemon before this one has kept."""
        self._files = files
        self._settings = settings
        self._loop = loop
        self._told = told
        self._lock = threading.Lock()
        self._names: Counter[str] = Counter()
        self._taken = {one.name for one in before}
        self._first = len(before)
        self._given: list[tuple[Artifact, Future[str]]] = []
        self._closed = False

    def keep(self, name: str, media_type: str, data: bytes, *, needed: bool) -> str:
        """See `CommandContext.artifact`. On the driver's thread."""
        content = bytes(data)
        with self._lock:
            closed = self._closed
            number = self._first + len(self._given)
            most = self._settings.config.artifacts.per_task
            listed = not closed and number <= most
            own = self._own_name(name) if listed else name_of(name)
            if closed or number >= most:
                future: Future[str] = Future()
                future.set_exception(NotKept(OVER if closed else TOO_MANY))
            else:
                future = self._files.write(content)
            if listed:
                # the first one that is too many says it for all
                self._given.append((_artifact(own, media_type, content), future))
                future.add_done_callback(lambda _: self._tell_later(number))
        if needed:
            _need(own, future, self._settings.timings.artifact_s)
        return own

    async def settle(self) -> None:
        """The command is over: wait for what is on its way to the disk, though not for ever.
        Nothing more is taken."""
        with self._lock:
            self._closed = True
            given = list(self._given)
        waiting = [asyncio.wrap_future(future) for _, future in given if not future.done()]
        for each in waiting:
            each.add_done_callback(_heard)
        if waiting:
            await asyncio.wait(waiting, timeout=self._settings.timings.artifact_s)
        for number, (artifact, future) in enumerate(given, self._first):
            self._told(number, _as_it_is(artifact, future))

    def release(self) -> None:
        """The end of the task is on disk."""
        with self._lock:
            self._closed = True
            given, self._given = self._given, []
        self._files.release(future for _, future in given)

    def _own_name(self, told: str) -> str:
        plain = name_of(told)
        self._names[plain] += 1
        while (own := name_of(told, self._names[plain])) in self._taken:
            self._names[plain] += 1
        self._taken.add(own)
        return own

    def _tell_later(self, number: int) -> None:
        try:
            self._loop.call_soon_threadsafe(self._tell, number)
        except RuntimeError:
            # the loop has ended, and nobody is there to be told
            return

    def _tell(self, number: int) -> None:
        with self._lock:
            if self._closed:
                # `settle` tells of all
                return
            artifact, future = self._given[number - self._first]
        self._told(number, _as_it_is(artifact, future))


def _artifact(name: str, media_type: str, content: bytes) -> Artifact:
    return Artifact(
        name=name,
        media_type=media_type_of(media_type),
        size=len(content),
        sha256=sha256(content).hexdigest(),
    )


def _heard(done: asyncio.Future[str]) -> None:
    """The artifact says why it was not kept, so asyncio need not."""
    if not done.cancelled():
        done.exception()


def _as_it_is(artifact: Artifact, future: Future[str]) -> Artifact:
    reason: str | None = None
    if not future.done():
        reason = LATE
    elif (error := future.exception()) is not None:
        reason = error.reason if isinstance(error, NotKept) else LATE
    return artifact if reason is None else replace(artifact, not_kept=reason)


def _need(name: str, future: Future[str], within_s: float) -> None:
    """Raises DriverError artifact_not_kept."""
    wait([future], timeout=within_s)
    error = future.exception() if future.done() else NotKept(LATE)
    if error is not None:
        reason = error.reason if isinstance(error, NotKept) else LATE
        raise DriverError(reason, code="artifact_not_kept", name=name)
