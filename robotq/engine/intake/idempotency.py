"""A submit that is repeated with the same Idempotency-Key gets the first answer again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.disk import NotAnswered, Stands
from robotq.engine.intake.read_command import Order
from robotq.engine.reads import Reads
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.store.port import (
    Answer,
    DropAnswer,
    DuplicateKey,
    Mutation,
    SaveAnswer,
    StaleRevision,
)


class Accepted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer to a submit. Everything in it is on disk."""

    task_ids: Sequence[str]
    batch_id: str | None
    queue_size: int
    """Unfinished tasks over all robots, these included."""
    repeated: bool = False
    """An earlier answer, given again to the same Idempotency-Key."""


class KeyedRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    scope: str
    """Interface and client, so that two clients may use the same key."""
    key: str
    fingerprint: str
    """SHA-256 of the request's content, hex."""


class Handing(msgspec.Struct, frozen=True, kw_only=True):
    """Commands as they are about to be accepted."""

    orders: Sequence[Order]
    actor: str
    batch: bool
    contiguous: bool | None
    keyed: KeyedRequest | None
    agent: bool
    stands: bool = False
    """They come again by themselves until they are accepted."""


AcceptAs: TypeAlias = Callable[[Sequence[Order], Stands], Awaitable[Accepted]]
"""Accepts them here, under the id that the first one has. Raises RobotqError."""


class Witness(Protocol):
    """Keeps commands before they are accepted here. Where it has them and this daemon does not,
    it has them come in by itself, under the id that it gave."""

    def wants(self, orders: Sequence[Order], *, keyed: bool) -> bool:
        """Whether these have to be there too. `keyed`: they have an Idempotency-Key."""

    def of(self, robot: str) -> bool:
        """Whether what is accepted for this robot has to be there too."""

    async def told(self) -> None:
        """What was written here until now is there too. Raises RobotqError fleet_away: it stands
        here, and nobody knows whether it does there."""

    async def kept(self, handing: Handing, accept: AcceptAs) -> Accepted:
        """Keep them, then accept them. Raises RobotqError, and then nobody has them, or, with
        fleet_away, nobody knows."""


SaveAccepted = Callable[[Accepted], Mutation]
"""What keeps an answer with its key."""

Accept = Callable[[SaveAccepted], Awaitable[Accepted]]
"""Accepts, and writes the answer along."""


class Idempotency:
    """Accepts each key once, also when the same request arrives twice at the same time."""

    def __init__(self, reads: Reads, commit: Commit) -> None:
        self._reads = reads
        self._commit = commit
        self._under_way: dict[tuple[str, str], asyncio.Event | None] = {}
        """By scope and key; the event is there only if another one waits."""

    async def once(self, request: KeyedRequest, now_ms: int, accept: Accept) -> Accepted:
        """The stored answer for this key, or that of `accept`, stored with its tasks.

        Raises RobotqError idempotency_conflict where the key came with another content,
        store_unavailable.
        """
        slot = (request.scope, request.key)
        while slot in self._under_way:
            await self._other(slot)
        self._under_way[slot] = None

        def save(accepted: Accepted) -> Mutation:
            return answer_of(request, accepted, now_ms)

        try:
            known = await self.known(request)
            if known is not None:
                return known
            try:
                accepted = await accept(save)
            except DuplicateKey:
                # the same request came to another daemon at the same time
                known = await self.known(request)
                if known is None:
                    raise
                return known
            crash_point(CrashPoint.ANSWER_KEPT)
            return accepted
        finally:
            self._end(slot)

    async def once_written(
        self, request: KeyedRequest, accept: Callable[[], Awaitable[Accepted]]
    ) -> Accepted:
        """The same where `accept` changes nothing but what it writes, its `answer_of` with it.
        So the disk is not asked first: the write itself is refused if the key is taken."""
        slot = (request.scope, request.key)
        while slot in self._under_way:
            await self._other(slot)
        self._under_way[slot] = None
        try:
            while True:
                try:
                    accepted = await accept()
                    crash_point(CrashPoint.ANSWER_KEPT)
                    return accepted
                except DuplicateKey:
                    known = await self.known(request)
                    if known is not None:
                        return known
                    # retention has removed it just now
                except StaleRevision:
                    # the fleet gave its task an id, and it has come by another way meanwhile
                    known = await self.known(request)
                    if known is None:
                        raise
                    return known
                except NotAnswered:
                    # what it has written itself, if it has, will be undone
                    raise
                except RobotqError:
                    # it was accepted before, which counts where nothing more is taken
                    known = await self.known(request)
                    if known is None:
                        raise
                    return known
        finally:
            self._end(slot)

    async def _other(self, slot: tuple[str, str]) -> None:
        """Wait for the request with this key that is under way."""
        other = self._under_way[slot]
        if other is None:
            other = self._under_way[slot] = asyncio.Event()
        await other.wait()

    def _end(self, slot: tuple[str, str]) -> None:
        waited_for = self._under_way.pop(slot)
        if waited_for is not None:
            waited_for.set()

    async def known(self, request: KeyedRequest) -> Accepted | None:
        """The answer that this key has got before. One that the disk took too late, so that it
        was told as refused, is none: as soon as its tasks are called off the key is free again.

        Raises RobotqError idempotency_conflict, store_unavailable; NotAnswered as long as its
        tasks are still to be called off."""
        known = await self._reads.kept_answer(request.scope, request.key)
        if known is None:
            return None
        if self._commit.disk.takes_back(known.body["task_ids"]):
            raise NotAnswered
        if await self._reads.taken_back(known):
            await self._commit.write([DropAnswer(known)])
            return None
        return _again(known, request)


def answer_of(request: KeyedRequest, accepted: Accepted, now_ms: int) -> Mutation:
    """What keeps this answer with the key of its request."""
    return SaveAnswer(
        Answer(
            scope=request.scope,
            key=request.key,
            fingerprint=request.fingerprint,
            body={
                "task_ids": list(accepted.task_ids),
                "batch_id": accepted.batch_id,
                "queue_size": accepted.queue_size,
            },
            at_ms=now_ms,
        )
    )


def _again(known: Answer, request: KeyedRequest) -> Accepted:
    if known.fingerprint != request.fingerprint:
        raise RobotqError("idempotency_conflict")
    return Accepted(
        task_ids=tuple(known.body["task_ids"]),
        batch_id=known.body["batch_id"],
        queue_size=known.body["queue_size"],
        repeated=True,
    )
