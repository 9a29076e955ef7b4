"""A submit that is repeated with the same Idempotency-Key gets the first answer again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from robotq.engine.reads import Reads
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.store.port import Answer, Mutation, SaveAnswer


class Accepted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer to a submit. Everything in it is on disk."""

    task_ids: Sequence[str]
    batch_id: str | None
    queue_size: int
    """Unfinished tasks over all robots, these included."""
    repeated: bool = False
    """An earlier answer, given again to the same Idempotency-Key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRequest:
    scope: str
    """Interface and client, so that two clients may use the same key."""
    key: str
    fingerprint: str
    """SHA-256 of the request's content, hex."""


SaveAccepted = Callable[[Accepted], Mutation]
"""What keeps an answer with its key."""

Accept = Callable[[SaveAccepted], Awaitable[Accepted]]
"""Accepts, and writes the answer along."""


class Idempotency:
    """Accepts each key once, also when the same request arrives twice at the same time."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._under_way: dict[tuple[str, str], asyncio.Event] = {}

    async def once(self, request: KeyedRequest, now_ms: int, accept: Accept) -> Accepted:
        """The stored answer for this key, or that of `accept`, stored with its tasks.

        Raises RobotqError idempotency_conflict where the key came with another content,
        store_unavailable.
        """
        slot = (request.scope, request.key)
        while (other := self._under_way.get(slot)) is not None:
            await other.wait()
        done = self._under_way[slot] = asyncio.Event()
        try:
            known = await self._reads.answer(request.scope, request.key)
            if known is not None:
                return _again(known, request)
            accepted = await accept(lambda accepted: _save(request, accepted, now_ms))
            crash_point(CrashPoint.ANSWER_KEPT)
            return accepted
        finally:
            del self._under_way[slot]
            done.set()


def _save(request: KeyedRequest, accepted: Accepted, now_ms: int) -> Mutation:
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
