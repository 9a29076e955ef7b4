"""A database as a robotq of schema 5 left it, with any number of tasks, made by SQL alone; and
what must be in it when their steps are moved."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from robotq.store.sqlite.migrations import STEPS

SCHEMA = 5

_DETAIL = "json_object('bottle_id', 'bottle_' || (seq * 10 + k))"
_OLD_STEP = f"""json_object('name', 'SCANNING', 'state', 'completed', 'started_at_ms',
    1702641600000 + seq * 1000 + k, 'duration_s', 1.25 + k, 'detail', {_DETAIL})"""
_PARAMS = """json_object('area', 'shelf_' || (seq % 7), 'note', '瓶子 "steps": ' || seq,
    'angle', 0.1 + seq % 10)"""
_START = f"""json_object('actor', 'anonymous', 'rank', seq + 0.5, 'params', {_PARAMS},
    'fence', 1, 'attempt', 1"""
_REST = f"{_START}, 'result', json_object('scanned', seq % 4))"

_TASKS = f"""
WITH RECURSIVE
    numbers (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM numbers WHERE seq < :tasks),
    places (k) AS (VALUES (0), (1), (2))
INSERT INTO tasks (
    api, queue, cmd_type, cmd_id, batch_id, submitted_at_ms, state, revision, ended_at_ms,
    error_code, unresolved, rest, seq, id, repeat_of
)
SELECT 'robot', 'robot_a', 'SCAN_QRCODE', NULL, NULL, 1702641600000 + seq * 1000, 'completed', 9,
    1702641600900 + seq * 1000, NULL, 0,
    CASE seq % 4 WHEN 0 THEN {_REST} ELSE {_START}, 'steps', (
        SELECT json_group_array({_OLD_STEP}) FROM places WHERE k < seq % 4
    ), 'result', json_object('scanned', seq % 4)) END,
    seq, printf('task_20231215_%07d_aaaaaa', seq), NULL
FROM numbers
"""
"""A quarter of them has no steps, the others have one to three; the word stands elsewhere too."""


def make(folder: Path, tasks: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "robotq.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        for step in range(1, SCHEMA + 1):
            database.executescript(f"{STEPS[step]}; PRAGMA user_version = {step}")
        database.execute("BEGIN")
        database.execute(_TASKS, {"tasks": tasks})
        database.execute("INSERT INTO counts VALUES ('robot', 'robot_a', 'completed', ?)", (tasks,))
        database.execute("COMMIT")
        database.execute("PRAGMA journal_mode = WAL")
    return file


def steps_of(tasks: int) -> int:
    """How many steps they have in all."""
    return sum(seq % 4 for seq in range(1, tasks + 1))


def whole_for_the_old(database: sqlite3.Connection, tasks: int) -> bool:
    """Whether the rows of tasks are as the robotq of before has written them."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (number, steps) = database.execute(
        "SELECT count(*), sum(json_array_length(rest, '$.steps')) FROM tasks"
    ).fetchone()
    return bool((version, number, steps) == (SCHEMA, tasks, steps_of(tasks)))


def wrong_after(database: sqlite3.Connection, tasks: int) -> dict[str, int]:
    """Rows that are not what they must be when everything is moved, by what is wrong."""
    step = f"""json_object('name', 'SCANNING', 'state', 'completed', 'started_at_ms',
        1702641600000 + task * 1000 + number, 'duration_s', 1.25 + number, 'detail',
        {_DETAIL.replace("seq", "task").replace("k)", "number)")})"""
    questions = {
        "other tasks": f"SELECT count(*) FROM tasks WHERE rest IS NOT {_REST}",
        "lost tasks": f"SELECT {tasks} - count(*) FROM tasks",
        "other steps": f"SELECT count(*) FROM steps WHERE step IS NOT {step}",
        "steps of nothing": "SELECT count(*) FROM steps WHERE number >= task % 4",
        "lost steps": f"SELECT {steps_of(tasks)} - count(*) FROM steps",
        "left over": "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'mov%'",
    }
    found = {name: database.execute(sql).fetchone()[0] for name, sql in questions.items()}
    return {name: number for name, number in found.items() if number}
