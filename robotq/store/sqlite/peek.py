"""A look into a database that somebody else may be writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from robotq.model.hold import Hold
from robotq.model.task import Task
from robotq.store.sqlite import reads


def peek(database: Path) -> tuple[Sequence[Task], Sequence[Hold]]:
    """What waits and runs, and the holds. Raises sqlite3.Error, also for a schema that is older
    or newer than this program's."""
    uri = f"{database.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:
        return reads.unfinished(connection), reads.holds(connection)
