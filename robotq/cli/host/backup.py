"""robotq backup and restore: a data folder as one file, and back."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from robotq.cli.shared import parse
from robotq.cli.shared.display.show import new_console, print_json
from robotq.cli.shared.failure import Failure
from robotq.cli.shared.options import ConfigFile, OutcomeAsJson
from robotq.cli.shared.settings import loader
from robotq.config import Config
from robotq.daemon.backup import Backup, make_backup
from robotq.daemon.restore import restore_backup
from robotq.store.port import StoreUnavailable

_Data = Annotated[
    Path | None, parse.Option("--data", help="The daemon's data folder. [default: robotq-data]")
]


def backup(
    *,
    file: Annotated[
        Path, parse.Argument(metavar="FILE", help="Written whole or not at all, e.g. robotq.tar.")
    ],
    data: _Data = None,
    config: ConfigFile = None,
    as_json: OutcomeAsJson = False,
) -> None:
    """Back up a data folder: tasks, journal, keys, simulated lab. The daemon may go on working."""
    folder = _config(data, config).data
    try:
        made = make_backup(folder, file)
    except (OSError, sqlite3.Error) as error:
        raise Failure(f"no backup was made: {error}") from error
    if as_json:
        print_json(new_console(), {"file": str(file), **_view(made)})
    else:
        print(f"{file}: {_told(made)}")
        _tell_missing(made.missing)


def restore(
    *,
    file: Annotated[Path, parse.Argument(metavar="FILE", help="Made by robotq backup.")],
    data: _Data = None,
    config: ConfigFile = None,
    replace: Annotated[
        bool, parse.Option("--replace", help="Where the folder holds something, set that aside.")
    ] = False,
    as_json: OutcomeAsJson = False,
) -> None:
    """Put a backup into a data folder that no daemon uses. Every queue is paused afterwards."""
    read = _config(data, config)
    try:
        made, kept = restore_backup(file, read.data, tuple(read.robots), replace=replace)
    except (OSError, StoreUnavailable) as error:
        raise Failure(f"not restored: {error}") from error
    if as_json:
        replaced = None if kept is None else str(kept)
        told = {"data": str(read.data), "replaced": replaced, **_view(made)}
        print_json(new_console(), told)
        return
    print(f"{read.data}: {_told(made)}, made {made.made_at} by robotq {made.version}")
    if kept is not None:
        print(f"what was there before is in {kept}")
    print("Every queue is paused: what ran after the backup was made would run again.")
    print("Cancel such tasks, then `robotq resume`.")
    _tell_missing(made.missing)


def _tell_missing(missing: Sequence[str]) -> None:
    if missing:
        print(f"{len(missing)} programs are missing or damaged: their tasks will not run.")
        print(f"The first one is {missing[0]}. Hand such programs in again.")


def _config(data: Path | None, config: Path | None) -> Config:
    flags: dict[str, Any] = {"data": None if data is None else str(data)}
    return loader(config, flags)()


def _view(made: Backup) -> dict[str, Any]:
    return {
        "files": len(made.files),
        "bytes": _size(made),
        "made_at": made.made_at,
        "version": made.version,
        "missing": list(made.missing),
        **({"lost": list(made.lost)} if made.lost else {}),
    }


def _told(made: Backup) -> str:
    lost = f", {len(made.lost)} artifacts are lost; see robotq doctor" if made.lost else ""
    return f"{len(made.files)} files, {_size(made) / 1e6:.1f} MB{lost}"


def _size(made: Backup) -> int:
    return sum(entry["size"] for entry in made.files.values())
