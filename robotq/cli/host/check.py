"""robotq check-config: says what is wrong with a configuration, without starting anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from robotq.api.access.keys import KeyFile
from robotq.catalog import load_catalog
from robotq.checks.waiting import Left, left_in
from robotq.checks.written import examine
from robotq.cli.shared import parse
from robotq.cli.shared.display.show import new_console, print_json
from robotq.cli.shared.failure import ExitCode
from robotq.cli.shared.options import OutcomeAsJson
from robotq.cli.shared.settings import loader
from robotq.config import Config
from robotq.daemon.assembly import is_guarded
from robotq.drivers.brought import commands_of
from robotq.model.errors import ConfigError
from robotq.system.listen import check_exposure


def check_config(
    file: Annotated[
        Path | None,
        parse.Argument(
            envvar="ROBOTQ_CONFIG", help="Configuration file; without it, the packaged one."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        parse.Option(
            "--data",
            help="A data folder: what waits in it is held against the configuration. A daemon may "
            "work on it meanwhile.",
        ),
    ] = None,
    as_json: OutcomeAsJson = False,
) -> None:
    """Check a configuration with its command specs, robots, keys and address. Opens no port."""
    flags = {"data": None if data is None else str(data)}
    if as_json:
        _check_for_program(file, flags)
        return
    found = contents_of(loader(file, flags)(), look_at_data=data is not None)
    print(f"{file or 'the packaged configuration'} is right: {found.line}")
    for note in found.notes:
        print(f"Note: {note}")


def _check_for_program(file: Path | None, flags: Mapping[str, str | None]) -> None:
    """The faults are what was asked for, so they are no message beside the answer."""
    told: dict[str, Any] = {"file": None if file is None else str(file)}
    try:
        config = loader(file, flags)()
        found = contents_of(config, look_at_data=flags["data"] is not None)
    except ConfigError as error:
        faults = str(error).splitlines()
        print_json(new_console(), {**told, "right": False, "faults": faults})
        raise parse.Exit(ExitCode.USAGE) from error
    contents: dict[str, Any] = {
        "robots": list(config.robots),
        "commands": found.commands,
        "port": config.port,
    }
    if found.left is not None:
        misfits = found.left.misfits
        contents["waiting"] = found.left.waiting
        contents["does_not_fit"] = {
            "count": misfits.number,
            "tasks": [task.id for task, _ in misfits.first],
        }
        contents["not_configured"] = dict(found.left.not_configured)
    notes = list(found.notes)
    print_json(new_console(), {**told, "right": True, "faults": [], "notes": notes, **contents})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a configuration comes to."""

    line: str
    commands: int
    notes: Sequence[str]
    """What is worth knowing, and no fault."""
    left: Left | None = None
    """What waits in the data folder, where that was looked at."""


def contents_of(config: Config, *, look_at_data: bool = False) -> Contents:
    """What a configuration comes to, after a look at everything that it names.

    Raises ConfigError where specs, robots, places, keys or address are not right, one line per
    fault.
    """
    catalog = load_catalog(config.commands, commands_of(config.robots))
    written = examine(config, catalog)
    check_exposure(config.host, guarded=is_guarded(config, KeyFile(config.data)))
    simulated = {name: robot.driver == "simulator" for name, robot in config.robots.items()}
    commands = len(written.known.offered(catalog, simulated))
    line = (
        f"{len(config.robots)} robots ({', '.join(config.robots)}), {commands} commands, "
        f"port {config.port}"
    )
    left = left_in(config.data, config, catalog, written.known) if look_at_data else None
    notes = [*written.notes, *(left.notes if left is not None else ())]
    return Contents(line=line, commands=commands, notes=notes, left=left)
