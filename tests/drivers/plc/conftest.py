from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.drivers.plc.model import Kind
from tests.drivers.plc.site import LIBRARIES, SERVERS, Site

PlcSites = Callable[[str, Kind], Site]


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
