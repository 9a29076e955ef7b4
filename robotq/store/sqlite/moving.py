"""Moves the steps of tasks out of their rows into the table `steps`: schema 6.

A million tasks take minutes, so they go in portions, each a transaction, and a start that is
ended in between goes on where the last one was. First all steps are copied. Until that is done
the database is one of schema 5, with everything in it: an earlier robotq goes on with it. Then
the copies count, and are taken out of the rows of their tasks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import orjson

from robotq.store.kept import rows
from robotq.system.statements import load

SCHEMA = 6

_SQL = load(__package__, "moving.sql")

_ROWS = 5_000
_BYTES = 16 * 2**20
"""Of one portion, at most: how much a kill can undo, and how long an end has to wait."""

Told: TypeAlias = Callable[[int, int], None]
"""Gets how many tasks are done, and of how many. What it raises ends the move for now."""
Work: TypeAlias = Callable[[sqlite3.Connection, int, dict[str, Any]], None]


def copy(connection: sqlite3.Connection, migration: str, told: Told) -> None:
    """Bring a database of schema 5 to 6 by `migration`. Its steps stand in both places then."""
    if not is_moving(connection):
        if _one(connection, "last") == 0:
            # nothing to move
            _run(connection, f"{migration}; PRAGMA user_version = {SCHEMA}")
            return
        _run(connection, f"{migration}; {_SQL['begin']}")
    _each(connection, _copy, lambda done, of: told(done, 2 * of))
    _run(connection, f"{_SQL['turn']}; PRAGMA user_version = {SCHEMA}")


def clear(connection: sqlite3.Connection, told: Told) -> None:
    """Take what was copied out of the rows of tasks, where that is not done."""
    if is_moving(connection):
        _each(connection, _clear, lambda done, of: told(of + done, 2 * of))
        _run(connection, _SQL["end"])


def is_moving(connection: sqlite3.Connection) -> bool:
    """Whether a move has begun and is not done."""
    return bool(_one(connection, "is_moving"))


def _each(connection: sqlite3.Connection, work: Work, told: Told) -> None:
    last: int = _one(connection, "last")
    while portion := list(_portion(connection, _one(connection, "next"))):
        connection.execute("BEGIN IMMEDIATE")
        for seq, rest in portion:
            if rest is not None:
                work(connection, seq, orjson.loads(rest))
        done = portion[-1][0]
        connection.execute(_SQL["set_next"], (done + 1,))
        connection.execute("COMMIT")
        told(done, last)


def _portion(connection: sqlite3.Connection, seq: int) -> Iterator[tuple[int, str | None]]:
    size = 0
    for row in connection.execute(_SQL["portion"], (seq, _ROWS)):
        yield row
        size += len(row[1] or "")
        if size > _BYTES:
            return


def _copy(connection: sqlite3.Connection, seq: int, rest: dict[str, Any]) -> None:
    connection.executemany(_SQL["copy"], rows.steps_to_rows(seq, rows.steps_in(rest)))


def _clear(connection: sqlite3.Connection, seq: int, rest: dict[str, Any]) -> None:
    # the name may stand in the parameters only
    if rest.pop("steps", None) is not None:
        connection.execute(_SQL["clear"], (rows.json_text(rest), seq))


def _one(connection: sqlite3.Connection, name: str) -> Any:
    row: Sequence[Any] = connection.execute(_SQL[name]).fetchone()
    return row[0]


def _run(connection: sqlite3.Connection, script: str) -> None:
    connection.executescript(f"BEGIN IMMEDIATE; {script}; COMMIT")
