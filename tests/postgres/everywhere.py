"""A plugin of pytest: every engine of the run has its tasks for workers, and what people put on the
checklist, in the PostgreSQL that `ROBOTQ_TEST_WORKERS` names. So the stories that are told of one
daemon's own store are told of that one too.

    ROBOTQ_TEST_WORKERS=postgresql://... pytest -n 0 -p tests.postgres.everywhere tests/workers
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from robotq.engine import start
from robotq.engine.engine import Engine
from robotq.postgres import Database
from robotq.store.memory import MemoryStore
from robotq.store.port import Store
from robotq.store.postgres import PostgresStore
from robotq.store.shared.store import SharedWorkers
from robotq.store.sqlite.store import SqliteStore
from tests.postgres import server

_SERVER = os.environ["ROBOTQ_TEST_WORKERS"]

_start_engine = start.start_engine


class _Place:
    """A database, and who has it."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.own: object = None
        """What the daemon has besides, which stays when it starts again."""
        self.test = ""
        self.users = 0


_places: list[_Place] = []


def _place_of(own: object) -> _Place:
    """The database that belongs to a store of a daemon; an empty one for a new store."""
    test = os.environ["PYTEST_CURRENT_TEST"].partition(" ")[0]
    for place in _places:
        if place.own == own and (place.users or place.test == test):
            return place
    free = next((one for one in _places if not one.users and one.test != test), None)
    if free is None:
        with server.database(_SERVER, keep=True) as dsn:
            free = _Place(dsn)
        _places.append(free)
    server.emptied(free.dsn)
    free.own, free.test = own, test
    return free


class _Counted(SharedWorkers):
    def __init__(self, own: Store, place: _Place, folder: Path) -> None:
        super().__init__(
            own, lambda: PostgresStore(Database(place.dsn, connections=2, deadline_s=5), folder)
        )
        self._place: _Place | None = place
        place.users += 1

    async def close(self) -> None:
        await super().close()
        place, self._place = self._place, None
        if place is not None:
            place.users -= 1


async def _start_shared(config: Any, catalog: Any, store: Store, *args: Any, **how: Any) -> Engine:
    if isinstance(store, MemoryStore | SqliteStore):
        own = store.folder if isinstance(store, SqliteStore) else store
        store = _Counted(store, _place_of(own), Path(config.data))
    return await _start_engine(config, catalog, store, *args, **how)


# before any test imports it by its name
start.start_engine = _start_shared


_NOT_TOLD = {
    # they ask the journal at once, and a daemon has what is shared a moment later
    "test_lease_over__the_task_is_offered_again_at_its_old_place": "journal",
    "test_double_result__the_same_is_answered_the_same_and_another_refused": "journal",
    "test_late_result__is_refused_and_kept_in_the_journal": "journal",
    # they look into the daemon's own store behind its back
    "test_numbers__by_state_by_hour_and_over_all_time_add_up": "own store",
    "test_retention__a_change_under_way_of_what_is_being_removed_says_that_it_is_gone": "own store",
    "runTest": "own store",
    # it gives up a worker within a twentieth of a second, and the database is further away
    "test_worker_that_is_too_busy_to_answer__keeps_its_task": "time",
    # it reads its good-bye when the daemon is gone, which takes longer here
    "test_daemon_that_ends__says_good_bye_and_the_result_can_be_handed_in_later": "good-bye",
}
"""Few, and each with its reason; tests/workers/test_shared.py tells of the same on two daemons."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.name in _NOT_TOLD]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        item.add_marker(pytest.mark.wall("a database in another process"))
