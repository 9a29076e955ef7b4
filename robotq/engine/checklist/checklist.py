"""The checklist: items that people work on. The one way in which an item changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import chain

from robotq.engine.checklist.events import item_event
from robotq.engine.checklist.steps import StepsOfPeople
from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import Locks, unbroken
from robotq.engine.intake.idempotency import Accepted, Idempotency, KeyedRequest, SaveAccepted
from robotq.engine.reads import Reads
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.item import Item, ItemBatch, ItemChange, ItemIds, ItemStatus, NewItem
from robotq.model.task import Task
from robotq.store.port import (
    DropItem,
    ItemBatchQuery,
    ItemQuery,
    Mutation,
    SaveItem,
    SaveItemBatch,
    StaleRevision,
)

_TRIES = 8
"""Attempts to write over an item; the other writer is its task, which changes a few times in
all its life."""


def _kept(save_answer: SaveAccepted | None, accepted: Accepted) -> list[Mutation]:
    return [] if save_answer is None else [save_answer(accepted)]


class Checklist:
    """Items are made, changed and removed freely, with one exception: where a robot waits for
    an item, ticking it off ends the task, and it cannot be removed.

    Everything is on disk before it is told. Every method raises RobotqError store_unavailable.
    """

    def __init__(
        self,
        *,
        reads: Reads,
        commit: Commit,
        steps: StepsOfPeople,
        clock: WallClock,
        ids: ItemIds,
    ) -> None:
        self._reads = reads
        self._commit = commit
        self._steps = steps
        self._clock = clock
        self._ids = ids
        self._locks = Locks()
        self._idempotency = Idempotency(reads, commit)

    # -- reading ---------------------------------------------------------------------------

    async def items(self, query: ItemQuery) -> tuple[Sequence[Item], int]:
        """Those of the page, and how many there are on all pages."""
        return await self._reads.items(query)

    async def item(self, item_id: str) -> Item:
        """Raises RobotqError item_not_found."""
        found, _ = await self.items(ItemQuery(ids=[item_id]))
        if not found:
            raise RobotqError("item_not_found", item_id=item_id)
        return found[0]

    async def batches(self, query: ItemBatchQuery) -> tuple[Sequence[ItemBatch], int]:
        """Those of the page, newest first, and how many there are on all pages."""
        return await self._reads.item_batches(query)

    async def batch(self, batch_id: str) -> ItemBatch:
        """Raises RobotqError item_batch_not_found."""
        found, _ = await self.batches(ItemBatchQuery(batch_id=batch_id, limit=1))
        if not found:
            raise RobotqError("item_batch_not_found", batch_id=batch_id)
        return found[0]

    # -- changing --------------------------------------------------------------------------

    async def create(self, new: NewItem, *, actor: str, keyed: KeyedRequest | None = None) -> Item:
        """A new item. One that is made as completed is completed now. `keyed`: the item that
        the same key has made before, as it is now.

        Raises RobotqError idempotency_conflict, item_not_found (removed meanwhile).
        """
        made: list[Item] = []

        async def accept(save_answer: SaveAccepted | None) -> Accepted:
            now_ms = self._clock.now_ms()
            item = self._made(new, now_ms)
            accepted = Accepted(task_ids=(item.id,), batch_id=None, queue_size=0)
            mutations: list[Mutation] = [SaveItem(item), item_event("created", item, actor, now_ms)]
            await self._commit.write([*mutations, *_kept(save_answer, accepted)])
            made.append(item)
            return accepted

        accepted = await self._once(keyed, accept)
        return made[0] if made else await self.item(accepted.task_ids[0])

    async def create_batch(
        self,
        new: Sequence[NewItem],
        *,
        session_id: str | None,
        reason: str | None,
        actor: str,
        keyed: KeyedRequest | None = None,
    ) -> tuple[ItemBatch, Sequence[Item]]:
        """A batch with its items, all or none. Its session goes over that of its items. `keyed`:
        as in `create`."""
        made: list[tuple[ItemBatch, Sequence[Item]]] = []

        async def accept(save_answer: SaveAccepted | None) -> Accepted:
            batch, items, mutations = self._batch(new, session_id, reason, actor)
            accepted = Accepted(task_ids=(), batch_id=batch.id, queue_size=0)
            await self._commit.write([*mutations, *_kept(save_answer, accepted)])
            made.append((batch, items))
            return accepted

        accepted = await self._once(keyed, accept)
        if made:
            return made[0]
        assert accepted.batch_id is not None
        items, _ = await self.items(ItemQuery(batch_ids=[accepted.batch_id]))
        return await self.batch(accepted.batch_id), items

    @unbroken
    async def _once(
        self,
        keyed: KeyedRequest | None,
        accept: Callable[[SaveAccepted | None], Awaitable[Accepted]],
    ) -> Accepted:
        if keyed is None:
            return await accept(None)
        return await self._idempotency.once(keyed, self._clock.now_ms(), accept)

    def _batch(
        self, new: Sequence[NewItem], session_id: str | None, reason: str | None, actor: str
    ) -> tuple[ItemBatch, Sequence[Item], list[Mutation]]:
        """A new batch, and what writes it."""
        now_ms = self._clock.now_ms()
        batch = ItemBatch(
            id=self._ids.next(now_ms), session_id=session_id, reason=reason, created_at_ms=now_ms
        )
        items = [
            replace(self._made(one, now_ms), session_id=session_id, batch_id=batch.id)
            for one in new
        ]
        mutations: list[Mutation] = [SaveItemBatch(batch)]
        for item in items:
            mutations += [SaveItem(item), item_event("created", item, actor, now_ms)]
        return batch, items, mutations

    @unbroken
    async def update(
        self,
        changes: Sequence[ItemChange],
        *,
        actor: str,
        may_resolve: Callable[[], None] = lambda: None,
    ) -> Sequence[Item]:
        """Change items, in this order, all or none of them in one commit; those that are not
        there are passed over. Where daemons share the list, those of steps of this daemon's robots
        are a second commit; repeating the call does no harm.

        An item that a robot waits for is ticked off after that commit: its task ends, and this
        returns when the end is on disk. Returns the items as they are then, one for each change.
        `may_resolve` raises where this caller may not lift a hold, which the tick of a step
        with an unknown outcome does; nothing is changed then.
        Raises RobotqError wrong_state for a tick before the step's turn, or where its task ended
        otherwise meanwhile.
        """
        ids = tuple(dict.fromkeys(change.item_id for change in changes))
        async with self._changing(ids):
            steps = await self._change(ids, changes, actor, may_resolve)
            for step in steps:
                await self._steps.tick(step, actor)
            found, _ = await self.items(ItemQuery(ids=ids))
        items = {item.id: item for item in found}
        return [items[change.item_id] for change in changes if change.item_id in items]

    @unbroken
    async def delete(self, ids: Sequence[str], *, actor: str) -> int:
        """Remove items, all or none in one commit; those that are not there are passed over.
        Returns how many went.

        Raises RobotqError item_in_use where a robot waits for one of them.
        """
        async with self._changing(ids):
            for _ in range(_TRIES):
                found, _ = await self.items(ItemQuery(ids=ids))
                for step in (await self._steps.of(found)).values():
                    raise RobotqError("item_in_use", robot=step.queue, task_id=step.id)
                now_ms = self._clock.now_ms()
                gone: list[list[Mutation]] = [
                    [
                        DropItem(item.id, item.revision, item.task_id is not None),
                        item_event("deleted", item, actor, now_ms),
                    ]
                    for item in found
                ]
                if await self._written(gone):
                    return len(found)
        raise RobotqError("too_many_requests", what="changes of an item", limit=_TRIES)

    # -- the core --------------------------------------------------------------------------

    @asynccontextmanager
    async def _changing(self, ids: Iterable[str]) -> AsyncIterator[None]:
        """Nobody else changes these items inside; only their tasks may."""
        async with AsyncExitStack() as locks:
            # in one order, so that two callers cannot wait for each other
            for item_id in sorted(set(ids)):
                await locks.enter_async_context(self._locks.hold(item_id))
            yield

    async def _change(
        self,
        ids: Sequence[str],
        changes: Sequence[ItemChange],
        actor: str,
        may_resolve: Callable[[], None],
    ) -> Sequence[Task]:
        """Write all but the ticks of steps, and return those steps."""
        for _ in range(_TRIES):
            found, _ = await self.items(ItemQuery(ids=ids))
            steps = await self._steps.of(found)
            ticked = {
                change.item_id
                for change in changes
                if change.status is ItemStatus.COMPLETED and change.item_id in steps
            }
            if any(steps[item_id].outcome_unknown for item_id in ticked):
                may_resolve()
            for item_id in ticked:
                await self._steps.until_its_turn(steps[item_id].id)
            now_ms = self._clock.now_ms()
            changed: list[list[Mutation]] = []
            for before in found:
                after = before
                for change in changes:
                    if change.item_id == before.id:
                        after = change.applied_to(after, now_ms, of_step=before.id in steps)
                if after != before:
                    after = replace(after, updated_at_ms=now_ms, revision=before.revision + 1)
                    event = item_event("updated", after, actor, now_ms, before=before)
                    changed.append([SaveItem(after), event])
            if await self._written(changed):
                return [steps[item_id] for item_id in ticked]
        raise RobotqError("too_many_requests", what="changes of an item", limit=_TRIES)

    async def _written(self, items: Sequence[Sequence[Mutation]]) -> bool:
        """False where a task, or another daemon, has changed an item meanwhile."""
        shared = self._commit.shared
        there = [] if shared is None else [one for one in items if shared.shares(one)]
        here = [one for one in items if one not in there]
        try:
            # first to the database that may be away
            for part in (there, here):
                if part:
                    await self._commit.write(list(chain.from_iterable(part)))
        except StaleRevision:
            return False
        return True

    def _made(self, new: NewItem, now_ms: int) -> Item:
        return Item(
            id=self._ids.next(now_ms),
            title=new.title,
            description=new.description,
            status=new.status,
            priority=new.priority,
            due_date_ms=new.due_date_ms,
            session_id=new.session_id,
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
            completed_at_ms=now_ms if new.status is ItemStatus.COMPLETED else None,
        )
