"""Both stores, and what is needed to close and open them again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from robotq.store.memory import MemoryStore
from robotq.store.port import Restored, Store
from robotq.store.sqlite import SqliteStore


class Shelf:
    """A place where a store keeps its data; one store after another can be opened on it."""

    def __init__(self, make: Callable[[], Store]) -> None:
        self._make = make
        self.store = make()

    async def reopen(self, finished: int = 100) -> Restored:
        """Close the store and open the data again, as after a restart."""
        await self.store.close()
        self.store = self._make()
        return await self.store.open(finished=finished)


def shelf_of(kind: str, folder: Path) -> Shelf:
    if kind == "sqlite":
        return Shelf(lambda: SqliteStore(folder))
    memory = MemoryStore()
    return Shelf(lambda: memory)


@pytest.fixture(params=["sqlite", "memory"])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelf]:
    """Each kind of store, new and open."""
    shelf = shelf_of(request.param, tmp_path)
    await shelf.store.open(finished=100)
    yield shelf
    await shelf.store.close()


@pytest.fixture
def store(shelf: Shelf) -> Store:
    return shelf.store


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A SQLite store in `tmp_path`, new and open."""
    store = SqliteStore(tmp_path)
    await store.open(finished=100)
    yield store
    await store.close()
