"""A database that many daemons share is brought to its schema while programs of two versions
work beside each other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from robotq.model.errors import ConfigError
from robotq.postgres import Database, DatabaseAway, Phase, migrate
from robotq.postgres.database import one
from robotq.postgres.migrations import STEPS, Step, read_steps

_ADDED = Step(9001, "colour", Phase.EXPAND, "ALTER TABLE robotq.tasks ADD COLUMN colour text")
_REMOVED = Step(9002, "no_colour", Phase.CONTRACT, "ALTER TABLE robotq.tasks DROP COLUMN colour")
_AFTER = Step(9003, "later", Phase.EXPAND, "CREATE TABLE robotq.later ()")


@asynccontextmanager
async def opened(dsn: str, name: str = "lab-1") -> AsyncIterator[Database]:
    database = Database(dsn, name=name, connections=2)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def columns(database: Database) -> int:
    async with database.connection() as connection:
        (count,) = await one(
            connection,
            "SELECT count(*) FROM information_schema.columns "
            "WHERE table_schema = 'robotq' AND column_name = 'colour'",
        )
    return int(count)


async def test_migrate__four_daemons_start_at_once_and_each_step_runs_once(
    new_postgres: str,
) -> None:
    async with opened(new_postgres) as first, opened(new_postgres, "lab-2") as second:
        ran = await asyncio.gather(*(migrate(one) for one in (first, second, first, second)))
        assert sorted(number for numbers in ran for number in numbers) == [
            step.number for step in STEPS
        ]
        assert await migrate(first) == []


async def test_migrate__works_beside_an_older_program_until_a_person_says_it_is_gone(
    new_postgres: str,
) -> None:
    newer: Sequence[Step] = [*STEPS, _ADDED, _REMOVED, _AFTER]
    async with opened(new_postgres) as database:
        await migrate(database)
        assert await migrate(database, steps=newer) == [_ADDED.number]
        assert await columns(database) == 1
        # the older program starts once more beside it
        assert await migrate(database) == []

        assert await migrate(database, steps=newer, contract=True) == [9002, 9003]
        assert await columns(database) == 0
        with pytest.raises(ConfigError, match=r"later robotq has removed .* \(step 9002;"):
            await migrate(database)


async def test_migrate__a_step_that_fails_leaves_nothing_behind(new_postgres: str) -> None:
    broken = Step(9001, "broken", Phase.EXPAND, "CREATE TABLE robotq.half (); SELECT 1 / 0")
    async with opened(new_postgres) as database:
        with pytest.raises(Exception, match="division by zero"):
            await migrate(database, steps=[*STEPS, broken])
        mended = broken._replace(sql="CREATE TABLE robotq.half ()")
        assert await migrate(database, steps=[*STEPS, mended]) == [9001]


def test_steps__two_with_one_number_are_refused() -> None:
    with pytest.raises(ValueError, match="two migrations have the number 1"):
        read_steps({"0001_expand_a.sql": "", "0001_contract_b.sql": ""})


async def test_database__nobody_listens_and_the_caller_is_told_in_time() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        database = Database(f"postgresql://me:secret@127.0.0.1:{port}/lab", deadline_s=0.3)
        await database.open()
        try:
            with pytest.raises(DatabaseAway) as told:
                await database.check()
        finally:
            await database.close()
        assert "secret" not in f"{told.value} {database.place}"
        assert database.place == f"127.0.0.1:{port}/lab"


def test_database__what_is_no_address_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError) as told:
        Database("postgresql://me:secret@[lab")
    assert "secret" not in str(told.value)


async def test_database__a_server_of_our_version_is_named(postgres: str) -> None:
    async with opened(postgres) as database:
        assert int((await database.check()).split(".")[0]) >= 14
        assert database.statistics().connections >= 1
