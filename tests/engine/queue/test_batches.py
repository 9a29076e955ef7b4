"""Tasks submitted together: all or none, nothing foreign in between, one failure for all."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from robotq.config import QueueConfig
from robotq.model.errors import RobotqError
from robotq.model.task import TaskState
from tests.engine.conftest import Lab, StartLab
from tests.engine.disk import writes


async def states(lab: Lab, ids: object) -> list[TaskState]:
    assert isinstance(ids, tuple | list)
    return [(await lab.find(task_id)).state for task_id in ids]


async def test_batch__runs_with_nothing_foreign_in_between(lab: Lab) -> None:
    await lab.at_gate("first")
    ids = await lab.batch("b1", "b2", "b3")
    urgent = await lab.submit("urgent", priority=10)
    tasks = [await lab.find(task_id) for task_id in ids]
    assert len({task.batch_id for task in tasks}) == 1
    assert all(task.contiguous for task in tasks)
    lab.driver.hooks["status"] = lambda: None
    lab.driver.gate.set()
    for task_id in (*ids, urgent):
        await lab.ended(task_id)
    assert lab.driver.done == ["first", "urgent", "b1", "b2", "b3"]


async def test_batch__once_begun_lets_not_even_an_urgent_command_in(lab: Lab) -> None:
    orders = [lab.order("b1", gate=True), lab.order("b2"), lab.order("b3")]
    ids = (await lab.accept(orders, batch=True)).task_ids
    await lab.until(lambda: lab.driver.at_gate)
    urgent = await lab.submit("urgent", priority=10)
    lab.driver.gate.set()
    await lab.ended(urgent)
    assert lab.driver.done == ["b1", "b2", "b3", "urgent"]
    assert await states(lab, ids) == [TaskState.COMPLETED] * 3


async def test_batch__stays_together_over_a_pause(lab: Lab) -> None:
    orders = [lab.order("b1", gate=True), lab.order("b2")]
    ids = (await lab.accept(orders, batch=True)).task_ids
    await lab.until(lambda: lab.driver.at_gate)
    await lab.engine.pause(None, actor="ann")
    urgent = await lab.submit("urgent", priority=10)
    lab.driver.gate.set()
    await lab.ended(ids[0])
    await lab.engine.resume(None, actor="ann")
    await lab.ended(urgent)
    assert lab.driver.done == ["b1", "b2", "urgent"]


async def test_batch__once_begun_lets_nobody_in_while_its_next_command_waits(lab: Lab) -> None:
    later = replace(lab.order("b2"), not_before_ms=lab.engine.clock.now_ms() + 3_600_000)
    ids = (await lab.accept([lab.order("b1", gate=True), later], batch=True)).task_ids
    await lab.until(lambda: lab.driver.at_gate)
    other = await lab.submit("other")
    lab.driver.gate.set()
    await lab.ended(ids[0])
    await lab.quiet()
    assert lab.driver.done == ["b1"]
    await lab.engine.queue.cancel(ids[1], actor="ann")
    await lab.ended(other)
    assert lab.driver.done == ["b1", "other"]


async def test_first_failure__cancels_the_rest(lab: Lab) -> None:
    orders = [lab.order("b1"), lab.order("b2", fail="jam"), lab.order("b3"), lab.order("b4")]
    ids = (await lab.accept(orders, batch=True)).task_ids
    after = await lab.run("after")
    assert await states(lab, ids) == [
        TaskState.COMPLETED,
        TaskState.FAILED,
        TaskState.CANCELLED,
        TaskState.CANCELLED,
    ]
    rest = await lab.find(ids[3])
    assert rest.error is not None
    assert (rest.error.code, rest.error.args) == ("batch_failed", {"task_id": ids[1]})
    assert after.state is TaskState.COMPLETED
    assert lab.driver.done == ["b1", "b2", "after"]


async def test_first_failure__meets_somebody_who_cancels_one_of_the_rest(lab: Lab) -> None:
    orders = [lab.order("b1", gate=True, fail="jam"), lab.order("b2"), lab.order("b3")]
    ids = (await lab.accept(orders, batch=True)).task_ids
    await lab.until(lambda: lab.driver.at_gate)
    lab.disk.hangs_at = writes(TaskState.CANCELLED)
    cancelling = asyncio.create_task(lab.engine.queue.cancel(ids[1], actor="ann"))
    await lab.until(lambda: lab.disk.hanging)
    lab.driver.gate.set()
    await lab.quiet()
    lab.disk.go_on()
    await lab.ended(ids[2])
    errors = [(await lab.find(task_id)).error for task_id in ids]
    assert [error.code for error in errors if error] == [
        "device_error",
        "cancelled",
        "batch_failed",
    ]
    assert (await cancelling).state is TaskState.CANCELLED


async def test_first_failure__of_one_robot_leaves_the_other_s_part_alone(
    start_lab: StartLab,
) -> None:
    lab = await start_lab("robot_a", "robot_b")
    orders = [
        lab.order("a1", fail="jam"),
        lab.order("a2"),
        lab.order("b1", robot="robot_b", take_s=0),
        lab.order("b2", robot="robot_b", take_s=0),
    ]
    ids = (await lab.accept(orders, batch=True)).task_ids
    for task_id in ids:
        await lab.ended(task_id)
    assert await states(lab, ids) == [
        TaskState.FAILED,
        TaskState.CANCELLED,
        TaskState.COMPLETED,
        TaskState.COMPLETED,
    ]


async def test_expired__counts_as_the_first_failure(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    orders = [replace(lab.order("b1"), expires_at_ms=1), lab.order("b2"), lab.order("b3")]
    ids = (await lab.accept(orders, batch=True)).task_ids
    await lab.engine.resume(None, actor="ann")
    await lab.ended(ids[2])
    errors = [(await lab.find(task_id)).error for task_id in ids]
    assert [error.code for error in errors if error] == ["expired", "batch_failed", "batch_failed"]
    assert lab.driver.done == []


async def test_not_contiguous__others_come_in_between_and_a_failure_is_its_own(lab: Lab) -> None:
    orders = [lab.order("b1", gate=True, fail="jam"), lab.order("b2")]
    ids = (await lab.accept(orders, batch=True, contiguous=False)).task_ids
    await lab.until(lambda: lab.driver.at_gate)
    await lab.submit("urgent", priority=10)
    lab.driver.gate.set()
    assert (await lab.ended(ids[1])).state is TaskState.COMPLETED
    assert lab.driver.done == ["b1", "urgent", "b2"]


async def test_one_each__is_not_contiguous_by_itself(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    orders = [lab.order("a1"), lab.order("b1", robot="robot_b", take_s=0)]
    ids = (await lab.accept(orders, batch=True)).task_ids
    assert [(await lab.find(task_id)).contiguous for task_id in ids] == [False, False]
    for task_id in ids:
        await lab.ended(task_id)


async def test_too_many__refuses_all_of_them(start_lab: StartLab) -> None:
    lab = await start_lab(queue=QueueConfig(max_length=3))
    await lab.engine.pause(None, actor="ann")
    await lab.submit("first")
    with pytest.raises(RobotqError, match=r"limit|full"):
        await lab.batch("b1", "b2", "b3")
    assert lab.engine.reads.unfinished == 1
    assert len(await lab.batch("b1", "b2")) == 2


async def test_restart__in_the_middle_cancels_the_rest_with_the_unknown_one(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    orders = [lab.order("b1"), lab.order("b2", gate=True), lab.order("b3")]
    ids = (await lab.accept(orders, batch=True)).task_ids
    await lab.until(lambda: lab.driver.at_gate)
    again = await start_lab(data=await lab.kill())
    assert (await again.find(ids[1])).outcome_unknown
    rest = await again.find(ids[2])
    assert rest.error is not None
    assert (rest.state, rest.error.code) == (TaskState.CANCELLED, "batch_failed")


async def test_restart__between_two_lets_nothing_foreign_in(start_lab: StartLab) -> None:
    lab = await start_lab()
    orders = [lab.order("b1", gate=True), lab.order("b2"), lab.order("b3")]
    ids = (await lab.accept(orders, batch=True)).task_ids
    await lab.until(lambda: lab.driver.at_gate)
    await lab.engine.pause(None, actor="ann")
    urgent = await lab.submit("urgent", priority=10)
    lab.driver.gate.set()
    await lab.ended(ids[0])
    again = await start_lab(data=await lab.kill())
    await again.engine.resume(None, actor="ann")
    await again.ended(urgent)
    assert again.driver.done == ["b2", "b3", "urgent"]


async def test_restart__in_the_first_one_that_may_run_twice_lets_nothing_foreign_in(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    await lab.accept([lab.order("b1", "MEASURE", gate=True), lab.order("b2")], batch=True)
    await lab.until(lambda: lab.driver.at_gate)
    urgent = await lab.submit("urgent", priority=10)
    again = await start_lab(data=await lab.kill())
    again.driver.gate.set()
    await again.ended(urgent)
    assert again.driver.done == ["b1", "b2", "urgent"]


async def test_restart__a_batch_that_has_not_begun_keeps_its_place(start_lab: StartLab) -> None:
    lab = await start_lab()
    await lab.engine.pause(None, actor="ann")
    await lab.submit("first")
    ids = await lab.batch("b1", "b2")
    await lab.engine.queue.cancel(ids[0], actor="ann")
    again = await start_lab(data=await lab.kill())
    await again.engine.resume(None, actor="ann")
    await again.ended(ids[1])
    assert again.driver.done == ["first", "b2"]
