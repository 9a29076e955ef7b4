"""Robots and instruments behind a SiLA 2 server: commands and properties of its features over
gRPC. What they are sent is written in YAML or in the server's own description, see
docs/drivers/sila.md. The extra `sila` brings the library."""

from __future__ import annotations

from importlib.util import find_spec

from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.sila.options import read_options
from robotq.model.errors import ConfigError


def create(setup: DriverSetup) -> Driver:
    """Raises ConfigError."""
    options = read_options(setup.robot, setup.options)
    # not where options are only looked at: that may be another machine
    if find_spec("sila2") is None:
        raise ConfigError(
            f"robots.{setup.robot}.driver: it needs the package sila2: pip install 'robotq[sila]'"
        )
    # gRPC takes half a second to load, and the look at options does without
    from robotq.drivers.sila.driver import SilaDriver  # noqa: PLC0415

    return SilaDriver(setup, options)
