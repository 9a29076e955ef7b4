"""robotq check-config: says what is wrong with a configuration, without starting anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from robotq.api.auth import KeyFile
from robotq.catalog import load_catalog
from robotq.cli.failure import ExitCode
from robotq.cli.options import OutcomeAsJson
from robotq.cli.settings import loader
from robotq.cli.show import new_console, print_json
from robotq.config import Config
from robotq.daemon import is_guarded
from robotq.drivers.registry import check_options
from robotq.listen import check_exposure
from robotq.model.errors import ConfigError


def check_config(
    file: Annotated[
        Path | None,
        typer.Argument(
            envvar="ROBOTQ_CONFIG", help="Configuration file; without it, the packaged one."
        ),
    ] = None,
    as_json: OutcomeAsJson = False,
) -> None:
    """Check a configuration with its command specs, robots, keys and address. Opens no port."""
    if as_json:
        _check_for_program(file)
        return
    config = loader(file, {})()
    print(f"{file or 'the packaged configuration'} is right: {contents_of(config)}")


def _check_for_program(file: Path | None) -> None:
    """The faults are what was asked for, so they are no message beside the answer."""
    found: dict[str, Any] = {"file": None if file is None else str(file)}
    try:
        config = loader(file, {})()
        commands = _commands_of(config)
    except ConfigError as error:
        faults = str(error).splitlines()
        print_json(new_console(), {**found, "right": False, "faults": faults})
        raise typer.Exit(ExitCode.USAGE) from error
    contents = {"robots": list(config.robots), "commands": commands, "port": config.port}
    print_json(new_console(), {**found, "right": True, "faults": [], **contents})


def contents_of(config: Config) -> str:
    """What a configuration comes to, in a line, after a look at everything that it names.

    Raises ConfigError where specs, robots, keys or address are not right, one line per fault of
    a robot.
    """
    commands = _commands_of(config)
    return (
        f"{len(config.robots)} robots ({', '.join(config.robots)}), {commands} commands, "
        f"port {config.port}"
    )


def _commands_of(config: Config) -> int:
    """How many commands there are, after a look at everything. Raises ConfigError."""
    catalog = load_catalog(config.commands)
    faults = []
    for name, robot in config.robots.items():
        try:
            check_options(name, robot.driver, robot.options)
        except ConfigError as error:
            faults.append(f"{config.name}: {error}")
    if faults:
        raise ConfigError("\n".join(faults))
    check_exposure(config.host, guarded=is_guarded(config, KeyFile(config.data)))
    return len(catalog)
