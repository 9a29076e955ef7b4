"""Brings a database to the present schema, one numbered step after another."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping
from importlib.resources import files

from robotq.model.errors import ConfigError

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


def migrate(connection: sqlite3.Connection) -> None:
    """Run the steps that this database lacks, each in one transaction.

    Raises ConfigError for a database of a later robotq; it is left as it was.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise ConfigError(
            f"the database was written by a later robotq (schema {version}, this one knows up "
            f"to {SCHEMA_VERSION}). Upgrade robotq, or give it another folder with --data."
        )
    for step in range(version + 1, SCHEMA_VERSION + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {STEPS[step]}; PRAGMA user_version = {step}; COMMIT"
        )
        _log.info("the database is at schema %d now", step)
