"""kill -9: nothing accepted is lost, and no command runs twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from .campaign import ALONE, KILLS_PER_ROUND, POINTS, kinds_of, nothing_was_found, run
from .harness import RANDOM, WAITING

pytestmark = pytest.mark.real_time("clients of a daemon that is killed look again by the wall")


@pytest.mark.slow
async def test_kill_twice__loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    """Other moments each time; a failure names the seed that shows it again."""
    seed = random.SystemRandom().randrange(1_000_000)
    outcomes = await run(kills=2, seed=seed, point=None, jobs=1, folder=tmp_path)
    nothing_was_found(outcomes)
    assert [kill.kind for outcome in outcomes for kill in outcome.kills] == kinds_of(seed, 2, None)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_kill_30_times__in_scans_with_50_tasks_waiting(tmp_path: Path) -> None:
    outcomes = await run(kills=30, seed=1, point=RANDOM, jobs=2, folder=tmp_path)
    nothing_was_found(outcomes)
    kills = [kill for outcome in outcomes for kill in outcome.kills]
    assert len(kills) == 30
    assert min(kill.waiting for kill in kills) >= WAITING
    assert sum(kill.in_scan for kill in kills) >= 10


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_kill__at_every_crash_point(tmp_path: Path) -> None:
    # random moments have a test of their own
    kills = -(-len(ALONE) // KILLS_PER_ROUND) * KILLS_PER_ROUND
    outcomes = await run(kills=kills, seed=1, point=POINTS, jobs=2, folder=tmp_path)
    nothing_was_found(outcomes)
    reached = {kill.kind for outcome in outcomes for kill in outcome.kills if kill.reached}
    assert reached == {*ALONE}
