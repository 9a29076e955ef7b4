"""Moves portion by portion, so that it can be killed anywhere and go on."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Task
from robotq.store.between.place import Kind, Place, Row, key_of
from robotq.store.kept import rows
from robotq.store.port import MOVING

_ROWS = 200
"""Of one portion."""

_QUIET_S = 3.0
"""Wall seconds in which a daemon that starts just now finds out that it must not serve."""

Told = Callable[[int, int], None]
"""Gets how many rows are moved, and of how many."""

Moved = Mapping[Kind, int]
"""Rows of each kind, of this run."""


class Mover:
    """Each portion is first written where it goes, along with how far that is, and then removed
    where it was. So after a kill at most one portion is in both places, and the next run knows
    which: it is removed, and never written twice. Until all is done the place that tasks are moved
    from is marked, and no daemon hands out what is there.
    """

    def __init__(self, source: Place, target: Place, *, quiet_s: float = _QUIET_S) -> None:
        """Both are open."""
        self._source = source
        self._target = target
        self._quiet_s = quiet_s
        self._mark = ""
        self.went_on = False
        """Whether a run before was not finished."""

    async def move(self, told: Told = lambda _done, _of: None) -> Moved:
        """Move all. Raises ConfigError where it must not begin, StoreUnavailable; after the latter
        run it again."""
        source, target = self._source, self._target
        await self._begin()
        source.event = await target.events_read()
        moved: Counter[Kind] = Counter()
        known = await target.fact(self._mark) or {}
        done, of = await self._left_over(known), 0
        for kind in Kind:
            of += await source.count(kind)
        of += done
        told(done, of)
        for kind in Kind:
            while portion := await source.portion(kind, _ROWS):
                known = await self._take(kind, portion, known)
                await self._drop(kind, portion)
                moved[kind] += len(portion)
                if kind is not Kind.EVENTS:
                    done += len(portion)
                told(done, max(of, done))
        async with source.transaction(changes=False):
            await source.set_fact(MOVING, None)
        # where this is not done any more it is a row that nobody reads
        async with target.transaction(changes=False):
            await target.set_fact(self._mark, None)
        return moved

    async def _begin(self) -> None:
        """Mark where tasks are moved from, and find the mark of a run before."""
        source, target = self._source, self._target
        if await target.fact(MOVING) is not None:
            raise ConfigError(
                f"a move away from {target.name} is not finished. Run that one again first."
            )
        known = await source.fact(MOVING)
        self.went_on = known is not None
        if known is None:
            await self._refuse_where_served()
            known = {"id": uuid.uuid4().hex, "to": target.name}
            self._mark = _mark_of(known)
            async with target.transaction(changes=False):
                await target.set_fact(self._mark, {})
            async with source.transaction(changes=False):
                await source.set_fact(MOVING, known)
        self._mark = _mark_of(known)
        if await target.fact(self._mark) is None:
            raise ConfigError(
                f"a move from {source.name} to {known['to']} is not finished, and this is another "
                "place. Run that one again first."
            )
        await self._wait_for_late_ones()

    async def _wait_for_late_ones(self) -> None:
        """A daemon may have looked before the mark was there."""
        if not self._source.shared:
            return
        await asyncio.sleep(self._quiet_s)
        try:
            await self._refuse_where_served()
        except ConfigError:
            if not self.went_on:
                async with self._source.transaction(changes=False):
                    await self._source.set_fact(MOVING, None)
            raise

    async def _refuse_where_served(self) -> None:
        at_work = await self._source.workers_at_work()
        if at_work:
            raise ConfigError(
                f"{self._source.name} is served ({'; '.join(at_work)}). End the daemons that name "
                "it in store.workers first; one that was killed counts as there for 20 seconds."
            )

    async def _left_over(self, known: JsonObject) -> int:
        """Remove what a run before has written, and not removed any more."""
        if not known:
            return 0
        kind, after, left = Kind(known["kind"]), known["after"], 0
        if kind is Kind.EVENTS:
            return 0
        while portion := await self._source.portion(kind, _ROWS):
            taken = [row for row in portion if key_of(kind, row) <= after]
            if taken:
                await self._drop(kind, taken)
                left += len(taken)
            if len(taken) < len(portion):
                break
        return left

    async def _take(self, kind: Kind, portion: Sequence[Row], known: JsonObject) -> JsonObject:
        """Returns the new mark."""
        target = self._target
        mark: dict[str, Any] = {**known, "kind": kind.value, "after": key_of(kind, portion[-1])}
        async with target.transaction():
            if kind is Kind.TASKS:
                tasks = await self._renumbered([rows.task_from_row(row) for row in portion], mark)
                await target.take_tasks(tasks)
            else:
                await target.take(kind, portion)
            await target.set_fact(self._mark, mark)
        return mark

    async def _renumbered(self, tasks: Sequence[Task], mark: dict[str, Any]) -> Sequence[Task]:
        numbers = await self._target.numbered(tasks, mark.get("last", 0))
        mark["last"] = numbers[-1]
        return [
            replace(task, seq=seq, rank=float(seq) if task.rank == float(task.seq) else task.rank)
            for task, seq in zip(tasks, numbers, strict=True)
        ]

    async def _drop(self, kind: Kind, portion: Sequence[Row]) -> None:
        async with self._source.transaction():
            if not await self._source.drop(kind, portion):
                raise ConfigError(
                    f"somebody works on {self._source.name}: {kind.value} were changed while they "
                    "were moved. End the daemons there, and run it again."
                )


def _mark_of(known: JsonObject) -> str:
    return f"workers.moved {known['id']}"
