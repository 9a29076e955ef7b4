"""Brings a database that many daemons share to the present schema, in two phases.

Programs of two versions work beside each other while a site is upgraded. So a step either only
adds (`NNNN_expand_name.sql`), and every start runs it; or it removes what no program of this
version needs any more (`NNNN_contract_name.sql`), and a person runs it when the last older program
is gone. A program works with a database that has been expanded further than it knows, and refuses
one that was contracted further.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib.resources import files
from typing import NamedTuple

import psycopg

from robotq.model.errors import ConfigError
from robotq.model.version import __version__
from robotq.postgres.database import Connection, Database, one
from robotq.system.statements import load

_log = logging.getLogger(__name__)

_SQL = load(__package__, "migrations.sql")


class Phase(StrEnum):
    EXPAND = "expand"
    """Adds. Run by every start."""
    CONTRACT = "contract"
    """Removes. Run when a person says that no older program is left."""


class Step(NamedTuple):
    number: int
    name: str
    phase: Phase
    sql: str


def read_steps(texts: Mapping[str, str]) -> Sequence[Step]:
    """The steps of files by name, in their order. Raises ValueError for a name that is none, or
    a number that is there twice."""
    steps: dict[int, Step] = {}
    for file, sql in texts.items():
        number, phase, name = file.removesuffix(".sql").split("_", 2)
        step = Step(int(number), name, Phase(phase), sql)
        if steps.setdefault(step.number, step) is not step:
            raise ValueError(f"two migrations have the number {step.number}")
    return [steps[number] for number in sorted(steps)]


def _ours() -> Sequence[Step]:
    folder = files(__package__).joinpath("sql", "migrations")
    return read_steps(
        {
            file.name: file.read_text(encoding="utf-8")
            for file in folder.iterdir()
            if file.name.endswith(".sql")
        }
    )


STEPS = _ours()

SCHEMA_VERSION = max(step.number for step in STEPS)
"""The number of the last step that this robotq knows."""


async def migrate(
    database: Database, *, contract: bool = False, steps: Sequence[Step] = STEPS
) -> Sequence[int]:
    """Run the steps that this database lacks, each in a transaction of its own, and no two
    daemons at the same time. Those that remove something only with `contract`, and what builds on
    one that is left out waits too. Returns the numbers of those that were run.

    Raises ConfigError for a database from which a later robotq has removed something, or where
    the user of the DSN may not change the schema; DatabaseAway.
    """
    ran: list[int] = []
    try:
        known = await _done(database)
        _check(known, steps)
        for step in steps:
            if step.number in known:
                continue
            if step.phase is Phase.CONTRACT and not contract:
                break
            if await _run(database, step):
                ran.append(step.number)
                _log.info("%s is at schema %d now (%s)", database.place, step.number, step.name)
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigError(
            f"the schema of {database.place} cannot be changed: {error}. Give this user the right "
            "to create in the database, or run `robotq fleet migrate` as one who has it."
        ) from error
    return ran


async def _done(database: Database) -> Mapping[int, str]:
    async with database.transaction() as connection:
        (there,) = await one(connection, _SQL["table"])
        if not there:
            await connection.execute(_SQL["alone"])
            await connection.execute(_SQL["schema"])
            await connection.execute(_SQL["make"])
        return await _noted(connection)


async def _noted(connection: Connection) -> Mapping[int, str]:
    rows = await (await connection.execute(_SQL["done"])).fetchall()
    return {number: phase for number, phase in rows}  # noqa: C416 - a row is a pair


def _check(known: Mapping[int, str], steps: Sequence[Step]) -> None:
    ours = {step.number for step in steps}
    removed = [
        number for number, phase in known.items() if phase == Phase.CONTRACT and number not in ours
    ]
    if removed:
        raise ConfigError(
            f"a later robotq has removed from the database what this one needs (step {max(removed)}"
            f"; this one knows up to {max(ours)}). Upgrade robotq."
        )


async def _run(database: Database, step: Step) -> bool:
    """False where another daemon has done it meanwhile."""
    async with database.transaction() as connection:
        await connection.execute(_SQL["alone"])
        if step.number in await _noted(connection):
            return False
        await connection.execute(step.sql)
        await connection.execute(
            _SQL["note"], (step.number, step.name, step.phase.value, __version__)
        )
    return True
