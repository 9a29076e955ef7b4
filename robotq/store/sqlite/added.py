"""Rows that are only added: those of many calls go into the database together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain

import orjson

from robotq.model.event import Event
from robotq.model.task import Step, Task
from robotq.store.port import Answer, DuplicateKey, StaleRevision, Tally
from robotq.store.sqlite import rows, state_rows
from robotq.store.sqlite.statements import load

_SQL = load("added.sql")
_AT_ONCE = 32
"""Rows of one statement. Each number of rows is a statement of its own, which is kept."""
STATEMENTS = 7 * _AT_ONCE
"""Statements that a connection which inserts should keep."""
_TAKEN = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)


def taken_keys(
    connection: sqlite3.Connection, keys: Iterable[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Those that have their answer already."""
    document = orjson.dumps(list(keys))
    return set(connection.execute(_SQL["taken_keys"], (document,)).fetchall())


class Added:
    """New tasks, steps, rows of the journal, answers and sums, gathered until they are inserted.

    Every call into SQLite gives the interpreter's lock away, and afterwards has to win it back
    from the event loop, which can take 2 ms. So one statement inserts many rows. JSON in place of
    parameters would need still fewer calls; measured, it takes twice the time of the processor.
    """

    def __init__(self) -> None:
        self._tasks: list[rows.Row] = []
        self._steps: list[rows.Row] = []
        self._events: list[rows.Row] = []
        self._answers: list[rows.Row] = []
        # no Counter: making one takes as long as a row
        self._counts: dict[tuple[str, str, str], int] = {}
        self._tallies: dict[tuple[str, int, str], int] = {}

    def task(self, task: Task) -> None:
        self._tasks.append((*rows.task_to_row(task), task.repeat_of))
        if task.steps:
            self.steps(task.seq, task.steps)

    def steps(self, seq: int, steps: Sequence[Step], was: Sequence[Step] = ()) -> None:
        """Those of task number `seq` that are not as they were."""
        self._steps += rows.steps_to_rows(seq, steps, was)

    def event(self, event: Event, event_id: int) -> None:
        self._events.append(rows.event_to_row(event, event_id))

    def answer(self, answer: Answer) -> None:
        self._answers.append(state_rows.answer_to_row(answer))

    def count(self, api: str, queue: str, state: str, by: int) -> None:
        key = (api, queue, state)
        self._counts[key] = self._counts.get(key, 0) + by

    def tally(self, tally: Tally) -> None:
        key = (tally.api, tally.hour_ms, tally.name)
        self._tallies[key] = self._tallies.get(key, 0) + tally.value

    def insert_tasks(self, connection: sqlite3.Connection) -> None:
        """The new tasks alone, for a statement that may change one of them.

        Raises StaleRevision, and sqlite3.Error where the disk fails.
        """
        if self._tasks:
            _insert(connection, "task", self._tasks, StaleRevision)
            self._tasks = []

    def insert_steps(self, connection: sqlite3.Connection) -> None:
        """The steps alone, for a statement that may remove some of them."""
        if self._steps:
            _insert(connection, "step", self._steps, StaleRevision)
            self._steps = []

    def insert(self, connection: sqlite3.Connection) -> None:
        """All that is gathered.

        Raises StaleRevision, DuplicateKey, and sqlite3.Error where the disk fails.
        """
        self.insert_tasks(connection)
        self.insert_steps(connection)
        _insert(connection, "event", self._events, StaleRevision)
        if self._answers:
            _insert(connection, "answer", self._answers, DuplicateKey)
        counts = [(*key, by) for key, by in self._counts.items() if by]
        _insert(connection, "count", counts, StaleRevision)
        if self._tallies:
            tallies = [(*key, by) for key, by in self._tallies.items() if by]
            _insert(connection, "tally", tallies, StaleRevision)


def refusal(
    error: sqlite3.IntegrityError, refused: type[StaleRevision | DuplicateKey]
) -> Exception:
    """The store's word for a unique index that has refused a row; else the error itself."""
    return refused(str(error)) if error.sqlite_errorcode in _TAKEN else error


def _insert(
    connection: sqlite3.Connection,
    name: str,
    gathered: Sequence[rows.Row],
    refused: type[StaleRevision | DuplicateKey],
) -> None:
    for at in range(0, len(gathered), _AT_ONCE):
        part = gathered[at : at + _AT_ONCE]
        statement = _statement(name, len(part), len(part[0]))
        try:
            connection.execute(statement, tuple(chain.from_iterable(part)))
        except sqlite3.IntegrityError as error:
            raise refusal(error, refused) from error


@cache
def _statement(name: str, number: int, width: int) -> str:
    row = f"({', '.join('?' * width)})"
    return _SQL[name].replace("{rows}", ", ".join([row] * number))
