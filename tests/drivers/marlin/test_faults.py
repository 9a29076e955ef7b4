"""What goes wrong between robotq and Marlin, one thing at a time.

Lines have numbers: whatever is lost or changed on the way is repeated until it has arrived, and
the controller's own log shows that no line is ever carried out twice.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.drivers import marlin
from robotq.drivers.base import DriverError, UncertainOutcome
from robotq.testing.emulators import Fault, FaultKind, Faults, MarlinEmulator
from tests.drivers.gcode.bench import bench, square

LINES = square(120)
HIT = LINES[60].split()[1]

OUTCOMES = {FaultKind.DIE: "link_lost", FaultKind.REBOOT: "device_reset"}


def outcome_of(device: MarlinEmulator, folder: Path, answer_timeout_s: float = 0.4) -> str:
    options = {"answer_timeout_s": answer_timeout_s}
    with bench(marlin.create, folder, device.port, **options) as robot:
        try:
            robot.run(LINES, timeout_s=60)
        except UncertainOutcome as error:
            return error.cause
        except DriverError:
            return "DriverError"
        return "completed"


@pytest.mark.parametrize("emergency_parser", [True, pytest.param(False, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", FaultKind)
def test_fault__has_the_right_outcome_and_repeats_nothing(
    tmp_path: Path, kind: FaultKind, emergency_parser: bool
) -> None:
    faults = Faults([Fault(kind=kind, line=HIT, seconds=0.3)])
    with MarlinEmulator(
        tmp_path / "ttyUSB0", faults=faults, speed=100, emergency_parser=emergency_parser
    ) as device:
        ended = outcome_of(device, tmp_path)
        assert faults.happened, "or nothing was tried"
        assert ended == OUTCOMES.get(kind, "completed")
        taken = [line for line in device.taken if line.startswith("G1")]
        assert taken == LINES[: len(taken)]
        assert ended != "completed" or taken == LINES


WIRE = [kind for kind in FaultKind if kind not in (FaultKind.DIE, FaultKind.REBOOT)]


@pytest.mark.parametrize(
    "seed", [3, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(20) if seed != 3)]
)
def test_noise__changes_no_line_and_repeats_none(tmp_path: Path, seed: int) -> None:
    faults = Faults(seed=seed, rate=0.05, kinds=WIRE)
    with MarlinEmulator(tmp_path / "ttyUSB0", faults=faults, speed=100) as device:
        # three times in a row something may befall the same line
        ended = outcome_of(device, tmp_path, answer_timeout_s=1.0)
        assert ended == "completed", faults.happened
        assert [line for line in device.taken if "G1" in line] == LINES
