"""Every question that a store is asked, as SQL. Whoever has the connection runs it."""

from __future__ import annotations

import sqlite3
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from robotq.model.errors import ConfigError
from robotq.store.pruning import Pruning
from robotq.store.sqlite import lists, reads
from robotq.store.sqlite.changes import WRITE

_OLDEST = (3, 37, 0)
"""The first SQLite with STRICT tables."""

P = ParamSpec("P")
T = TypeVar("T")


def asked(
    question: Callable[Concatenate[sqlite3.Connection, P], T],
) -> Callable[Concatenate[Asking, P], Coroutine[Any, Any, T]]:
    """The method of a store that asks this."""

    async def ask(store: Asking, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await store.read(lambda found: question(found, *args, **kwargs))

    return ask


class Asking(Pruning):
    """The part of `Store` that is the same wherever the database is."""

    @abstractmethod
    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` finds. Raises StoreUnavailable."""

    @abstractmethod
    async def _change(self, statement: str, parameters: tuple[int, ...] = ()) -> int:
        """Run one statement in a transaction of its own; how many rows it changed.

        Raises StoreUnavailable.
        """

    get = asked(reads.task)
    list = asked(reads.tasks)
    events_since = asked(reads.events)
    programs_named = asked(reads.programs_named)
    answer = asked(reads.answer)
    deliveries = asked(reads.deliveries)
    tallies = asked(reads.tallies)
    unnamed_files = asked(reads.unnamed_files)
    jobs = asked(lists.jobs)
    items = asked(lists.items)
    item_batches = asked(lists.batches)

    async def probe(self) -> None:
        await self._change(WRITE["probe"])

    async def _remove(self, statement: str, before_ms: int, rows: int) -> int:
        return await self._change(WRITE[statement], (before_ms, rows))


def check_library() -> None:
    """Raises ConfigError where this Python's SQLite is too old."""
    if sqlite3.sqlite_version_info < _OLDEST:
        raise ConfigError(
            "robotq needs SQLite 3.37 or newer, and this Python comes with "
            f"{sqlite3.sqlite_version}. Use a newer Python."
        )
