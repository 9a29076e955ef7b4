"""Moves tasks for workers and the checklist between a data folder and a PostgreSQL."""

from __future__ import annotations

from robotq.store.between.mover import Moved, Mover
from robotq.store.between.place import Kind, opened
from robotq.store.between.postgres_place import PostgresPlace
from robotq.store.between.sqlite_place import SqlitePlace

__all__ = ("Kind", "Moved", "Mover", "PostgresPlace", "SqlitePlace", "opened")
