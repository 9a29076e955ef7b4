"""`python -m tests.drivers.gcode.cam_table`: what becomes of each program on each firmware, as a
table: as it is, with what the options have to say, or the line at which it is refused. Each one is
run on the emulator; exit code 1 where an error came after the first motion."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from robotq.drivers import grbl, marlin
from robotq.drivers.base import DriverError
from tests.drivers.gcode.bench import bench
from tests.drivers.gcode.runs.test_cam import (
    FIRMWARES,
    PROGRAMS,
    RUNS,
    emulator,
    options,
    run,
    text_of,
)


def outcome(path: Path, firmware: str, *, as_it_is: bool) -> tuple[str, str]:
    """One word for the count, and what to tell."""
    said = {} if as_it_is else RUNS.get((path.stem, firmware), {})
    create = marlin.create if firmware in ("marlin", "reprap") else grbl.create
    with tempfile.TemporaryDirectory(prefix="robotq-cam-") as name:
        folder = Path(name)
        with (
            emulator(firmware, folder) as device,
            bench(create, folder, device.port, **options(firmware, said)) as robot,
        ):
            try:
                run(robot, text_of(path))
            except DriverError as error:
                late = bool(device.axes.moved)
                return ("LATE" if late else "refused"), str(error)
            return "runs", f"runs, {len(device.axes.moved)} motions"


def main() -> int:
    counts: Counter[str] = Counter()
    for path in PROGRAMS:
        for firmware in FIRMWARES:
            word, told = outcome(path, firmware, as_it_is=True)
            if word == "refused" and (path.stem, firmware) in RUNS:
                word, told = outcome(path, firmware, as_it_is=False)
                said = RUNS[path.stem, firmware]
                of_site = {key: said[key] for key in ("translate", "allow") if key in said}
                told = f"with {of_site}: {told}" if word == "runs" else told
                word = "runs with options" if word == "runs" else word
            counts[word] += 1
            sys.stdout.write(f"{path.name:24} {firmware:8} {told}\n")
            sys.stdout.flush()
    sys.stdout.write(", ".join(f"{number} {word}" for word, number in counts.items()) + "\n")
    return 1 if counts["LATE"] else 0


if __name__ == "__main__":
    sys.exit(main())
