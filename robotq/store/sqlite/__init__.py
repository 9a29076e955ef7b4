"""The store in one SQLite file: durable, one writer, many readers."""

from __future__ import annotations

from robotq.store.sqlite.store import SqliteStore

__all__ = ("SqliteStore",)
