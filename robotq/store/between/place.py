"""Where tasks for workers can be: what moving them needs of a store, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, TypeAlias

import orjson

from robotq.model.json import JsonObject
from robotq.model.task import Task
from robotq.store.kept import rows, state_rows
from robotq.store.shared.what import CHECKLIST, SHARED
from robotq.system.statements import load

Row: TypeAlias = tuple[Any, ...]
Key: TypeAlias = list[Any]


class Kind(StrEnum):
    """What is moved, in this order: keys first, so that a submit that is repeated meanwhile finds
    its answer."""

    EVENTS = "events"
    ANSWERS = "answers"
    BATCHES = "batches"
    ITEMS = "items"
    DELIVERIES = "deliveries"
    TASKS = "tasks"
    TALLIES = "tallies"
    COUNTS = "counts"


_KEY: Mapping[Kind, Callable[[Row], Row]] = {
    Kind.EVENTS: lambda row: row[-1:],
    Kind.ANSWERS: lambda row: row[:2],
    Kind.BATCHES: lambda row: row[:1],
    Kind.ITEMS: lambda row: row[-1:],
    Kind.DELIVERIES: lambda row: row[:2],
    Kind.TASKS: lambda row: row[10:11],
    Kind.TALLIES: lambda row: row[:3],
    Kind.COUNTS: lambda row: row[:3],
}


def key_of(kind: Kind, row: Row) -> Key:
    """What rows of a kind are in order of."""
    return list(_KEY[kind](row))


def statements(
    schema: str, parameter: str, task: str, of_tasks: tuple[str, str] = ("", "")
) -> Mapping[str, str]:
    """`of_tasks`: how an answer is kept with its tasks, column and value, if it is."""
    apis = ", ".join(f"'{api}'" for api in sorted(SHARED))
    scopes = " OR ".join(
        # a scope is `<interface>:<client>`, and `;` comes after `:`
        f"(scope >= '{api}:' AND scope < '{api};')"
        for api in sorted((*SHARED, CHECKLIST))
    )
    return load(
        __package__,
        "between.sql",
        s=schema,
        p=parameter,
        apis=apis,
        scopes=f"({scopes})",
        task=task,
        answer=f"scope, key, fingerprint, body, at_ms{of_tasks[0]}",
        of_tasks=of_tasks[1],
        item=state_rows.ITEM_COLUMNS,
        delivery=state_rows.DELIVERY_COLUMNS,
    )


class Place(ABC):
    """One of the two. Everything raises StoreUnavailable where it cannot be reached; what is in
    `transaction` is written as a whole or not at all."""

    sql: Mapping[str, str]
    shared = False
    """Whether any number of daemons may have it open."""
    event = 0
    """After which event its journal is still to be moved."""

    @property
    @abstractmethod
    def name(self) -> str:
        """For people, without any password."""

    @abstractmethod
    async def open(self) -> None:
        """Raises ConfigError where somebody works on it."""

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    def transaction(self, *, changes: bool = True) -> Any:
        """A context manager. `changes`: whether tasks are written or removed in it."""

    @abstractmethod
    async def rows(self, statement: str, parameters: Row = ()) -> list[Row]: ...

    @abstractmethod
    async def each(self, statement: str, parameters: Sequence[Row]) -> int:
        """Run a statement with each of these. Returns how many rows it changed."""

    @abstractmethod
    async def take_tasks(self, tasks: Sequence[Task]) -> None:
        """As they are, at whatever revision."""

    @abstractmethod
    async def numbered(self, tasks: Sequence[Task], last: int) -> Sequence[int]:
        """Numbers of arrival for tasks that are new here, in their order and above `last`."""

    @abstractmethod
    async def workers_at_work(self) -> Sequence[str]:
        """Daemons that serve what is here, in words."""

    async def events_read(self) -> int:
        """Up to which event the journal of the other place is in this one."""
        return 0

    # -- what is the same for both ---------------------------------------------------------

    async def portion(self, kind: Kind, limit: int) -> list[Row]:
        """Those with the lowest keys."""
        if kind is Kind.EVENTS:
            # a daemon keeps its journal
            return []
        return await self.rows(self.sql[kind.value], (limit,))

    async def count(self, kind: Kind) -> int:
        if kind is Kind.EVENTS:
            return 0
        ((number,),) = await self.rows(self.sql[f"count_{kind.value}"])
        return int(number)

    async def take(self, kind: Kind, taken: Sequence[Row]) -> None:
        """Write rows of another place, which are not here."""
        await self.each(self.sql[f"take_{kind.value}"], taken)

    async def drop(self, kind: Kind, taken: Sequence[Row]) -> bool:
        """Remove rows that are elsewhere now. False where somebody has changed one."""
        if kind is Kind.TASKS:
            keys = [(row[10], row[7]) for row in taken]
            await self.count_tasks([rows.task_from_row(row) for row in taken], -1)
        else:
            keys = [tuple(key_of(kind, row)) for row in taken]
        return await self.each(self.sql[f"drop_{kind.value}"], keys) == len(taken)

    async def count_tasks(self, tasks: Sequence[Task], by: int) -> None:
        found = Counter((task.api, task.queue, task.state.value) for task in tasks)
        changed = [(*key, by * number) for key, number in sorted(found.items())]
        await self.each(self.sql["take_counts"], changed)

    async def fact(self, name: str) -> JsonObject | None:
        found = await self.rows(self.sql["fact"], (name,))
        known: JsonObject | None = orjson.loads(found[0][0]) if found else None
        return known

    async def set_fact(self, name: str, value: JsonObject | None) -> None:
        if value is None:
            await self.each(self.sql["forget_fact"], [(name,)])
        else:
            await self.each(self.sql["set_fact"], [(name, rows.json_text(value))])


@asynccontextmanager
async def opened(*places: Place) -> AsyncIterator[None]:
    """All of them, until the end of the block."""
    try:
        for place in places:
            await place.open()
        yield
    finally:
        for place in places:
            await place.close()
