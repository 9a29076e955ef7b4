"""Brings a database to the present schema, one numbered step after another."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from importlib.resources import files

from robotq.model.errors import ConfigError
from robotq.store.sqlite import moving

_log = logging.getLogger(__name__)


def _steps() -> Mapping[int, str]:
    folder = files(__package__).joinpath("sql", "migrations")
    return {
        int(file.name.partition("_")[0]): file.read_text(encoding="utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".sql")
    }


STEPS = _steps()
"""The SQL of each schema version, which turns the version before into it."""

SCHEMA_VERSION = max(STEPS)


def migrate(
    connection: sqlite3.Connection,
    go_on: Callable[[], None] = lambda: None,
    *,
    tell_s: float = 2.0,
) -> None:
    """Run the steps that this database lacks, each in one transaction; the one that takes long
    in many, and the next start goes on with it. `go_on` is called between them, and what it
    raises ends the work for now. `tell_s`: seconds between two lines about a step that takes long.

    Raises ConfigError for a database of a later robotq; it is left as it was.
    """
    progress = _Progress(go_on, tell_s)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise ConfigError(
            f"the database was written by a later robotq (schema {version}, this one knows up "
            f"to {SCHEMA_VERSION}). Upgrade robotq, or give it another folder with --data."
        )
    for step in range(version + 1, SCHEMA_VERSION + 1):
        if step == moving.SCHEMA:
            moving.copy(connection, STEPS[step], progress.told)
        else:
            connection.executescript(
                f"BEGIN IMMEDIATE; {STEPS[step]}; PRAGMA user_version = {step}; COMMIT"
            )
        _log.info("the database is at schema %d now", step)
    moving.clear(connection, progress.told)


class _Progress:
    """Tells in the log how far it is, every few seconds."""

    def __init__(self, go_on: Callable[[], None], tell_s: float) -> None:
        self._go_on = go_on
        self._tell_s = tell_s
        self._next_s = time.monotonic() + tell_s

    def told(self, done: int, of: int) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + self._tell_s
            # a warning: nothing is served and no robot moves until it is done
            _log.warning(
                "the database of an earlier robotq is brought to schema %d: %d %% done; "
                "the robots wait for it",
                SCHEMA_VERSION,
                100 * done // of,
            )
        self._go_on()
