"""How long the database keeps what a daemon has told it: as long as its own `retention` says."""

from __future__ import annotations

from robotq.config.schema import RetentionConfig
from robotq.postgres import Database, load

_SQL = load(__package__, "retention.sql")

_DAY_MS = 86_400_000
_PORTION = 10_000
"""Rows in one transaction, so that nobody waits long for it."""


async def forget(database: Database, name: str, config: RetentionConfig, now_ms: int) -> None:
    """Remove what this daemon told too long ago, and what those told that have left. Raises
    DatabaseAway."""
    words = {
        "name": name,
        "events_before_ms": int(now_ms - config.events_days * _DAY_MS),
        "tasks_before_ms": int(now_ms - config.tasks_days * _DAY_MS),
        "limit": _PORTION,
    }
    for statement in ("events", "tasks"):
        removed = _PORTION
        while removed >= _PORTION:
            async with database.transaction() as connection:
                removed = (await connection.execute(_SQL[statement], words)).rowcount
    async with database.transaction() as connection:
        await connection.execute(_SQL["handed_on"], words)
