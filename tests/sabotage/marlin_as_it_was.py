"""`python -m tests.sabotage.marlin_as_it_was [--each N]`: the Marlin driver without one of the
things that a stop rests on, on the strict emulator, with the planner full. Each stop has to be
found wrong, and of the driver as it is none. Exit code 1 where it is not so."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from robotq.drivers import marlin
from robotq.drivers.gcode.position import Position
from robotq.drivers.marlin import stopping
from robotq.drivers.marlin.stopping import MarlinStopping
from robotq.testing.emulators import MarlinEmulator
from tests.drivers.gcode.bench import bench
from tests.drivers.gcode.stopping import full, stop_once

_AT_ONCE = 4
"""Robots at the same time: most of a stop is waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    name: str
    replaced: Mapping[str, Any] = field(default_factory=dict)
    """What stands in the place of what; `Class.name`, or a constant of `stopping`."""
    hows: Sequence[str] = ("stop", "estop")
    """One stop and not both: two are what makes it right."""
    options: Mapping[str, Any] = field(default_factory=dict)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        with ExitStack() as patches:
            for name, value in self.replaced.items():
                owner, dot, attribute = name.partition(".")
                of = _OWNERS[owner] if dot else stopping
                patches.enter_context(mock.patch.object(of, attribute or name, value))
            yield


_OWNERS: Mapping[str, Any] = {"Stopping": MarlinStopping, "Position": Position}


def _nothing(*_: object, **__: object) -> None:
    return None


_ONCE = {"Stopping.stop_again": _nothing, "_CLEANING_S": 0.0}

AS_IT_IS = Variant(name="as it is")
VARIANTS = (
    Variant(name="as it was: one M410, and the end told at its answer", replaced=_ONCE),
    Variant(
        name="one M410, and the end told when it is sent",
        replaced={**_ONCE, "Stopping._confirm": _nothing},
    ),
    Variant(
        name="a position that was lost is told as known", replaced={"Position.forget": _nothing}
    ),
    Variant(
        name="M112, and the end told when Marlin says that it has halted",
        replaced={"_RUN_ON_S": 0.0},
        hows=("estop",),
        options={"emergency": "M112"},
    ),
)


def wrong_stops(variant: Variant, number: int, seed: int = 1) -> list[str]:
    """What was wrong with each of so many stops; empty for one that was right."""

    def one(index: int) -> str:
        with tempfile.TemporaryDirectory(prefix="robotq-marlin-") as name:
            folder = Path(name)
            device = MarlinEmulator(folder / "ttyUSB0", speed=1.0)
            options = {"window": (1, 4)[index % 2], **variant.options}
            with device, bench(marlin.create, folder, device.port, **options) as robot:
                how = variant.hows[index % len(variant.hows)]
                return stop_once(robot, device, full, how, Random(seed * 1000 + index))

    with variant.in_force(), ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(one, range(number)))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.sabotage.marlin_as_it_was", description=__doc__
    )
    parser.add_argument("--each", type=int, default=12, help="stops of each variant")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    missed = 0
    sys.stdout.write("wrong  of  seconds  driver\n")
    for variant in (*VARIANTS, AS_IT_IS):
        began = time.monotonic()
        found = wrong_stops(variant, options.each, options.seed)
        wrong = [one for one in found if one]
        missed += len(wrong) if variant is AS_IT_IS else len(found) - len(wrong)
        seconds = time.monotonic() - began
        sys.stdout.write(f"{len(wrong):5d}  {len(found):2d}  {seconds:7.0f}  {variant.name}\n")
        if wrong:
            sys.stdout.write(f"                    e.g. {wrong[0]}\n")
        sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
