"""A program of two thousand lines on a bad wire, and somebody who stops, holds or does nothing at
a random moment: it ends where the standard says, or the place is told as lost; what was on is off,
and nothing moves behind the stop."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from robotq.drivers import grbl, marlin
from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.testing.emulators import Dialect, GrblEmulator, MarlinEmulator
from robotq.testing.emulators.faults import FaultKind, Faults
from tests.drivers.gcode.bench import Bench, Running, bench, until
from tests.drivers.gcode.standard import events
from tests.slices import some

FIRMWARES = [*Dialect, "marlin", "reprap"]
LINES = 2_000
SPEED = 400.0
REST_S = 0.3
ANSWERS = [FaultKind.LOSE_ANSWER, FaultKind.DOUBLE_ANSWER, FaultKind.DELAY_ANSWER,
           FaultKind.LOSE_LINE]  # fmt: skip
WIRE = [kind for kind in FaultKind if kind not in (FaultKind.DIE, FaultKind.REBOOT)]
HOWS = ["stop", "hold", "emergency", "nothing"]


def program(rolls: Random) -> list[str]:
    """Lines of every kind that all firmwares take, with spindle on from the beginning."""
    lines = ["(two thousand lines)", "G21 G90", "M3 S100", "G0 X100 Y100 F6000", "G1 F6000"]
    x, y = 100.0, 100.0
    while len(lines) < LINES:
        dx, dy = (rolls.randrange(-8, 9) / 2 for _ in "xy")
        dx += not (dx or dy)
        dx = -dx if not 5 < x + dx < 195 else dx
        dy = -dy if not 5 < y + dy < 195 else dy
        x, y = x + dx, y + dy
        match rolls.randrange(9):
            case 0:
                lines += ["G91", f"G1 X{dx} Y{dy}", "G90"]
            case 1:
                lines.append(f"N{len(lines)} G2 X{x} Y{y} I{dx / 2} J{dy / 2} ; half a circle")
                lines.append("G1 F6000")
            case 2:
                lines.append(f"X{x:.4f} Y{y:08.3f}")
            case 3:
                lines.append(f"G01 X{x} Y{y} F{rolls.randrange(3000, 9000)}")
            case _:
                lines.append(f"G1 X{x} Y{y}")
    return [*lines, "M5", "M30", "G1 X0"]


def act(robot: Bench, running: Running, how: str, rolls: Random) -> None:
    until(lambda: bool(running.context.fractions) or running.over, 60)
    time.sleep(rolls.uniform(0, 1.0))
    match how:
        case "stop":
            robot.driver.stop()
        case "emergency":
            robot.driver.emergency_stop()
        case "hold":
            try:
                robot.driver.hold()
                time.sleep(rolls.uniform(0, 0.2))
                robot.driver.resume()
            except (DriverError, LinkLost):
                # the program was over, or the wire was too bad
                return
        case _:
            """It runs to its end."""


class Outcome(NamedTuple):
    """Of one run, for who counts them."""

    how: str
    ended: str
    """completed, or the name of what was raised."""
    position: str
    """`as the program`, `as told` or `told as lost`."""
    faults: int


def one(folder: Path, firmware: str, seed: int) -> Outcome:
    """A run, and what has to be true of it."""
    rolls = Random(f"{firmware} {seed}")
    how = HOWS[(seed + FIRMWARES.index(firmware)) % len(HOWS)]
    lines = program(rolls)
    marlin_like = firmware in ("marlin", "reprap")
    rate = rolls.choice([0.0, 0.0005, 0.002])
    faults = Faults(seed=seed, rate=rate, kinds=WIRE if marlin_like else ANSWERS)
    device: GrblEmulator | MarlinEmulator
    if marlin_like:
        device = MarlinEmulator(folder / "tty", speed=SPEED, faults=faults)
    else:
        device = GrblEmulator(folder / "tty", dialect=Dialect(firmware), speed=SPEED, faults=faults)
    options = {"dialect": "reprap", "allow": ["M3", "M5", "G2"]} if firmware == "reprap" else {}
    create = marlin.create if marlin_like else grbl.create
    with device, bench(create, folder, device.port, answer_timeout_s=1.5, **options) as robot:
        running = robot.start_program(lines)
        act(robot, running, how, rolls)
        try:
            running.result(120)
            ended = told = "completed"
        except (Stopped, DriverError, UncertainOutcome, LinkLost) as error:
            ended, told = type(error).__name__, repr(error)
        status, begun = robot.driver.status(), len(device.axes.moved)
        gone = device.axes.travelled_mm
        time.sleep(REST_S)
        assert device.axes.travelled_mm == gone, f"{told}: it moved on"
        assert len(device.axes.moved) == begun
        on = device.on if isinstance(device, MarlinEmulator) else device.modes.spindle
        if how != "emergency" and not status.details.get("emergency_stop"):
            assert not on, f"{how}, {told}: the spindle is on"
        return Outcome(how, ended, _position(robot, device, lines, told), len(faults.happened))


def _position(
    robot: Bench, device: GrblEmulator | MarlinEmulator, lines: list[str], told: str
) -> str:
    status = robot.driver.status()
    if told == "completed":
        *_, (_, x, y, *_) = (event for event in events(lines) if event[0] in ("G1", "G2"))
        short = status.details.get("position_unknown_because") is not None
        assert device.axes.position[:2] == pytest.approx((x, y), abs=0.08 if short else 0.001)
        return "as the program"
    if not status.position_known:
        return "told as lost"
    at = [status.details.get(f"{axis}_mm") for axis in "xyz"]
    if at[0] is not None:
        assert at == pytest.approx(device.axes.position, abs=0.002), told
    return "as told"


@pytest.mark.slow
@pytest.mark.parametrize("seed", some(range(20), 1))
@pytest.mark.parametrize("firmware", FIRMWARES)
def test_long_program__ends_where_it_leads_to_or_says_that_it_is_lost(
    tmp_path: Path, firmware: str, seed: int
) -> None:
    one(tmp_path, firmware, seed)
