"""Half an hour of it: `python -m tests.fleet --minutes 30 --robots 20 --workers 100`."""

from __future__ import annotations

from pathlib import Path

import pytest

from .weather.campaign import Campaign

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.wall("processes that die"),
    pytest.mark.real_time("weather takes its time"),
]


@pytest.mark.parametrize("seed", [1, 2])
async def test_fleet__in_bad_weather_loses_nothing_and_moves_nothing_twice(
    new_postgres: str, tmp_path: Path, seed: int
) -> None:
    found = await Campaign(tmp_path, new_postgres, seed=seed, workers=8).run(45)
    assert found.violations == []
    assert found.accepted > 20
