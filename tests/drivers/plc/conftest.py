from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import plc as plc_driver
from robotq.drivers.base import Driver, LinkLost
from robotq.testing.driver_contract import driver_setup
from tests.drivers.killed import until
from tests.drivers.plc.model import Kind
from tests.drivers.plc.site import LIBRARIES, SERVERS, Site

PlcSites = Callable[[str, Kind], Site]
MakeDriver = Callable[..., tuple[Site, Driver]]


@pytest.fixture(scope="session")
def _plc_sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlcSites]:
    made: dict[tuple[str, Kind], Site] = {}

    def make(protocol: str, kind: Kind) -> Site:
        site = made.get((protocol, kind))
        if site is None:
            folder = tmp_path_factory.mktemp("plc")
            site = made[protocol, kind] = Site(folder, kind, SERVERS[protocol](kind))
        return site

    yield make
    for site in made.values():
        site.close()


@pytest.fixture
def plc_sites(_plc_sites: PlcSites) -> PlcSites:
    """A PLC as new, behind a server (of `SERVERS`) that other tests have used before."""

    def make(protocol: str, kind: Kind) -> Site:
        pytest.importorskip(LIBRARIES[protocol], reason=f"the extra {protocol} is not installed")
        site = _plc_sites(protocol, kind)
        site.as_new()
        return site

    return make


@pytest.fixture
def make_driver(tmp_path: Path, plc_sites: PlcSites) -> Iterator[MakeDriver]:
    """A driver that is not connected yet, and its PLC; options of the driver by their names."""
    made: list[Driver] = []

    def make(protocol: str, kind: Kind, **options: Any) -> tuple[Site, Driver]:
        site = plc_sites(protocol, kind)
        driver = plc_driver.create(driver_setup(tmp_path, {**site.options, **options})[0])
        made.append(driver)
        return site, driver

    yield make
    for driver in made:
        driver.close()


def connected(driver: Driver) -> None:
    """As the daemon does: on a machine at load an answer may be late for these short limits."""

    def made() -> bool:
        try:
            driver.connect()
        except LinkLost:
            return False
        return True

    until(made)
