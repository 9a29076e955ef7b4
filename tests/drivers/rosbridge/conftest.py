from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.rosbridge.site import Site
from tests.slices import some

MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    made: list[Site] = []

    def make(options: dict[str, Any] | None = None, **bridge: Any) -> Site:
        made.append(Site(tmp_path, options, **bridge))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture(params=some([False, True], 1), ids=["goals_one_by_one", "goals_in_threads"])
def site(make_site: MakeSite, request: pytest.FixtureRequest) -> Site:
    """A robot that is connected, with either setting of the bridge."""
    made = make_site(goals_in_threads=request.param)
    made.driver.connect()
    return made
