"""The checklist: items that people work on. The one way in which an item changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import Locks
from robotq.engine.commit.unbroken import unbroken
from robotq.engine.control.again import Again
from robotq.engine.control.robot_control import RobotControl
from robotq.engine.intake.idempotency import Accepted, Idempotency, KeyedRequest, SaveAccepted
from robotq.engine.queue.queue import TaskQueue
from robotq.engine.reads import Reads
from robotq.engine.robot.robot import Robot
from robotq.engine.settings import Settings
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.item import Item, ItemBatch, ItemIds, ItemPriority, ItemStatus
from robotq.model.task import Task, TaskState
from robotq.store.port import (
    AppendEvent,
    DropItem,
    ItemBatchQuery,
    ItemQuery,
    Mutation,
    SaveItem,
    SaveItemBatch,
    StaleRevision,
)

API = "checklist"

_TRIES = 8
"""Attempts to write over an item; the other writer is its task, which changes a few times in
all its life."""

_LOOKS = 50
"""A step whose turn comes just now gets this many looks before an early tick is refused: a second
of wall time in all."""

_END_S = 10.0
"""Wall seconds that a step may take to end once it is ticked off; only a disk that takes no
writes takes that long."""


class NewItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item as somebody wants it made."""

    title: str
    description: str | None = None
    status: ItemStatus = ItemStatus.PENDING
    priority: ItemPriority | None = None
    due_date_ms: int | None = None
    session_id: str | None = None


class ItemChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be changed of an item; None leaves a field as it is."""

    item_id: str
    title: str | None = None
    description: str | None = None
    status: ItemStatus | None = None
    priority: ItemPriority | None = None
    due_date_ms: int | None = None


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
        queue: TaskQueue,
        again: Again,
        control: RobotControl,
        robots: Mapping[str, Robot],
        clock: WallClock,
        ids: ItemIds,
        settings: Settings,
    ) -> None:
        self._reads = reads
        self._commit = commit
        self._queue = queue
        self._again = again
        self._control = control
        self._robots = robots
        self._clock = clock
        self._ids = ids
        self._settings = settings
        self._locks = Locks()
        self._idempotency = Idempotency(reads)

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
            mutations: list[Mutation] = [SaveItem(item), _event("created", item, actor, now_ms)]
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
            mutations += [SaveItem(item), _event("created", item, actor, now_ms)]
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
        there are passed over.

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
                await self._tick(step, actor)
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
                for step in (await self._steps(found)).values():
                    raise RobotqError("item_in_use", robot=step.queue, task_id=step.id)
                now_ms = self._clock.now_ms()
                mutations: list[Mutation] = []
                for item in found:
                    mutations += [
                        DropItem(item.id, item.revision),
                        _event("deleted", item, actor, now_ms),
                    ]
                if await self._written(mutations):
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
            steps = await self._steps(found)
            ticked = {
                change.item_id
                for change in changes
                if change.status is ItemStatus.COMPLETED and change.item_id in steps
            }
            if any(steps[item_id].outcome_unknown for item_id in ticked):
                may_resolve()
            for item_id in ticked:
                await self._until_its_turn(steps[item_id].id)
            now_ms = self._clock.now_ms()
            mutations: list[Mutation] = []
            for before in found:
                after = before
                for change in changes:
                    if change.item_id == before.id:
                        after = _changed(after, change, now_ms, of_step=before.id in steps)
                if after != before:
                    after = replace(after, updated_at_ms=now_ms, revision=before.revision + 1)
                    event = _event("updated", after, actor, now_ms, before=before)
                    mutations += [SaveItem(after), event]
            if await self._written(mutations):
                return [steps[item_id] for item_id in ticked]
        raise RobotqError("too_many_requests", what="changes of an item", limit=_TRIES)

    async def _written(self, mutations: Sequence[Mutation]) -> bool:
        """False where a task has changed its item meanwhile."""
        try:
            if mutations:
                await self._commit.write(mutations)
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

    # -- steps in the queues of robots -------------------------------------------------------

    async def _steps(self, items: Iterable[Item]) -> Mapping[str, Task]:
        """The tasks that wait for these items, by item."""
        steps = {}
        for item in items:
            if item.task_id is None or item.status is ItemStatus.COMPLETED:
                continue
            try:
                task = await self._reads.task(item.task_id)
            except RobotqError as error:
                if error.code.name != "task_not_found":
                    raise
                # retention has removed it: it ended long ago, and somebody reopened its item
                continue
            if not task.state.final or task.outcome_unknown:
                steps[item.id] = task
        return steps

    async def _until_its_turn(self, task_id: str) -> None:
        """Raises RobotqError wrong_state where nobody waits for this step yet."""
        task = await self._reads.task(task_id)
        for _ in range(_LOOKS):
            if task.state.final or self._asks(task):
                return
            await asyncio.sleep(self._settings.timings.turn_s)
            task = await self._reads.task(task_id)
        raise _not_ticked(task)

    def _asks(self, task: Task) -> bool:
        robot = self._robots.get(task.queue)
        if robot is None:
            return False
        running = robot.executor.running
        return running is not None and running.id == task.id and robot.executor.asks_for(None)

    async def _tick(self, step: Task, actor: str) -> None:
        """End a step as done. What an unclean end of the daemon has left open is resolved."""
        if step.outcome_unknown:
            await self._again.resolve(step.id, "completed", actor=actor)
            return
        try:
            await self._control.answer(step.id, {}, actor=actor)
        except RobotqError as error:
            # somebody else has answered at the same moment, or called it off
            if error.code.name != "no_question":
                raise
        ended = await self._queue.wait_ended(step.id, _END_S)
        if not ended.state.final:
            raise RobotqError("store_unavailable", reason="ticked off, its end is not written")
        if ended.state is not TaskState.COMPLETED:
            raise _not_ticked(ended)


def _changed(item: Item, change: ItemChange, now_ms: int, *, of_step: bool) -> Item:
    """`of_step`: a robot waits for it, so that only its task can complete it."""
    given: dict[str, Any] = {
        name: value
        for name in ("title", "description", "priority", "due_date_ms")
        if (value := getattr(change, name)) is not None
    }
    done = ItemStatus.COMPLETED
    if change.status not in (None, item.status) and not (of_step and change.status is done):
        given["status"] = change.status
        given["completed_at_ms"] = now_ms if change.status is done else None
    return replace(item, **given)


def _not_ticked(task: Task) -> RobotqError:
    state = task.state.value
    return RobotqError("wrong_state", task_id=task.id, state=state, action="be ticked off")


def _event(
    what: str, item: Item, actor: str, at_ms: int, *, before: Item | None = None
) -> AppendEvent:
    data: dict[str, Any] = {"item_id": item.id, "title": item.title}
    if item.batch_id is not None:
        data["batch_id"] = item.batch_id
    return AppendEvent(
        Event(
            kind=f"item.{what}",
            at_ms=at_ms,
            actor=actor,
            api=API,
            task_id=item.task_id,
            before=None if before is None else before.status.value,
            after=None if what == "deleted" else item.status.value,
            data=data,
        )
    )
