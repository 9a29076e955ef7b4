"""Stops at random moments of many robots at once, and what moved after they were told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random

from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode.bench import Bench, Running, until

Device = GrblEmulator | MarlinEmulator
Scene = Callable[[Bench, Device], Running]
"""Begins something, and returns when it is what the scene is named after."""

REST_S = 1.3
"""Longer than Marlin's second, after which a waiting line would be carried out, and than the
silence of Grbl after a reset."""
HOWS = ("stop", "estop", "both")


def moves(number: int, feed: int) -> list[str]:
    return [f"G1 X{90 if n % 2 == 0 else 10} Y{10 + n % 80} F{feed}" for n in range(number)]


def full(robot: Bench, device: Device) -> Running:
    running = robot.start_program(moves(40, 6000))
    until(lambda: device.axes.full, 60)
    return running


def not_full(robot: Bench, device: Device) -> Running:
    running = robot.start_program(moves(6, 1500))
    until(lambda: bool(device.axes.blocks), 60)
    return running


def tiny(robot: Bench, device: Device) -> Running:
    """Segments of a tenth of a millimetre: a planner that is full and soon empty."""
    lines = [f"G1 X{10 + n / 10:.1f} Y{n % 3 / 10:.1f} F3000" for n in range(800)]
    running = robot.start_program(lines)
    until(lambda: len(device.axes.moved) > 0 and bool(device.axes.blocks), 60)
    return running


def long_arcs(robot: Bench, device: Device) -> Running:
    there, back = "G2 X90 Y20 I40 J0 F6000", "G3 X10 Y20 I-40 J0 F6000"
    lines = [back if n % 2 else there for n in range(40)]
    running = robot.start_program(["G1 X10 Y20 F6000", *lines])
    until(lambda: device.axes.full, 60)
    return running


def stop_once(
    robot: Bench, device: Device, scene: Scene, how: str, random: Random, *, survives: bool = False
) -> str:
    """What was wrong with a stop at a random moment; empty where nothing was.

    `survives`: after a controlled stop the position has to be known.
    """
    running = scene(robot, device)
    time.sleep(random.uniform(0, 0.3))
    seen = len(_seen(device))
    if how != "estop":
        robot.driver.stop()
    if how == "both":
        time.sleep(random.uniform(0, 0.1))
    if how != "stop":
        robot.driver.emergency_stop()
    until(lambda: len(_seen(device)) > seen and (running.over or not device.axes.moving))
    if running.over and device.axes.moving:
        return f"{scene.__name__}, {how}: it was told while it moved"
    starts = device.axes.starts
    try:
        running.result(60)
    except Stopped:
        pass
    except (DriverError, LinkLost, UncertainOutcome) as error:
        return f"{scene.__name__}, {how}: ended as {error!r}"
    else:
        return f"{scene.__name__}, {how}: completed"
    # from here on it was told that it has stopped
    gone, begun = device.axes.travelled_mm, len(device.axes.moved)
    status = robot.driver.status()
    time.sleep(REST_S)
    more_mm = device.axes.travelled_mm - gone
    if more_mm or len(device.axes.moved) != begun or device.axes.blocks:
        return f"{scene.__name__}, {how}: {more_mm:.3f} mm more after it was told"
    if device.axes.starts != starts:
        return f"{scene.__name__}, {how}: it stood, and moved once more before it was told"
    if status.position_known and device.axes.slipped:
        return f"{scene.__name__}, {how}: a position that is not certain was told as known"
    if survives and how == "stop" and not status.position_known:
        return f"{scene.__name__}, {how}: the position is lost"
    return "" if not status.position_known else _other_position(robot, device, how)


def _seen(device: Device) -> Sequence[object]:
    """The stops that have reached it."""
    return device.stops if isinstance(device, MarlinEmulator) else device.urgent_bytes


def _other_position(robot: Bench, device: Device, how: str) -> str:
    details = robot.driver.status().details
    if "x_mm" not in details:
        return ""
    told = tuple(details[f"{axis}_mm"] for axis in "xyz")
    away = max(abs(a - b) for a, b in zip(told, device.axes.position, strict=True))
    return f"{how}: it says {told}, and stands at {device.axes.position}" if away > 0.002 else ""


def stops(
    robot: Bench,
    device: Device,
    scenes: Sequence[Scene],
    number: int,
    seed: int,
    *,
    survives: bool = False,
) -> list[str]:
    """What was wrong in `number` stops of one robot."""
    random = Random(seed)
    wrong = []
    for n in range(number):
        how, scene = HOWS[n % len(HOWS)], scenes[(n // len(HOWS)) % len(scenes)]
        wrong.append(stop_once(robot, device, scene, how, random, survives=survives))
        if how != "stop":
            robot.driver.reset()
        # a person looks where it stands
        device.order(lambda: setattr(device.axes, "slipped", False))
        robot.do([{"step": "UNLOCK", "unlock": True}])
    return [one for one in wrong if one]


def of_many(
    folder: Path,
    make: Callable[[Path, int], AbstractContextManager[tuple[Bench, Device]]],
    scenes: Sequence[Scene],
    *,
    robots: int,
    each: int,
    seed: int,
    survives: bool = False,
) -> list[str]:
    """The same of several robots at once: most of a stop is waiting."""

    def one(number: int) -> list[str]:
        own = folder / f"robot{number}"
        own.mkdir()
        with make(own, number) as (robot, device):
            turned = [*scenes[number % len(scenes) :], *scenes[: number % len(scenes)]]
            return stops(robot, device, turned, each, seed * 1000 + number, survives=survives)

    with ThreadPoolExecutor(robots) as pool:
        return [wrong for found in pool.map(one, range(robots)) for wrong in found]
