"""Whatever comes in whatever order right after a start: nobody sleeps while there is work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from random import Random

import pytest
from msgspec.structs import replace

from robotq.model.task import TaskState
from tests.engine.conftest import Lab, StartLab
from tests.slices import some

ROBOTS = ("robot_a", "robot_b")


async def breathe(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


class Morning:
    """A daemon that has just been started, and people who did not wait for it."""

    def __init__(self, lab: Lab, random: Random) -> None:
        self._lab = lab
        self._random = random
        self._ids: list[str] = []

    async def submit(self) -> None:
        robot = self._random.choice(ROBOTS)
        self._ids.append(await self._lab.submit("x", robot=robot, take_s=0))

    async def batch(self) -> None:
        self._ids += await self._lab.batch("b1", "b2", robot=self._random.choice(ROBOTS), take_s=0)

    async def go(self) -> None:
        robot = self._random.choice(ROBOTS)
        place = self._random.choice(["BENCH_LEFT", "BENCH_RIGHT"])
        self._ids.append(
            await self._lab.submit("g", "GO", robot=robot, place=place, leave=True, take_s=0)
        )

    async def later(self) -> None:
        at_ms = self._lab.engine.clock.now_ms() + self._random.randint(0, 5)
        order = replace(self._lab.order("later", take_s=0), not_before_ms=at_ms)
        self._ids += (await self._lab.accept([order])).task_ids

    async def pause_and_resume(self) -> None:
        robot = self._random.choice((*ROBOTS, None))
        await self._lab.engine.pause(robot, actor="ann")
        await breathe(self._random.randint(0, 5))
        await self._lab.engine.resume(robot, actor="ann")

    async def ended(self) -> None:
        for task_id in self._ids:
            assert (await self._lab.ended(task_id)).state is TaskState.COMPLETED


@pytest.mark.parametrize("seed", some(range(40), 8))
async def test_start__whoever_submits_at_once_is_served(start_lab: StartLab, seed: int) -> None:
    random = Random(seed)
    lab = await start_lab(*ROBOTS, connected=False)
    morning = Morning(lab, random)
    acts: list[Callable[[], Awaitable[None]]] = [
        morning.submit,
        morning.submit,
        morning.batch,
        morning.go,
        morning.later,
        morning.pause_and_resume,
    ]
    doing = []
    for _ in range(random.randint(1, 8)):
        doing.append(asyncio.ensure_future(random.choice(acts)()))
        await breathe(random.randint(0, 4))
    await asyncio.gather(*doing)
    await morning.ended()


class Hurried:
    """A clock on which every look takes a millisecond."""

    def __init__(self) -> None:
        self._now_ms = 1_780_000_000_000

    def now_ms(self) -> int:
        self._now_ms += 1
        return self._now_ms

    steady_ms = now_ms


@pytest.mark.parametrize("in_ms", some(range(20), 6))
async def test_not_before__that_comes_between_two_looks_is_seen(
    start_lab: StartLab, in_ms: int
) -> None:
    clock = Hurried()
    lab = await start_lab(clock=clock)
    order = replace(lab.order("later", take_s=0), not_before_ms=clock.now_ms() + in_ms)
    (task_id,) = (await lab.accept([order])).task_ids
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED


@pytest.mark.parametrize("turns", some(range(12), 4))
async def test_one_command__is_enough_to_wake_a_robot(start_lab: StartLab, turns: int) -> None:
    """Nothing comes after it that would wake the executor in its place."""
    lab = await start_lab(connected=False)
    await breathe(turns)
    task_id = await lab.submit("only", take_s=0)
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED


@pytest.mark.parametrize("turns", some(range(8), 3))
async def test_link__that_comes_while_a_command_is_handed_in(
    start_lab: StartLab, turns: int
) -> None:
    linked = threading.Event()
    lab = await start_lab()
    lab.driver.hooks["connect"] = lambda: linked.wait(5)
    relinking = asyncio.create_task(lab.relink("robot_a"))
    await lab.until(lab.holds)
    submitting = asyncio.create_task(lab.submit("only", take_s=0))
    await breathe(turns)
    linked.set()
    await relinking
    assert (await lab.ended(await submitting)).state is TaskState.COMPLETED
