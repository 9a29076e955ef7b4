"""The bell: a connection of its own over which the database wakes a daemon."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from psycopg import AsyncConnection, sql
from psycopg.errors import Error

from robotq.postgres.database import Database, one
from robotq.system.statements import load

_log = logging.getLogger(__name__)

_SQL = load(__package__, "database.sql")


async def heard(database: Database, channel: str) -> AsyncIterator[None]:
    """Once at the beginning, and then each time that somebody rings. Ends when the connection
    breaks, or at once where a pooler stands between: what is told over one reaches whoever has the
    connection then.

    Whoever waits looks from time to time besides, so nothing depends on this.
    """
    if database.pooled:
        return
    direct = database.direct or database.dsn
    try:
        async with await AsyncConnection.connect(direct, autocommit=True) as connection:
            (process,) = await one(connection, _SQL["process"])
            if process != connection.info.backend_pid:
                # a pooler gives each of its clients a number of its own
                database.pooled = True
                _log.info("a pooler is before %s: it is asked, not listened to", database.place)
                return
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            yield
            async for _ in connection.notifies():
                yield
    except Error as error:
        _log.debug("nothing to be heard from %s: %s", database.place, str(error).strip())
