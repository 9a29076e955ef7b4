"""All stores, and what is needed to close and open them again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from robotq.postgres import Database
from robotq.store.memory import MemoryStore
from robotq.store.port import Restored, Store
from robotq.store.postgres import PostgresStore
from robotq.store.sqlite.store import SqliteStore


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


def shelf_of(kind: str, folder: Path, dsn: Callable[[], str]) -> Shelf:
    """`dsn` gives an empty database; only a store that wants one asks for it."""
    if kind == "sqlite":
        return Shelf(lambda: SqliteStore(folder))
    if kind == "postgres":
        at = dsn()
        return Shelf(lambda: PostgresStore(Database(at, name="lab-1", connections=2), folder))
    memory = MemoryStore()
    return Shelf(lambda: memory)


_EVERY_DAY = {"test_apply", "test_jobs"}
"""What is tried on PostgreSQL each time; the rest of it is among the long tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        name = item.path.stem
        if params.get("shelf") == "postgres" and name not in _EVERY_DAY:
            item.add_marker(pytest.mark.long)


@pytest.fixture(params=["sqlite", "memory", "postgres"])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelf]:
    """Each kind of store, new and open."""
    shelf = shelf_of(request.param, tmp_path, lambda: request.getfixturevalue("postgres"))
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
