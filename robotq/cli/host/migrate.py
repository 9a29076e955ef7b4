"""robotq migrate: tasks for workers from a data folder into a PostgreSQL, and back."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from robotq.cli.shared import parse
from robotq.cli.shared.display.show import new_console, print_json
from robotq.cli.shared.failure import Failure
from robotq.cli.shared.options import ConfigFile, OutcomeAsJson
from robotq.cli.shared.settings import loader
from robotq.config import Config
from robotq.daemon.moving import move_workers
from robotq.model.errors import ConfigError
from robotq.store.port import StoreUnavailable


class To(StrEnum):
    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"


def migrate(
    *,
    to: Annotated[
        To,
        parse.Option(
            "--to",
            help="postgresql: from the data folder into the database of store.workers; "
            "sqlite: from there into the data folder.",
        ),
    ],
    data: Annotated[
        Path | None, parse.Option("--data", help="The data folder. [default: robotq-data]")
    ] = None,
    config: ConfigFile = None,
    as_json: OutcomeAsJson = False,
) -> None:
    """Move tasks for workers and the checklist to another store. No daemon may serve them."""
    read = loader(config, {"data": None if data is None else str(data)})()
    if read.store.workers is None:
        raise ConfigError("set ROBOTQ_STORE__WORKERS, or store.workers, to postgresql://...")
    console = new_console(stderr=True)
    with Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        shown = bar.add_task(f"to {to.value}", total=None)

        def told(done: int, of: int) -> None:
            bar.update(shown, completed=done, total=of)

        try:
            moved = asyncio.run(move_workers(read, to_postgres=to is To.POSTGRESQL, told=told))
        except StoreUnavailable as error:
            raise Failure(f"not finished: {error}. Run it again; it goes on there.") from error
    if as_json:
        print_json(new_console(), _view(read, to, moved))
        return
    _tell(read, to, moved)


def _view(config: Config, to: To, moved: Any) -> dict[str, Any]:
    return {
        "to": to.value,
        "data": str(config.data),
        "database": moved.database,
        "moved": {kind.value: moved.rows[kind] for kind in moved.kinds},
        "went_on": moved.went_on,
    }


def _tell(config: Config, to: To, moved: Any) -> None:
    places = (str(config.data), moved.database)
    source, target = places if to is To.POSTGRESQL else places[::-1]
    again = ", with what an earlier run had left" if moved.went_on else ""
    print(f"from {source} to {target}{again}:")
    for kind in moved.kinds:
        print(f"  {moved.rows[kind]:>8} {kind.value}")
    if to is To.POSTGRESQL:
        print("Start the daemons with store.workers. Their journal stays in the folder.")
    else:
        print("Start the daemon without store.workers.")
