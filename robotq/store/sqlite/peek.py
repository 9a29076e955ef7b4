"""A look into a database that somebody else may be writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from robotq.model.event import Event
from robotq.model.hold import Hold
from robotq.model.task import Task
from robotq.store.port import Restored
from robotq.store.sqlite import reads

_HAS = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?"
_LATER = {
    "steps": "task, number, step",
    "programs": "task, sha256",
    "artifacts": "task, sha256, size",
}
"""Tables that the database of an earlier robotq does not have."""


def peek(database: Path) -> tuple[Sequence[Task], Sequence[Hold]]:
    """What waits and runs, and the holds. Raises sqlite3.Error, also for a schema that is much
    older or newer than this program's."""
    with closing(_connect(database)) as connection:
        return reads.unfinished(connection), reads.holds(connection)


def peek_at_all(database: Path, *, finished: int, events: int) -> tuple[Restored, Sequence[Event]]:
    """What a start would find, with the last `finished` ended tasks, and the last `events` of
    the journal, as of one instant. Raises as `peek` does."""
    with closing(_connect(database)) as connection:
        connection.execute("BEGIN")
        restored = reads.restore(connection, finished)
        after = max(restored.last_event_id - events, 0)
        return restored, reads.events(connection, after, events, None, None)


def peek_at_steps(database: Path, *, tasks: int) -> Sequence[str]:
    """What is wrong with the steps of the latest `tasks`, in words. Raises as `peek` does."""
    with closing(_connect(database)) as connection:
        stray = reads.stray_steps(connection, tasks)
    return [f"task number {seq} has {there} steps of {of}, or is gone" for seq, there, of in stray]


def peek_at_programs(database: Path) -> frozenset[str]:
    """The SHA-256 of every file of a program that tasks name. Raises as `peek` does."""
    with closing(_connect(database)) as connection:
        return reads.programs(connection)


def peek_at_files(database: Path) -> Mapping[str, int]:
    """The artifacts that tasks name, by SHA-256, with their sizes. Raises as `peek` does."""
    with closing(_connect(database)) as connection:
        return dict(connection.execute("SELECT DISTINCT sha256, size FROM artifacts"))


def _connect(database: Path) -> sqlite3.Connection:
    uri = f"{database.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=5)
    try:
        # before an upgrade: an earlier robotq has these in the rows of their tasks
        for table, columns in _LATER.items():
            if not connection.execute(_HAS, (table,)).fetchone()[0]:
                connection.execute(f"CREATE TEMP TABLE {table} ({columns})")
    except BaseException:
        connection.close()
        raise
    return connection
