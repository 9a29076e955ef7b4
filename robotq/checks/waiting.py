"""What waits in a data folder, held against a configuration, without starting anything."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from robotq.catalog import Catalog
from robotq.config import WORKER_QUEUES, Config
from robotq.engine.settings import Settings
from robotq.engine.state.known_robots import KnownRobots
from robotq.engine.waiting.fitting import Misfits, look_through, misfits_of
from robotq.model.errors import DataUnavailable
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from robotq.store.sqlite.peek import peek


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What a start with this configuration would find."""

    waiting: int
    misfits: Misfits
    not_configured: Mapping[str, int]
    """Robot that is not configured -> commands that wait for it or were running there, and
    unknown outcomes."""

    @property
    def notes(self) -> Sequence[str]:
        """In a sentence each."""
        told = [f"{self.waiting} commands wait in the data folder"]
        if self.misfits.number:
            told.append(self.misfits.line)
        told += [
            f"{name} is not in the configuration, and {number} of its commands are left"
            for name, number in self.not_configured.items()
        ]
        return told


def left_in(folder: Path, config: Config, catalog: Catalog, known: KnownRobots) -> Left:
    """Also while a daemon works on the folder; changes nothing. Raises DataUnavailable."""
    database = folder / "robotq.db"
    if not database.exists():
        raise DataUnavailable(f"{database} is not there")
    try:
        unfinished, holds = peek(database)
    except sqlite3.Error as error:
        raise DataUnavailable(f"{database} cannot be read: {error}") from error
    tasks = [task for task in unfinished if task.work is None]
    waiting = [task for task in tasks if task.state is TaskState.PENDING]
    look = look_through(Settings(config, catalog, known), waiting)
    absent = Counter(task.queue for task in tasks if task.queue not in config.robots)
    absent.update(
        hold.robot
        for hold in holds
        if hold.code is HoldCode.OUTCOME_UNKNOWN
        and hold.robot not in config.robots
        and hold.robot not in WORKER_QUEUES
    )
    return Left(
        waiting=len(waiting),
        misfits=misfits_of(look, waiting),
        not_configured=dict(sorted(absent.items())),
    )
