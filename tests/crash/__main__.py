"""`python -m tests.crash --kills 1000 --seed 1`: kill the daemon and judge what it left behind."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from robotq.model.crashpoints import CrashPoint

from .campaign import POINTS, Outcome, rows, run
from .harness import RANDOM

_SHOWN = 20
"""Violations that are printed of one round."""


def main() -> int:
    """Exit code 1 where any promise was broken."""
    given = _arguments()
    # an end in order, which takes the daemons along
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="robotq-crash-"))
    began = time.monotonic()
    point = RANDOM if given.point == "random" else given.point
    outcomes = asyncio.run(
        run(
            kills=given.kills,
            seed=given.seed,
            point=point,
            jobs=given.jobs,
            folder=folder,
            failing_disk=given.failing_disk,
        )
    )
    console = Console(width=max(140, Console().width))
    console.print(table(outcomes))
    kills = sum(len(outcome.kills) for outcome in outcomes)
    seconds = time.monotonic() - began
    console.print(f"{kills} kills in {seconds:.0f} s, {seconds / max(1, kills):.1f} s each")
    failed = [outcome for outcome in outcomes if not outcome.clean]
    for outcome in failed:
        _explain(console, outcome, given)
    return 1 if failed else 0


def table(outcomes: list[Outcome]) -> Table:
    """The kills by kind, and what was found after them."""
    made = Table(title="kill -9", title_justify="left")
    for column in ("kind", "kills", "reached", "in a scan", "disk failing", "least waiting"):
        made.add_column(column, justify="left" if column == "kind" else "right", no_wrap=True)
    for column in ("lost", "doubled", "stuck", "wrong"):
        made.add_column(column, justify="right")
    made.add_column("seeds of failures")
    for row in rows(outcomes):
        made.add_row(
            row.kind,
            *map(str, (row.kills, row.reached, row.in_scan, row.disk_failing, min(row.waiting))),
            *(str(row.found[kind]) for kind in ("lost", "doubled", "stuck", "wrong")),
            " ".join(str(seed) for seed in row.seeds),
        )
    return made


def _explain(console: Console, outcome: Outcome, given: argparse.Namespace) -> None:
    again = f"python -m tests.crash --seed {outcome.seed} --kills {len(outcome.kinds)}"
    again += f" --point {given.point}" if given.point else ""
    again += " --failing-disk" if given.failing_disk else ""
    console.print(f"\nseed {outcome.seed}: {again}")
    console.print(f"  data and log: {outcome.folder}", soft_wrap=True)
    if outcome.broken is not None:
        console.print(outcome.broken, markup=False, soft_wrap=True)
    for violation in list(outcome.violations())[:_SHOWN]:
        console.print(f"  {violation.kind}: {violation.text}", markup=False, soft_wrap=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument(
        "--point",
        choices=["random", POINTS, *CrashPoint],
        help="kill only there; without it, at random moments and every point in turns",
    )
    parser.add_argument(
        "--failing-disk", action="store_true", help="it fails now and then (Linux, with cc)"
    )
    parser.add_argument("--jobs", type=int, default=1, help="rounds at the same time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
