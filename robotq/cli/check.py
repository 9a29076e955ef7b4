"""robotq check-config: says what is wrong with a configuration, without starting anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robotq.api.auth import KeyFile
from robotq.catalog import load_catalog
from robotq.cli.settings import loader
from robotq.config import Config
from robotq.daemon import is_guarded
from robotq.drivers.registry import driver_factories
from robotq.listen import check_exposure
from robotq.model.errors import ConfigError


def check_config(
    file: Annotated[
        Path | None,
        typer.Argument(
            envvar="ROBOTQ_CONFIG", help="Configuration file; without it, the packaged one."
        ),
    ] = None,
) -> None:
    """Check a configuration with its command specs, drivers, keys and address."""
    config = loader(file, {})()
    print(f"{file or 'the packaged configuration'} is right: {contents_of(config)}")


def contents_of(config: Config) -> str:
    """What a configuration comes to, in a line, after a look at everything that it names.

    Raises ConfigError where specs, drivers, keys or address are not right.
    """
    catalog = load_catalog(config.commands)
    drivers = driver_factories()
    for name, robot in config.robots.items():
        if robot.driver not in drivers:
            known = ", ".join(sorted(drivers))
            raise ConfigError(
                f"robots.{name}.driver: found {robot.driver!r}, expected one of {known}"
            )
    check_exposure(config.host, guarded=is_guarded(config, KeyFile(config.data)))
    return (
        f"{len(config.robots)} robots ({', '.join(config.robots)}), {len(catalog)} commands, "
        f"port {config.port}"
    )
