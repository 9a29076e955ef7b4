"""The store of a daemon that shares the tasks for workers with others."""

from __future__ import annotations

import platform

from robotq.config import Config
from robotq.model.errors import ConfigError
from robotq.postgres import Database
from robotq.store.port import Store
from robotq.store.postgres import PostgresStore
from robotq.store.shared.store import SharedWorkers


def shared_store(own: Store, dsn: str, config: Config) -> Store:
    """`own` for all but what is in the database at `dsn`. Raises ConfigError for no DSN."""
    name = f"robotq {platform.node()}:{config.port}"
    try:
        # one that is wrong is told at once, and not when the database is there
        Database(dsn, direct=config.store.listen_dsn)
    except ConfigError as error:
        raise ConfigError(f"store.workers, store.listen_dsn: {error}") from error
    direct = config.store.listen_dsn
    return SharedWorkers(
        own, lambda: PostgresStore(Database(dsn, direct=direct, name=name), config.data)
    )
