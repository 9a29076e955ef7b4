"""`python -m tests.drivers.gcode.long_runs [--seeds 20]`: a program of two thousand lines on each
firmware, with faults on the wire and somebody who stops, holds or does nothing, and the counts of
how it ended. Exit code 1 where something was wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.drivers.gcode.runs.test_long_programs import FIRMWARES, Outcome, one

_AT_ONCE = 4
"""Most of a run is waiting."""


def outcome(firmware: str, seed: int) -> Outcome | str:
    with tempfile.TemporaryDirectory(prefix="robotq-long-") as name:
        try:
            return one(Path(name), firmware, seed)
        except AssertionError as error:
            return f"{firmware}, seed {seed}: {error}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drivers.gcode.long_runs")
    parser.add_argument("--seeds", type=int, default=20)
    seeds = range(parser.parse_args().seeds)
    wrong: list[str] = []
    for firmware in FIRMWARES:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(lambda seed, of=firmware: outcome(of, seed), seeds))
        runs = [each for each in found if isinstance(each, Outcome)]
        failed = [each for each in found if isinstance(each, str)]
        wrong += failed
        told = [
            _counted(Counter(f"{each.how}: {each.ended}" for each in runs)),
            _counted(Counter(each.position for each in runs)),
            f"{sum(each.faults for each in runs)} faults",
            f"{len(failed)} wrong",
        ]
        sys.stdout.write(f"{firmware:8} {len(found)} runs; " + "; ".join(told) + "\n")
        sys.stdout.flush()
    sys.stdout.writelines(f"{each}\n" for each in wrong)
    return 1 if wrong else 0


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {word}" for word, number in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
