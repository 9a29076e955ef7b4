"""python -m tests.fleet --minutes 5 --seed 1: see `campaign`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.postgres import server

from .campaign import Campaign

console = Console()


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=float, default=2.0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--robots", type=int, default=6)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="robotq-fleet-"))
    with server.database(server.start(folder / "pg")) as dsn:
        campaign = Campaign(folder, dsn, seed=given.seed, robots=given.robots)
        found = asyncio.run(campaign.run(given.minutes * 60))
    console.print(f"seed {given.seed}: {found.accepted} accepted, {found.repeated} asked again")
    console.print("weather:", dict(found.weather))
    console.print("ends:", dict(found.ends))
    console.print(f"quiet after {found.recovery_s} s; {len(found.violations)} violations; {folder}")
    for text in found.violations[:50]:
        console.print(" ", text)
    return 1 if found.violations else 0


if __name__ == "__main__":
    sys.exit(main())
