"""New tasks with their rows of the journal: those of many calls, written by one statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import orjson

from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.event import Event
from robotq.store.port import AppendEvent, Mutation, SaveTask
from robotq.store.sqlite import reads, rows
from robotq.store.sqlite.statements import load

_ARRIVALS = load("arrivals.sql")


class Arrivals:
    """The short way onto the disk for calls that bring nothing but new tasks.

    Every call into SQLite gives the interpreter's lock away, and afterwards has to win it back
    from the event loop. Measured with 64 callers that submit, that costs more than the rows do:
    one statement for a whole group, which is a transaction by itself, takes a sixth off the
    time of a submit.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Raises sqlite3.Error."""
        self._connection = connection
        self._last_event_id: int | None = None
        # temporary ones: they are in memory, and no part of the schema
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(_ARRIVALS["view"])
        connection.execute(_ARRIVALS["trigger"])

    def forget(self) -> None:
        """Somebody else has written with this connection."""
        self._last_event_id = None

    def write(self, calls: Sequence[Sequence[Mutation]]) -> Sequence[Sequence[Event]] | None:
        """Commit all calls, and return the events of each; None, and nothing written, where
        this is not the way for one of them.

        Raises sqlite3.Error where the disk fails.
        """
        if not all(_arrive(mutations) for mutations in calls):
            return None
        last = self._last_event_id
        if last is None:
            last = reads.last_number(self._connection, "events")
        arrivals: list[rows.Row] = []
        outcomes = []
        for mutations in calls:
            events = []
            for saving, appending in zip(mutations[::2], mutations[1::2], strict=True):
                assert isinstance(saving, SaveTask)
                assert isinstance(appending, AppendEvent)
                last += 1
                task = rows.task_columns(saving.task)
                arrivals.append(task + rows.event_columns(appending.event, last))
                events.append(rows.numbered(appending.event, last))
            outcomes.append(events)
        # an object in it comes out of SQLite's JSON as the text that it is here
        document = orjson.dumps(arrivals, default=rows.plain)
        # SQLite ends a text from JSON at its first NUL
        if b"\\u0000" in document:
            return None
        crash_point(CrashPoint.COMMIT)
        self._connection.execute(_ARRIVALS["insert"], (document,))
        self._last_event_id = last
        return outcomes


def _arrive(mutations: Sequence[Mutation]) -> bool:
    """Whether these are new tasks, each followed by its event, and nothing else. A further run
    of a repeating command has more to be written."""
    return len(mutations) % 2 == 0 and all(
        isinstance(saving, SaveTask)
        and saving.before is None
        and saving.task.revision == 1
        and saving.task.repeat_of is None
        and isinstance(appending, AppendEvent)
        for saving, appending in zip(mutations[::2], mutations[1::2], strict=True)
    )
