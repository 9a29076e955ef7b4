"""Which command is next: arrival, priority, time, and a retry before everything."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from robotq.engine.timings import Timings
from robotq.model.errors import RobotqError
from robotq.model.hold import WaitCode
from robotq.model.task import TaskState
from tests.engine.conftest import Lab, StartLab


class SetClock:
    """A wall clock that somebody sets."""

    def __init__(self) -> None:
        self.time_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.time_ms

    def steady_ms(self) -> int:
        return self.time_ms


async def test_arrival__is_the_order_of_one_robot_s_commands(lab: Lab) -> None:
    ids = [await lab.submit(str(number)) for number in range(20)]
    for task_id in ids:
        await lab.ended(task_id)
    assert lab.driver.done == [str(number) for number in range(20)]
    assert lab.driver.most_at_once == 1


async def test_two_robots__work_in_parallel(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    thaw = lab.clock.freeze()
    tasks = [await lab.submit(name, robot=name, take_s=50) for name in lab.drivers]
    for task_id in tasks:
        await lab.running(task_id)
    # a command counts as running a moment before its driver moves
    await lab.until(lambda: all(driver.in_motion for driver in lab.drivers.values()))
    thaw()
    for task_id in tasks:
        await lab.ended(task_id)
    assert lab.clock.now() == 50


async def test_priority__goes_before_arrival_and_never_into_what_runs(lab: Lab) -> None:
    await lab.at_gate("running")
    ids = [await lab.submit(f"p{priority}", priority=priority) for priority in (0, -5, 10, 0, 5)]
    robot_queue = lab.engine.reads.robot_queue("robot_a")
    positions = [robot_queue.position(await lab.find(task_id)) for task_id in ids]
    assert positions == [3, 5, 1, 4, 2]
    lab.driver.gate.set()
    for task_id in ids:
        await lab.ended(task_id)
    assert lab.driver.done == ["running", "p10", "p5", "p0", "p0", "p-5"]


async def test_retry__is_a_new_task_at_the_head(lab: Lab) -> None:
    failed = await lab.run("bad", fail="jam")
    await lab.engine.pause(None, actor="ann")
    waiting = [await lab.submit("x"), await lab.submit("urgent", priority=7)]
    again = await lab.engine.retry(failed.id, actor="ann")
    assert (again.retry_of, again.command, again.actor) == (failed.id, failed.command, "ann")
    assert again.id not in (failed.id, *waiting)
    assert lab.engine.reads.robot_queue("robot_a").position(again) == 1
    ended = await lab.find(failed.id)
    assert ended.retried_as == again.id
    assert (ended.state, ended.error) == (failed.state, failed.error), "an end is final"
    await lab.engine.resume(None, actor="ann")
    await lab.ended(waiting[0])
    assert lab.driver.done == ["bad", "bad", "urgent", "x"]


async def test_retry__needs_an_end_that_is_known(lab: Lab) -> None:
    running = await lab.at_gate("first")
    with pytest.raises(RobotqError, match="is running"):
        await lab.engine.retry(running, actor="ann")
    lab.driver.gate.set()
    unknown = await lab.run("lost", uncertain="link_lost")
    with pytest.raises(RobotqError, match="is outcome_unknown"):
        await lab.engine.retry(unknown.id, actor="ann")


async def test_not_before__is_passed_over_until_it_is_due(start_lab: StartLab) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock)
    order = replace(lab.order("later"), not_before_ms=clock.now_ms() + 60_000)
    (later,) = (await lab.accept([order])).task_ids
    assert (await lab.run("now")).state is TaskState.COMPLETED
    (wait,) = lab.engine.queue.waits(await lab.find(later))
    assert (wait.code, wait.args) == (WaitCode.NOT_BEFORE, {"at_ms": clock.now_ms() + 60_000})
    clock.time_ms += 60_000
    assert (await lab.run("after")).state is TaskState.COMPLETED
    await lab.ended(later)
    assert lab.driver.done == ["now", "later", "after"]


async def test_not_before__starts_by_itself_when_it_is_due(start_lab: StartLab) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock)
    order = replace(lab.order("soon"), not_before_ms=clock.now_ms() + 10)
    (task_id,) = (await lab.accept([order])).task_ids
    await lab.quiet()
    assert (await lab.find(task_id)).state is TaskState.PENDING
    clock.time_ms += 10
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED


async def test_not_before__is_looked_at_again_after_somebody_has_set_the_clock(
    start_lab: StartLab,
) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock, timings=Timings(look_s=0.01))
    order = replace(lab.order("tomorrow"), not_before_ms=clock.now_ms() + 86_400_000)
    (task_id,) = (await lab.accept([order])).task_ids
    await lab.quiet()
    clock.time_ms += 86_400_000
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED


async def test_expires_at__fails_what_was_not_started_in_time(start_lab: StartLab) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock)
    await lab.at_gate("first")
    order = replace(lab.order("stale"), expires_at_ms=clock.now_ms() + 1_000)
    (stale,) = (await lab.accept([order])).task_ids
    after = await lab.submit("after")
    clock.time_ms += 1_000
    lab.driver.gate.set()
    task = await lab.ended(stale)
    assert task.error is not None
    assert (task.state, task.error.code, task.attempt) == (TaskState.FAILED, "expired", 0)
    assert (await lab.ended(after)).state is TaskState.COMPLETED
    assert lab.driver.done == ["first", "after"]


async def test_many_waiting_for_one_place__do_not_hold_up_the_loop(start_lab: StartLab) -> None:
    """Every one of them is looked at whenever something changes."""
    lab = await start_lab("robot_a", "robot_b")
    await lab.run("there", "GO", place="BENCH_LEFT")
    orders = [lab.order(str(n), "GO", robot="robot_b", place="BENCH_RIGHT") for n in range(2_000)]
    await lab.accept(orders, batch=True, contiguous=False)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(10):
        await lab.submit("x")
        await lab.quiet()
    assert loop.time() - began < 2
