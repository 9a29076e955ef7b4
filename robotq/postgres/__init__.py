"""PostgreSQL, for what many daemons share: its connections, its schema, and its bell.

Needs the extra `postgres`; a daemon that shares nothing imports none of this. No SQL of what is
kept stands here: that is with who keeps it.
"""

from __future__ import annotations

from psycopg import Error as PostgresError

from robotq.postgres.database import Database, DatabaseAway, Statistics
from robotq.postgres.migrations import SCHEMA_VERSION, Phase, migrate
from robotq.system.statements import load

__all__ = [
    "SCHEMA_VERSION",
    "Database",
    "DatabaseAway",
    "Phase",
    "PostgresError",
    "Statistics",
    "load",
    "migrate",
]
