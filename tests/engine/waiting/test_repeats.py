"""Commands that run again by themselves: each run once, and none after somebody has said stop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from robotq.config import LimitsConfig, QueueConfig
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import Repeat, Task, TaskState
from robotq.store.memory import MemoryStore
from robotq.store.port import TaskQuery
from tests.engine.conftest import Lab, StartLab
from tests.engine.disk import writes
from tests.engine.queue.test_order import SetClock

HOUR_MS = 3_600_000

PATIENT = LimitsConfig(stop_timeout_s=5, shutdown_grace_s=0.05)


async def repeating(lab: Lab, cmd_id: str, repeat: Repeat, **params: Any) -> str:
    order = replace(lab.order(cmd_id, params.pop("cmd_type", "WORK"), **params), repeat=repeat)
    return (await lab.accept([order])).task_ids[0]


async def runs(data: MemoryStore) -> list[Task]:
    """All tasks that repeat, by arrival."""
    tasks = reversed(await data.list(TaskQuery(limit=100_000)))
    return [task for task in tasks if task.repeat is not None]


async def over(lab: Lab) -> list[Task]:
    """The runs, when nothing waits or runs any more."""
    await lab.until(lambda: not lab.engine.reads.unfinished)
    return await runs(lab.disk.data)


def linked(tasks: list[Task]) -> bool:
    """Whether these are the runs 1, 2, 3, ... of one series."""
    first = tasks[0]
    return first.repeat_of is None and [
        (task.repeat_of, task.repeat.run if task.repeat else 0) for task in tasks[1:]
    ] == [(first.id, number) for number in range(2, len(tasks) + 1)]


async def test_count__is_so_many_tasks_one_after_the_other(lab: Lab) -> None:
    await repeating(lab, "again", Repeat(count=4), priority=2)
    tasks = await over(lab)
    assert linked(tasks)
    assert [task.state for task in tasks] == [TaskState.COMPLETED] * 4
    assert {(task.command.cmd_id, task.priority, task.actor) for task in tasks} == {
        ("again", 2, "test")
    }
    assert lab.driver.done == ["again"] * 4
    counts = lab.engine.reads.counts()
    assert (counts.total, counts.completed, counts.queue_size) == (4, 4, 0)


async def test_count__of_one_is_once(lab: Lab) -> None:
    await repeating(lab, "once", Repeat(count=1))
    assert len(await over(lab)) == 1


async def test_next_run__comes_behind_what_waits_already(lab: Lab) -> None:
    await lab.at_gate("first")
    await repeating(lab, "again", Repeat(count=3))
    await lab.submit("other")
    lab.driver.gate.set()
    await over(lab)
    assert lab.driver.done == ["first", "again", "other", "again", "again"]


async def test_queue_that_is_full__has_room_for_the_next_run(start_lab: StartLab) -> None:
    lab = await start_lab(queue=QueueConfig(max_length=1))
    await repeating(lab, "again", Repeat(count=3))
    assert len(await over(lab)) == 3


async def test_interval__counts_from_time_to_time_and_not_from_end_to_start(
    start_lab: StartLab,
) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock)
    begun_ms = clock.now_ms()
    await repeating(lab, "hourly", Repeat(interval_s=3_600), gate=True)
    robot_queue = lab.engine.reads.robot_queue("robot_a")
    for number in range(1, 4):
        await lab.until(lambda: lab.driver.at_gate)
        clock.time_ms += 600_000
        lab.driver.gate.set()
        await lab.until(lambda: not lab.driver.at_gate)
        lab.driver.gate.clear()
        await lab.until(lambda: robot_queue.waiting)
        (waiting,) = robot_queue
        assert waiting.not_before_ms == begun_ms + number * HOUR_MS
        clock.time_ms = begun_ms + number * HOUR_MS
        robot_queue.wake()
    lab.driver.gate.set()


async def test_interval__times_that_were_missed_are_not_caught_up(start_lab: StartLab) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock)
    begun_ms = clock.now_ms()
    first = await repeating(lab, "hourly", Repeat(interval_s=3_600))
    await lab.ended(first)
    await lab.engine.pause(None, actor="ann")
    clock.time_ms = begun_ms + 5 * HOUR_MS + 60_000
    await lab.engine.resume(None, actor="ann")
    await lab.until(lambda: len(lab.driver.done) == 2)
    robot_queue = lab.engine.reads.robot_queue("robot_a")
    await lab.until(lambda: robot_queue.waiting and robot_queue.running is None)
    (waiting,) = robot_queue
    assert waiting.not_before_ms == begun_ms + 6 * HOUR_MS
    assert lab.driver.done == ["hourly", "hourly"]


async def test_interval__a_clock_that_was_set_back_delays_it_by_one_interval_at_most(
    start_lab: StartLab,
) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock)
    await repeating(lab, "hourly", Repeat(interval_s=3_600), gate=True)
    await lab.until(lambda: lab.driver.at_gate)
    clock.time_ms -= 30 * 24 * HOUR_MS + 1
    lab.driver.gate.set()
    robot_queue = lab.engine.reads.robot_queue("robot_a")
    await lab.until(lambda: robot_queue.waiting)
    (waiting,) = robot_queue
    assert waiting.not_before_ms is not None
    assert 0 < waiting.not_before_ms - clock.now_ms() <= HOUR_MS


async def test_expires_at__each_run_has_as_long_as_the_first(start_lab: StartLab) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock)
    begun_ms = clock.now_ms()
    order = replace(
        lab.order("x"),
        not_before_ms=begun_ms,
        expires_at_ms=begun_ms + 60_000,
        repeat=Repeat(interval_s=3_600, on_failure="continue"),
    )
    (first,) = (await lab.accept([order])).task_ids
    await lab.ended(first)
    robot_queue = lab.engine.reads.robot_queue("robot_a")
    (second,) = robot_queue
    assert second.expires_at_ms == begun_ms + HOUR_MS + 60_000
    await lab.engine.pause(None, actor="ann")
    clock.time_ms = begun_ms + HOUR_MS + 60_000
    lab.engine._parts.tasks.expiry._deadlines._changed.set()
    ended = await lab.ended(second.id)
    assert ended.error is not None
    assert ended.error.code == "expired"
    (third,) = robot_queue
    assert third.not_before_ms == begun_ms + 2 * HOUR_MS


@pytest.mark.parametrize(
    ("params", "held"),
    [
        ({"fail": "jam"}, False),
        ({"stop_there": True}, True),
        ({"uncertain": "link_lost"}, True),
        ({"raise": "boom"}, True),
    ],
)
async def test_failure__ends_the_series(lab: Lab, params: dict[str, Any], held: bool) -> None:
    await repeating(lab, "x", Repeat(count=5), **params)
    assert len(await over(lab)) == 1
    assert bool(lab.holds()) is held


async def test_failure__is_passed_over_where_that_was_asked_for(lab: Lab) -> None:
    await repeating(lab, "x", Repeat(count=3, on_failure="continue"), fail="jam")
    tasks = await over(lab)
    assert linked(tasks)
    assert [task.state for task in tasks] == [TaskState.FAILED] * 3


async def test_emergency_stop__ends_the_series_whatever_was_asked_for(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    first = await repeating(lab, "x", Repeat(count=3, on_failure="continue"), take_s=50)
    await lab.running(first)
    await lab.engine.estop.trigger(actor="ann")
    thaw()
    assert (await lab.ended(first)).state is TaskState.FAILED
    assert len(await over(lab)) == 1


@pytest.mark.parametrize(
    ("outcome", "on_failure", "goes_on"),
    [
        ("completed", "stop", True),
        ("failed", "stop", False),
        ("failed", "continue", True),
    ],
)
async def test_unknown_outcome__waits_for_the_person_who_decides(
    lab: Lab, outcome: str, on_failure: str, goes_on: bool
) -> None:
    first = await repeating(lab, "x", Repeat(count=2, on_failure=on_failure), uncertain="link_lost")
    await lab.ended(first)
    await lab.held(HoldCode.OUTCOME_UNKNOWN)
    assert len(await runs(lab.disk.data)) == 1
    await lab.engine.resolve(first, outcome, actor="ann")
    tasks = await over(lab)
    assert len(tasks) == 1 + goes_on
    assert linked(tasks)


async def test_unknown_outcome__that_is_tried_again_is_the_same_run_and_goes_on(lab: Lab) -> None:
    order = replace(lab.order("x", lose_link="cable"), repeat=Repeat(count=3))
    (first,) = (await lab.accept([order])).task_ids
    await lab.ended(first)
    lab.driver.reachable = True
    await lab.until(lambda: lab.holds() == {HoldCode.OUTCOME_UNKNOWN})
    await lab.engine.pause(None, actor="ann")
    resolved = await lab.engine.resolve(first, "retry", actor="ann")
    assert resolved.resolution is not None
    again = await lab.find(resolved.resolution.retried_as or "")
    assert again.repeat == Repeat(count=3)
    assert (again.retry_of, again.repeat_of) == (first, first)
    assert lab.engine.queue.current_run(resolved) == again.id
    with pytest.raises(RobotqError) as refused:
        await lab.engine.retry(first, actor="ann")
    assert refused.value.args_["retried_as"] == again.id


async def test_cancel__of_a_waiting_run_ends_the_series(lab: Lab) -> None:
    await lab.at_gate("first")
    waiting = await repeating(lab, "x", Repeat(count=3))
    await lab.engine.queue.cancel(waiting, actor="ann")
    lab.driver.gate.set()
    assert len(await over(lab)) == 1


async def test_cancel__of_a_running_run_ends_the_series(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    first = await repeating(lab, "x", Repeat(count=3), take_s=50)
    await lab.running(first)
    cancelling = asyncio.create_task(lab.engine.queue.cancel(first, actor="ann"))
    await lab.quiet()
    thaw()
    assert (await cancelling).state is TaskState.CANCELLED
    assert len(await over(lab)) == 1


async def test_cancel__that_came_too_late_for_the_run_still_ends_the_series(lab: Lab) -> None:
    first = await repeating(lab, "x", Repeat(count=3), gate=True)
    await lab.until(lambda: lab.driver.at_gate)
    cancelling = asyncio.create_task(lab.engine.queue.cancel(first, actor="ann"))
    await lab.quiet()
    lab.driver.gate.set()
    assert (await cancelling).state is TaskState.COMPLETED
    assert len(await over(lab)) == 1


async def test_current__leads_from_every_run_to_the_one_that_is_there(lab: Lab) -> None:
    first = await repeating(lab, "x", Repeat(interval_s=3_600))
    ended = await lab.ended(first)
    current = lab.engine.queue.current_run(ended)
    assert current is not None
    assert (await lab.find(current)).state is TaskState.PENDING
    await lab.engine.queue.cancel(current, actor="ann")
    assert lab.engine.queue.current_run(ended) is None
    with pytest.raises(RobotqError, match="is completed"):
        await lab.engine.queue.cancel(first, actor="ann")


async def test_restart__goes_on_with_the_run_that_waits(start_lab: StartLab) -> None:
    lab = await start_lab()
    await repeating(lab, "x", Repeat(count=4), gate=True)
    lab.driver.gate.set()
    await lab.until(lambda: lab.driver.done)
    await lab.engine.pause(None, actor="ann")
    await lab.until(lambda: lab.engine.reads.robot_queue("robot_a").running is None)
    done = len(lab.driver.done)
    again = await start_lab(data=await lab.kill())
    again.driver.gate.set()
    (waiting,) = again.engine.reads.robot_queue("robot_a")
    (first, *_) = await runs(again.disk.data)
    assert again.engine.queue.current_run(first) == waiting.id
    await again.engine.resume(None, actor="ann")
    tasks = await over(again)
    assert linked(tasks)
    assert len(tasks) == 4
    assert done + len(again.driver.done) == 4


@pytest.mark.parametrize("cut", ["before", "at"])
async def test_death__at_the_end_of_a_run_neither_loses_nor_doubles_the_next(
    start_lab: StartLab, cut: str
) -> None:
    lab = await start_lab()
    await repeating(lab, "x", Repeat(count=3), cmd_type="MEASURE")
    if cut == "at":
        lab.disk.dies_at = writes(TaskState.COMPLETED)
    else:
        lab.disk.dies_at = writes(TaskState.RUNNING)
    await lab.until(lambda: lab.disk.dead)
    again = await start_lab(data=await lab.kill())
    tasks = await over(again)
    assert linked(tasks)
    assert [task.state for task in tasks] == [TaskState.COMPLETED] * 3


async def test_death__in_the_middle_of_a_run_waits_for_a_person(start_lab: StartLab) -> None:
    lab = await start_lab()
    first = await repeating(lab, "x", Repeat(count=2), gate=True)
    await lab.until(lambda: lab.driver.at_gate)
    again = await start_lab(data=await lab.kill())
    assert len(await runs(again.disk.data)) == 1
    again.driver.gate.set()
    await again.engine.resolve(first, "completed", actor="ann")
    assert linked(await over(again))


async def test_shutdown__the_next_run_waits_for_the_next_start(start_lab: StartLab) -> None:
    # on a busy machine the run gets its end in time too
    lab = await start_lab(limits=LimitsConfig(shutdown_grace_s=5))
    await repeating(lab, "x", Repeat(count=3), gate=True)
    await lab.until(lambda: lab.driver.at_gate)
    ending = asyncio.create_task(lab.engine.shut_down())
    await lab.quiet()
    lab.driver.gate.set()
    await ending
    assert [task.state for task in await runs(lab.disk.data)] == [
        TaskState.COMPLETED,
        TaskState.PENDING,
    ]


@pytest.mark.parametrize("on_failure", ["stop", "continue"])
async def test_shutdown__that_stops_a_run_does_not_end_the_series(
    start_lab: StartLab, on_failure: str
) -> None:
    """An orderly restart in the middle of a long run: the next one waits for the start."""
    lab = await start_lab(limits=PATIENT)
    thaw = lab.clock.freeze()
    first = await repeating(lab, "x", Repeat(count=3, on_failure=on_failure), take_s=50)
    await lab.running(first)
    await lab.engine.shut_down()
    thaw()
    stopped, following = await runs(lab.disk.data)
    assert stopped.error is not None
    assert stopped.error.code == "stopped_by_shutdown"
    assert (following.state, following.repeat_of) == (TaskState.PENDING, first)
    again = await start_lab(data=lab.disk.data)
    assert [task.state for task in await over(again)] == [
        TaskState.FAILED,
        TaskState.COMPLETED,
        TaskState.COMPLETED,
    ]


async def test_shutdown__after_which_nobody_knows_where_the_robot_stands_asks_first(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(limits=PATIENT)
    lab.driver.position_known = False
    thaw = lab.clock.freeze()
    first = await repeating(lab, "x", Repeat(count=2), take_s=50)
    await lab.running(first)
    await lab.engine.shut_down()
    thaw()
    again = await start_lab(data=lab.disk.data)
    await again.quiet()
    assert again.holds() == {HoldCode.SHUTDOWN}
    assert again.driver.done == []
    await again.engine.resume(None, actor="ann")
    assert (await over(again))[-1].state is TaskState.COMPLETED


async def test_cancel__then_an_orderly_restart_ends_the_series(start_lab: StartLab) -> None:
    lab = await start_lab()
    await repeating(lab, "x", Repeat(count=3), gate=True)
    await lab.until(lambda: lab.driver.at_gate)
    (first,) = await runs(lab.disk.data)
    cancelling = asyncio.create_task(lab.engine.queue.cancel(first.id, actor="ann"))
    await lab.until(lambda: lab._in_memory(first.id).asked)
    ending = asyncio.create_task(lab.engine.shut_down())
    await lab.quiet()
    lab.driver.gate.set()
    await ending
    await cancelling
    assert len(await runs(lab.disk.data)) == 1


async def test_disk_full__at_the_end_of_a_run_makes_one_next(lab: Lab) -> None:
    await repeating(lab, "x", Repeat(count=3), gate=True)
    await lab.until(lambda: lab.driver.at_gate)
    lab.disk.full = "no space left"
    lab.driver.gate.set()
    await lab.held(HoldCode.STORE_UNAVAILABLE)
    await lab.quiet()
    lab.disk.full = None
    tasks = await over(lab)
    assert linked(tasks)
    assert len(tasks) == 3


async def test_cancel__whose_stop_is_not_confirmed_ends_the_series_too(lab: Lab) -> None:
    """Resolved as done, the next run started, although somebody had called the series off."""
    first = await repeating(lab, "x", Repeat(count=3), gate=True)
    await lab.until(lambda: lab.driver.at_gate)
    await lab.running(first)
    cancelled = await lab.engine.queue.cancel(first, actor="ann", reason="wrong rack")
    assert cancelled.outcome_unknown
    assert cancelled.asked is not None
    asked = cancelled.asked
    assert (asked.cause, asked.actor, asked.reason) == ("cancel", "ann", "wrong rack")
    lab.driver.gate.set()
    await lab.held(HoldCode.OUTCOME_UNKNOWN)
    await lab.engine.resolve(first, "completed", actor="bob")
    assert len(await over(lab)) == 1


async def test_cancel__then_death_before_the_end_is_written_ends_the_series_after_the_restart(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    first = await repeating(lab, "x", Repeat(count=3), gate=True)
    await lab.until(lambda: lab.driver.at_gate)
    await lab.running(first)
    cancelling = asyncio.create_task(lab.engine.queue.cancel(first, actor="ann"))
    await lab.until(lambda: lab._in_memory(first).asked)
    again = await start_lab(data=await lab.kill())
    cancelling.cancel()
    assert again.holds() == {HoldCode.OUTCOME_UNKNOWN}
    await again.engine.resolve(first, "completed", actor="bob")
    assert len(await over(again)) == 1
    assert again.driver.done == []


async def test_emergency_stop__that_is_not_confirmed_ends_the_series_after_a_restart_too(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    first = await repeating(lab, "x", Repeat(count=3, on_failure="continue"), gate=True)
    await lab.until(lambda: lab.driver.at_gate)
    await lab.running(first)
    await lab.engine.estop.trigger(actor="ann")
    assert (await lab.ended(first)).outcome_unknown
    again = await start_lab(data=await lab.kill())
    await again.engine.estop.reset(actor="bob")
    await again.engine.resume(None, actor="bob")
    await again.engine.resolve(first, "failed", actor="bob")
    assert len(await over(again)) == 1


async def test_cancel__of_one_that_is_tried_again_by_hand_is_that_run_alone(lab: Lab) -> None:
    first = await repeating(lab, "x", Repeat(count=3), gate=True)
    await lab.until(lambda: lab.driver.at_gate)
    await lab.running(first)
    await lab.engine.queue.cancel(first, actor="ann")
    lab.driver.gate.set()
    await lab.held(HoldCode.OUTCOME_UNKNOWN)
    resolved = await lab.engine.resolve(first, "retry", actor="bob")
    assert resolved.resolution is not None
    again = await lab.find(resolved.resolution.retried_as or "")
    assert again.repeat is None
    await lab.ended(again.id)
