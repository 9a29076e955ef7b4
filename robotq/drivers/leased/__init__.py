"""Drivers of robots that two machines can reach: one of them drives, and looks at its lease
before everything that it sends."""

from __future__ import annotations

from robotq.drivers.base import Driver, DriverFactory, DriverSetup
from robotq.drivers.epochs import KeepsEpoch, TakesManyClients
from robotq.drivers.leased.driver import Leased
from robotq.drivers.leased.settling import SettlesLeased
from robotq.drivers.settling import Settles
from robotq.model.errors import ConfigError

__all__ = ["leased"]


def leased(setup: DriverSetup, make: DriverFactory) -> Driver:
    """The driver that `make` makes, and makes anew when its link was given up. Raises
    ConfigError."""
    first = make(setup)
    tenure = setup.tenure
    assert tenure is not None
    if tenure.fence == "device" and not isinstance(first, KeepsEpoch):
        raise ConfigError(
            f"robots.{setup.robot}.standby.fence: found device, and this driver has no epoch for "
            "its device; expected one_client or none"
        )
    many = first.many_clients if isinstance(first, TakesManyClients) else ""
    if tenure.fence == "one_client" and many:
        raise ConfigError(
            f"robots.{setup.robot}.standby.fence: found one_client, and {many}; expected none: a "
            "person confirms that the old machine is off"
        )
    return (SettlesLeased if isinstance(first, Settles) else Leased)(setup, make, first)
