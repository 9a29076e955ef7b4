"""Many kills: which ones, how many at once, and what came of them."""

from __future__ import annotations

import asyncio
import shutil
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from robotq.model.crashpoints import CrashPoint

from .harness import RANDOM, Kill, Round
from .judge import Violation

KILLS_PER_ROUND = 6
"""Kills on one data folder."""

ALONE = tuple(point for point in CrashPoint if not point.of_fleet)
"""The crash points of a daemon that is in no fleet; tests/fleet tries the others."""

POINTS = "points"
"""In place of a kind: every crash point in turns, and no random moment."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of one round."""

    seed: int
    kinds: Sequence[str]
    folder: Path
    kills: Sequence[Kill]
    broken: str | None = None
    """Why the harness itself gave up."""

    def violations(self) -> Iterator[Violation]:
        for kill in self.kills:
            yield from kill.violations

    @property
    def clean(self) -> bool:
        return self.broken is None and not any(self.violations())


@dataclass(slots=True, kw_only=True)
class Row:
    """The kills of one kind."""

    kind: str
    kills: int = 0
    reached: int = 0
    in_scan: int = 0
    disk_failing: int = 0
    waiting: list[int] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    """Kind of violation -> kills after which there was one."""
    seeds: list[int] = field(default_factory=list)
    """Of the rounds with a violation."""


def kinds_of(seed: int, kills: int, point: str | None) -> list[str]:
    """The kinds of a round. They follow from its seed alone, so that it can be run again;
    over many seeds every crash point has its turn.

    `point` is a crash point, RANDOM, POINTS, or None for random moments and points in turns.
    """
    points = list(ALONE)
    kinds: list[str]
    match point:
        case None:
            first = seed * (KILLS_PER_ROUND // 2)
            kinds = [
                RANDOM if number % 2 else points[(first + number // 2) % len(points)]
                for number in range(kills)
            ]
        case "points":
            return _points_of_round(seed)[:kills]
        case _:
            kinds = [point] * kills
    if CrashPoint.RESOLVED in kinds:
        # there is something to resolve only after a command was cut short
        kinds = [kind for one in kinds for kind in _with_what_it_needs(one)][:kills]
    return kinds


def _points_of_round(seed: int) -> list[str]:
    """What needs another one stands behind it in the same round."""
    pair: list[str] = [CrashPoint.STARTED, CrashPoint.RESOLVED]
    points = [*pair, *(point for point in ALONE if point not in pair)]
    rounds = -(-len(points) // KILLS_PER_ROUND)
    begin = seed % rounds * KILLS_PER_ROUND
    return points[begin : begin + KILLS_PER_ROUND]


def _with_what_it_needs(kind: str) -> Sequence[str]:
    return (CrashPoint.STARTED, kind) if kind == CrashPoint.RESOLVED else (kind,)


async def run(
    *,
    kills: int,
    seed: int,
    point: str | None,
    jobs: int,
    folder: Path,
    failing_disk: bool = False,
) -> list[Outcome]:
    """Rounds from `seed` on until there were so many kills, `jobs` of them at once.

    The folder of a clean round is removed. That of another one has everything: `found.txt`, the
    log and the data of the daemon, and in `deaths` what each death left and what clients knew.
    """
    rounds = [
        (seed + number, min(KILLS_PER_ROUND, kills - number * KILLS_PER_ROUND))
        for number in range(-(-kills // KILLS_PER_ROUND))
    ]
    working = asyncio.Semaphore(jobs)

    async def one(seed: int, kills: int) -> Outcome:
        async with working:
            round_ = Round(seed, folder / f"seed-{seed}", failing_disk=failing_disk)
            return await _outcome(round_, seed, kinds_of(seed, kills, point))

    return await asyncio.gather(*(one(seed, kills) for seed, kills in rounds))


async def _outcome(round_: Round, seed: int, kinds: Sequence[str]) -> Outcome:
    broken = None
    try:
        await round_.run(kinds)
    except Exception:  # noqa: BLE001 - the other rounds still have something to say
        broken = traceback.format_exc()
    outcome = Outcome(
        seed=seed, kinds=kinds, folder=round_.folder, kills=round_.kills, broken=broken
    )
    if outcome.clean:
        shutil.rmtree(round_.folder)
    else:
        found = [broken or "", *(f"{one.kind}: {one.text}" for one in outcome.violations())]
        (round_.folder / "found.txt").write_text("\n".join(found))
    return outcome


def rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """The kills by kind, RANDOM first, in the order of the points in a task's life."""
    by_kind: dict[str, Row] = {}
    for outcome in outcomes:
        for kill in outcome.kills:
            row = by_kind.setdefault(kill.kind, Row(kind=kill.kind))
            row.kills += 1
            row.reached += kill.reached
            row.in_scan += kill.in_scan
            row.disk_failing += kill.disk_failing
            row.waiting.append(kill.waiting)
            row.found.update({violation.kind for violation in kill.violations})
            if kill.violations and outcome.seed not in row.seeds:
                row.seeds.append(outcome.seed)
    return [by_kind[kind] for kind in (RANDOM, *CrashPoint) if kind in by_kind]


def nothing_was_found(outcomes: Sequence[Outcome]) -> None:
    """Fails with the command that shows again what was found."""
    for outcome in outcomes:
        again = f"python -m tests.crash --seed {outcome.seed} --kills {len(outcome.kinds)}"
        assert outcome.broken is None, again
        assert list(outcome.violations()) == [], again
