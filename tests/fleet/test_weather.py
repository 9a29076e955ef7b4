"""The whole of it, for half an hour: `python -m tests.fleet --minutes 30`."""

from __future__ import annotations

from pathlib import Path

import pytest

from .campaign import Campaign

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
    found = await Campaign(tmp_path, new_postgres, seed=seed).run(45)
    assert found.violations == []
    assert found.accepted > 20
