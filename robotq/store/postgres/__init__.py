"""The store in a PostgreSQL database, which any number of daemons share."""

from __future__ import annotations

from robotq.store.postgres.store import PostgresStore

__all__ = ("PostgresStore",)
