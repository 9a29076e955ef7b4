"""`python -m benchmarks [name ...]`: run benchmarks and say what came out."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks import report
from benchmarks.figures import Figure, Options
from benchmarks.machine import load_average, machine
from benchmarks.process import ROOT
from benchmarks.suite import BENCHMARKS, QUICK

_SCRATCH = ROOT / "build" / "benchmarks"
_TOLERANCE = 0.25


def main(arguments: list[str]) -> int:
    """Exit code 1 where something has become worse than in the file of `--compare`."""
    wanted = _parser().parse_args(arguments)
    names = wanted.names or list(BENCHMARKS)
    options = (
        replace(QUICK, folder=wanted.folder) if wanted.quick else Options(folder=wanted.folder)
    )
    if wanted.minutes is not None:
        options = replace(options, seconds=wanted.minutes * 60)
    options.folder.mkdir(parents=True, exist_ok=True)
    here = machine(options.folder)
    print(", ".join(f"{key} {value}" for key, value in here.items()))
    figures: list[Figure] = []
    for name in names:
        benchmark = BENCHMARKS[name]
        print(
            f"\n{name}: {benchmark.title} (load average before: {load_average():.1f})", flush=True
        )
        began = time.perf_counter()
        found = benchmark.run(options)
        print(*report.table(found), sep="\n")
        print(f"  took {time.perf_counter() - began:.0f} s", flush=True)
        figures += found
    if wanted.save is not None:
        report.save(wanted.save, here, figures)
    if wanted.compare is None:
        return 0
    worse = report.got_worse(figures, wanted.compare, here, wanted.tolerance)
    print(f"\nagainst {wanted.compare}:", *(worse or ["nothing got worse"]), sep="\n  ")
    return 1 if worse else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the results as JSON")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="say what got worse since")
    parser.add_argument(
        "--tolerance", type=float, default=_TOLERANCE, help="share that counts as worse"
    )
    parser.add_argument("--minutes", type=float, help="length of growth and load; default 1")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run at all?")
    parser.add_argument("--folder", type=Path, default=_SCRATCH, help="scratch folder")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
