"""Crash points: all there, all met in an ordinary day, and dead when nobody asks for them."""

from __future__ import annotations

import subprocess
import sys
import timeit
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.model import crashpoints
from robotq.model.crashpoints import CrashPoint, at_crash_points, crash_point
from robotq.model.errors import ConfigError
from robotq.model.hold import HoldCode

from .lab import ended, submit, working_lab
from .ledger import Ledger
from .receiver import receiver


@pytest.fixture(autouse=True)
def nothing_set_afterwards() -> Iterator[None]:
    yield
    at_crash_points(None)


async def test_every_point__is_met_in_an_ordinary_day(tmp_path: Path) -> None:
    met: set[CrashPoint] = set()
    at_crash_points(met.add)
    broken = {"kind": "raise", "command": "ROBOT_ACTION", "step": "NOD"}
    async with (
        receiver(Ledger()) as url,
        working_lab(tmp_path, faults=[broken], webhook_url=url) as engine,
    ):
        with engine.reads.subscribe() as events:
            drove = await submit(engine, "NAVIGATION", key="once", area="CHARGER")
            while (await anext(events)).kind != "webhook.delivered":
                pass
        await ended(engine, (await engine.retry(drove, actor="test")).id)
        await ended(engine, await submit(engine, "RUN_GCODE", program="G21 G90\nG1 X1 F600\n"))

        with engine.reads.subscribe() as events:
            question = await submit(engine, "MANUAL_STEP", title="look")
            while not (await engine.reads.task(question)).waiting_for:
                await anext(events)
        await engine.answer(question, {"note": "seen"}, actor="test")
        await ended(engine, question)

        await engine.pause(None, actor="test")
        await engine.queue.cancel(await submit(engine, "NAVIGATION", area="HOME"), actor="test")
        await engine.resume(None, actor="test")

        def pause_just_after_the_claim(point: CrashPoint) -> None:
            met.add(point)
            if point is CrashPoint.CLAIMED:
                engine.holds.set("robot_a", HoldCode.PAUSED)

        at_crash_points(pause_just_after_the_claim)
        with engine.reads.subscribe() as events:
            given_back = await submit(engine, "NAVIGATION", area="HOME")
            while (await anext(events)).kind != "task.released":
                pass
        at_crash_points(met.add)
        await engine.resume(None, actor="test")
        await ended(engine, given_back)

        unknown = await ended(engine, await submit(engine, "ROBOT_ACTION", action_type="NOD"))
        assert unknown.outcome_unknown
        await engine.resolve(unknown.id, "failed", actor="test")

        await engine.estop.trigger(actor="test")
        await engine.estop.reset(actor="test")
    assert met == {point for point in CrashPoint if not point.of_fleet}


@pytest.mark.parametrize("text", ["nowhere", "claimed:0", "claimed:first"])
def test_variable__with_a_point_that_is_not__is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(ConfigError, match=f"found '{text}', expected .*claimed"):
        crashpoints.arm({"ROBOTQ_CRASH_POINT": text})


def test_variable__kills_the_process_the_nth_time() -> None:
    program = (
        "import os; from robotq.model.crashpoints import CrashPoint, arm, crash_point;"
        "arm(os.environ)\n"
        "for number in range(5):\n"
        "    crash_point(CrashPoint.CLAIMED); crash_point(CrashPoint.FINISHED)\n"
        "    print(number, flush=True)"
    )
    died = subprocess.run(
        [sys.executable, "-c", program],
        env={"ROBOTQ_CRASH_POINT": "claimed:3"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (died.returncode, died.stdout.split()) == (-9, ["0", "1"])


def test_point__costs_next_to_nothing_while_off() -> None:
    times = 10_000
    quickest = min(timeit.repeat(lambda: crash_point(CrashPoint.CLAIMED), number=times, repeat=20))
    # a commit takes a thousand times as long as this allows
    assert quickest / times < 5e-6
