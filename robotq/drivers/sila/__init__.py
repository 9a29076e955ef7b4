"""Robots and instruments behind a SiLA 2 server: commands and properties of its features over
gRPC. What they are sent is written in YAML or in the server's own description, see
docs/drivers/sila.md. The extra `sila` brings the library."""

from __future__ import annotations

from importlib.util import find_spec

from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.sila.options import read_options

if find_spec("sila2") is None:
    raise ImportError("it needs the package sila2: pip install 'robotq[sila]'")


def create(setup: DriverSetup) -> Driver:
    """Raises ConfigError."""
    # gRPC takes half a second to load, and the look at options does without
    from robotq.drivers.sila.driver import SilaDriver  # noqa: PLC0415

    return SilaDriver(setup, read_options(setup.robot, setup.options))
