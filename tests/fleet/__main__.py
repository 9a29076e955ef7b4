"""python -m tests.fleet --minutes 5 --seed 1: see `weather`; with --away 5: see `weather.away`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console

from tests.postgres import server

from .weather.away import Away, p99
from .weather.campaign import Campaign
from .weather.found import Found

console = Console()


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=float, default=2.0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--robots", type=int, default=6)
    options.add_argument("--shared", type=int, default=2, help="robots that have two machines")
    options.add_argument("--workers", type=int, default=0, help="in fours")
    options.add_argument("--durable", action="store_true", help="every robot has durability: fleet")
    options.add_argument(
        "--away", type=float, metavar="MINUTES", help="take the database away for so long instead"
    )
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="robotq-fleet-"))
    run = folder / "pg"
    with server.database(server.start(run)) as dsn:
        if given.away is not None:
            return _away(folder, dsn, given.away * 60)
        campaign = Campaign(
            folder,
            dsn,
            seed=given.seed,
            robots=given.robots,
            shared=given.shared,
            workers=given.workers,
            durable=given.durable,
            restart=(lambda hard: server.restart(run, hard=hard)) if server.is_ours() else None,
        )
        found = asyncio.run(campaign.run(given.minutes * 60))
    return _told(found, given.seed, folder)


def _told(found: Found, seed: int, folder: Path) -> int:
    console.print(
        f"seed {seed}: {found.accepted} accepted, {found.repeated} asked again, "
        f"{found.given_up} given up; {found.for_workers} for workers, begun "
        f"{found.begun_by_workers} times"
    )
    console.print("weather:", dict(found.weather))
    console.print(
        "ends:",
        dict(found.ends),
        f"{found.handed_over} handed over, {found.decided} decided by a person",
    )
    for kind, took_s in sorted(found.recovery_s.items()):
        middle = sorted(took_s)[len(took_s) // 2]
        console.print(
            f"all well after {kind}: p50 {middle:.1f} s, longest {max(took_s):.1f} s, "
            f"{len(took_s)} of {found.weather[kind]}"
        )
    console.print(
        f"quiet after {found.quiet_after_s} s; {len(found.violations)} violations; {folder}"
    )
    for text in found.violations[:50]:
        console.print(" ", text)
    return 1 if found.violations else 0


def _away(folder: Path, dsn: str, away_s: float) -> int:
    seen = asyncio.run(Away(folder, dsn).run(away_s))
    console.print(
        f"away for {away_s:g} s: {len(seen.accepted)} accepted, "
        f"{dict(Counter(seen.refused))} refused, {seen.moved_while_away} motions meanwhile"
    )
    for name, stops in (("with", seen.stops_with_ms), ("without", seen.stops_without_ms)):
        middle = sorted(stops)[len(stops) // 2]
        console.print(f"stop of all {name} it: p50 {middle:.0f} ms, p99 {p99(stops):.0f} ms")
    console.print(
        f"{seen.unconfirmed} not confirmed; {seen.behind} events waited, sent after "
        f"{seen.sent_after_s:.1f} s; all in the hub's view after {seen.shown_after_s:.1f} s, "
        f"{seen.missing} missing"
    )
    return 1 if seen.missing or seen.unconfirmed or seen.shown_after_s > 10 else 0


if __name__ == "__main__":
    sys.exit(main())
