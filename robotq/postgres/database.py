"""The connections of one daemon to PostgreSQL: a pool, time limits, and one kind of error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from robotq.model.errors import ConfigError
from robotq.system.statements import load

_log = logging.getLogger(__name__)

Connection: TypeAlias = AsyncConnection[tuple[Any, ...]]

_SQL = load(__package__, "database.sql")

_OLDEST = 140_000
"""PostgreSQL 14, as `server_version` says it."""

_LIMITS_WHOLE = 170_000
"""PostgreSQL 17, from which on a whole transaction can have a time limit."""

_WAITING = 1_000
"""Callers that may wait for a connection; the next one is refused at once."""


class DatabaseAway(Exception):
    """PostgreSQL cannot be reached, does not answer in time, or takes no writes now. It may
    work again later. Whether what was on its way was written is not known, unless the raiser
    says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Numbers for /health and /metrics."""

    connections: int
    """Open now."""
    idle: int
    """Of these, with nothing to do."""
    waiting: int
    """Callers that wait for one."""


class Database:
    """A pool of connections that remember nothing from one transaction to the next, so that a
    pooler in transaction mode (PgBouncer) may stand between: no prepared statements, no
    settings of a session, no locks of a session, no LISTEN.

    Every method raises DatabaseAway where the database is away; nothing waits longer than
    `deadline_s`, so whoever asks for work is told in time.
    """

    def __init__(
        self,
        dsn: str,
        *,
        direct: str | None = None,
        name: str = "robotq",
        connections: int = 4,
        deadline_s: float = 10.0,
    ) -> None:
        """`dsn`: as libpq reads it, a URL or `key=value`. `direct`: where to listen for wake-ups,
        when `dsn` leads through a pooler. `name`: what `pg_stat_activity` shows.

        Raises ConfigError for a text that is no DSN.
        """
        self.dsn = _complete(dsn, name, deadline_s)
        self.direct = None if direct is None else _complete(direct, f"{name} bell", deadline_s)
        self.name = name
        self.deadline_s = deadline_s
        self.pooled = False
        """Whether it was found that a pooler is where it would be listened."""
        self.pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            self.dsn,
            kwargs={"autocommit": True, "prepare_threshold": None},
            min_size=1,
            max_size=connections,
            max_waiting=_WAITING,
            timeout=deadline_s,
            reconnect_timeout=deadline_s,
            check=_still_there,
            name=name,
            open=False,
        )

    @property
    def place(self) -> str:
        """Where it is, without any password: for logs and people."""
        known = conninfo_to_dict(self.dsn)
        host = known.get("host") or known.get("hostaddr") or "local socket"
        port = f":{known['port']}" if known.get("port") else ""
        return f"{host}{port}/{known.get('dbname') or known.get('user') or ''}"

    async def open(self) -> None:
        """Make the pool, whether or not the database is there: it is tried again for ever."""
        await self.pool.open()

    async def check(self) -> str:
        """The version of the server. Raises ConfigError where it is too old."""
        async with self.transaction() as connection:
            number, version = await one(connection, _SQL["version"])
        if number < _OLDEST:
            raise ConfigError(f"robotq needs PostgreSQL 14 or newer; {self.place} has {version}")
        return str(version)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction, which is committed where the block ends without an
        error. Its time limits count on the server too: what a stopped daemon has begun does not
        keep the others waiting for ever."""
        async with self.connection() as connection, connection.transaction():
            await self.limit(connection)
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection; each statement is a transaction of its own."""
        limit = asyncio.timeout(self.deadline_s)
        with away():
            try:
                async with limit, self.pool.connection() as connection:
                    yield connection
            except TimeoutError as error:
                if not limit.expired():
                    raise
                raise DatabaseAway(f"no answer within {self.deadline_s:g} s") from error

    async def limit(self, connection: Connection) -> None:
        """Set the time limits of the transaction that this connection is in."""
        milliseconds = f"{self.deadline_s * 1000:.0f}"
        whole = connection.info.server_version >= _LIMITS_WHOLE
        await connection.execute(_SQL["limit_whole" if whole else "limit"], {"limit": milliseconds})

    def statistics(self) -> Statistics:
        known = self.pool.get_stats()
        return Statistics(
            connections=known.get("pool_size", 0),
            idle=known.get("pool_available", 0),
            waiting=known.get("requests_waiting", 0),
        )

    async def close(self) -> None:
        """Close all connections. Safe to call twice."""
        await self.pool.close()


@contextmanager
def away() -> Iterator[None]:
    """What says that the database is away becomes DatabaseAway; what is wrong with a row or a
    statement stays as it is."""
    try:
        yield
    except (PoolTimeout, TooManyRequests) as error:
        raise DatabaseAway(f"no connection to be had: {error}") from error
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.errors.ReadOnlySqlTransaction,
    ) as error:
        raise DatabaseAway(str(error).strip() or type(error).__name__) from error


async def one(connection: Connection, statement: str, parameters: Any = None) -> tuple[Any, ...]:
    """The only row that a statement gives."""
    row = await (await connection.execute(statement, parameters)).fetchone()
    assert row is not None
    return row


async def _still_there(connection: Connection) -> None:
    # a connection that broke while it was idle is found here, and not by who wants to write
    await AsyncConnectionPool.check_connection(connection)


def _complete(dsn: str, name: str, deadline_s: float) -> str:
    """With what finds a peer that is gone, where the DSN says nothing else about it."""
    wanted = {
        "application_name": name,
        "connect_timeout": str(max(2, round(deadline_s))),
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": f"{deadline_s * 1000:.0f}",
    }
    try:
        return make_conninfo(dsn, **{**wanted, **conninfo_to_dict(dsn)})
    except psycopg.ProgrammingError as error:
        # without the text: it may have a password
        raise ConfigError("this is no address of PostgreSQL (postgresql://...)") from error
