from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if find_spec("sila2") is None:
    # pip install 'robotq[sila]'
    collect_ignore_glob = ["test_*.py"]

if TYPE_CHECKING:
    from tests.drivers.sila.site import Site

MakeSite = Callable[..., "Site"]


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    from tests.drivers.sila.site import Site  # noqa: PLC0415 - only where the library is

    made: list[Site] = []

    def make(options: dict[str, Any] | None = None, *words: str) -> Site:
        made.append(Site(tmp_path, options, *words))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A robot that is connected."""
    made: Site = make_site()
    made.driver.connect()
    return made
