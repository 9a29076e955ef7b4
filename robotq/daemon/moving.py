"""Moves the tasks for workers of a daemon that is not running, for `robotq migrate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from robotq.config import Config
from robotq.daemon.assembly import without_extra

if TYPE_CHECKING:
    from robotq.store.between import Kind, Moved


class Outcome(NamedTuple):
    rows: Moved
    kinds: Sequence[Kind]
    database: str
    """Where it is, without any password."""
    went_on: bool
    """Whether a run before was not finished."""


async def move_workers(
    config: Config, *, to_postgres: bool, told: Callable[[int, int], None]
) -> Outcome:
    """Between the data folder and the database of `store.workers`. Raises ConfigError where it
    must not begin, StoreUnavailable where it is to be run again."""
    assert config.store.workers is not None
    try:
        from robotq.postgres import Database  # noqa: PLC0415 - needs psycopg
        from robotq.store.between import (  # noqa: PLC0415
            Kind,
            Mover,
            PostgresPlace,
            SqlitePlace,
            opened,
        )
    except ModuleNotFoundError as error:
        raise without_extra("robotq migrate", error) from error
    folder = SqlitePlace(config.data, make=not to_postgres)
    # nobody waits for an answer here, so a slow database may take its time
    shared = Database(config.store.workers, name="robotq migrate", connections=1, deadline_s=60)
    database = PostgresPlace(shared)
    source, target = (folder, database) if to_postgres else (database, folder)
    async with opened(source, target):
        mover = Mover(source, target)
        moved = await mover.move(told)
    return Outcome(moved, tuple(Kind), database.name, mover.went_on)
