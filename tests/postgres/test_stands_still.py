"""A daemon that stands still in the middle of a transaction keeps nobody waiting for ever."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import psycopg
import pytest

from robotq.postgres import Database
from robotq.postgres.database import one

pytestmark = [
    pytest.mark.wall("the server's clock"),
    pytest.mark.real_time("a limit of the server runs out"),
]


@pytest.mark.parametrize("pipeline", [False, True])
async def test_rows_of_who_stands_still__are_free_again_in_time(
    new_postgres: str, *, pipeline: bool
) -> None:
    stopped = Database(new_postgres, connections=1, deadline_s=0.5)
    other = Database(new_postgres, connections=1, deadline_s=5)
    await stopped.open()
    await other.open()
    try:
        async with other.connection() as connection:
            await connection.execute("CREATE TABLE kept (name text PRIMARY KEY)")
            if pipeline and connection.info.server_version < 170_000:
                # nothing ends it there before another statement comes
                return
        # not by `transaction`, whose own limit counts only in a process that runs
        async with stopped.pool.connection() as connection:
            with suppress(psycopg.Error):
                async with connection.transaction():
                    await stopped.limit(connection)
                    if pipeline:
                        async with connection.cursor() as cursor:
                            await cursor.executemany("INSERT INTO kept VALUES (%s)", [("arm",)])
                    else:
                        await connection.execute("INSERT INTO kept VALUES ('arm')")
                    async with other.transaction() as waits:
                        await waits.execute("INSERT INTO kept VALUES ('arm')")
                    await asyncio.sleep(0)
        async with other.connection() as connection:
            assert await one(connection, "SELECT count(*) FROM kept") == (1,)
    finally:
        await stopped.close()
        await other.close()
