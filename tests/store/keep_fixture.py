"""Writes the database that is kept for the present schema: run once with each migration.

    python -m tests.store.keep_fixture

It writes tests/store/fixtures/<schema>.sql; see test_migrations.py.
"""

from __future__ import annotations

import sqlite3

from robotq.store.sqlite.changes import Changes
from robotq.store.sqlite.migrations import SCHEMA_VERSION, migrate

from .test_migrations import CONTENTS, FIXTURES


def main() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    changes = Changes(connection)
    for part in range(1, SCHEMA_VERSION + 1):
        changes.add(CONTENTS[part]())
    changes.flush()
    lines = [*connection.iterdump(), f"PRAGMA user_version = {SCHEMA_VERSION};"]
    (FIXTURES / f"{SCHEMA_VERSION:04}.sql").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
