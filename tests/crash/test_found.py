"""What the crash harness has found, each made to happen for certain."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from robotq.drivers.base import CommandContext, DriverSetup, Stopped
from robotq.drivers.simulator.driver import SimulatorDriver
from robotq.model.json import JsonObject
from robotq.model.task import Command, TaskState

from .lab import drive, ended, started_order, working_lab


async def test_batch__whose_first_task_waits_for_a_place_keeps_its_order(tmp_path: Path) -> None:
    async with working_lab(tmp_path, "robot_a", "robot_b") as lab:
        (other,) = await drive(lab, "CHROMATOGRAPH", robot="robot_b")
        await ended(lab, other)
        there, away = await drive(lab, "CHROMATOGRAPH", "HOME")
        (single,) = await drive(lab, "CHARGER")
        await ended(lab, single)
        (leaving,) = await drive(lab, "HOME", robot="robot_b")
        await ended(lab, away)
        assert await started_order(lab) == [other, single, leaving, there, away]


async def test_batch__of_which_one_task_was_cancelled_waits_its_turn_after_a_restart(
    tmp_path: Path,
) -> None:
    async with working_lab(tmp_path) as lab:
        await lab.pause(None, actor="test")
        (before,) = await drive(lab, "CHARGER")
        first, second, third = await drive(lab, "HOME", "CHARGER", "HOME")
        await lab.queue.cancel(first, actor="test")
    async with working_lab(tmp_path) as lab:
        await lab.resume(None, actor="test")
        await ended(lab, third)
        assert await started_order(lab) == [before, second, third]


class SlowLine(SimulatorDriver):
    """Commands are done when the test says so; a stop reaches the robot only after that."""

    def __init__(self, setup: DriverSetup) -> None:
        super().__init__(setup)
        self.begun = threading.Event()
        self.done = threading.Semaphore(0)
        self.first_is_done = threading.Event()
        self.stop_sent = threading.Event()
        self.stop_arrived = threading.Event()
        self._stopped = False

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        self._stopped = False
        self.begun.set()
        self.done.acquire(timeout=10)
        self.first_is_done.set()
        if self._stopped:
            raise Stopped
        return {}

    def stop(self) -> None:
        self.stop_sent.set()
        self.first_is_done.wait(10)
        # time enough for the next command to begin, if it is let
        time.sleep(0.05)
        self._stopped = True
        self.stop_arrived.set()


async def test_stop__that_comes_too_late_does_not_stop_the_next_command(tmp_path: Path) -> None:
    robots: list[SlowLine] = []

    def make(setup: DriverSetup) -> SlowLine:
        robots.append(SlowLine(setup))
        return robots[0]

    async with working_lab(tmp_path, driver=make) as lab:
        (robot,) = robots
        (first,) = await drive(lab, "CHARGER")
        (second,) = await drive(lab, "HOME")
        assert await asyncio.to_thread(robot.begun.wait, 10)
        cancelling = asyncio.create_task(lab.queue.cancel(first, actor="test"))
        assert await asyncio.to_thread(robot.stop_sent.wait, 10)
        robot.done.release()
        assert await asyncio.to_thread(robot.stop_arrived.wait, 10)
        robot.done.release()
        assert (await cancelling).state is TaskState.COMPLETED
        assert (await ended(lab, second)).state is TaskState.COMPLETED
        assert not lab.holds.held("robot_a")
