"""Every line has an end, and a defined answer there."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from robotq.config import LimitsConfig, QueueConfig
from robotq.model.errors import RobotqError
from robotq.model.task import TaskState
from tests.engine.conftest import Lab, StartLab


async def test_burst__never_goes_over_the_limit_and_all_are_answered(start_lab: StartLab) -> None:
    lab = await start_lab(queue=QueueConfig(max_length=10))
    await lab.engine.pause(None, actor="ann")
    answers = await asyncio.gather(
        *(lab.submit(str(number)) for number in range(50)), return_exceptions=True
    )
    accepted = [answer for answer in answers if isinstance(answer, str)]
    refused = [answer for answer in answers if isinstance(answer, RobotqError)]
    assert (len(accepted), len(refused)) == (10, 40)
    assert {error.code.name for error in refused} == {"queue_full"}
    assert {error.code.retry for error in refused} == {True}
    assert lab.engine.reads.unfinished == 10
    await lab.engine.queue.cancel(accepted[0], actor="ann")
    assert await lab.submit("one more")


async def test_bytes__of_what_waits_have_a_limit_that_the_refusal_names(
    start_lab: StartLab,
) -> None:
    """Small objects take some thirty times their JSON in memory."""
    lab = await start_lab(queue=QueueConfig(max_bytes=2_000_000))
    await lab.engine.pause(None, actor="ann")
    heavy = lab.order("heavy")
    heavy = replace(heavy, command=replace(heavy.command, extra={"x": [{}] * 5_000}))
    answers = await asyncio.gather(
        *(lab.accept([heavy]) for _ in range(30)), return_exceptions=True
    )
    accepted = [one for one in answers if not isinstance(one, BaseException)]
    refused = [one for one in answers if isinstance(one, RobotqError)]
    assert 1 <= len(accepted) <= 5
    assert len(accepted) + len(refused) == 30
    assert {error.code.name for error in refused} == {"queue_bytes_full"}
    assert "queue.max_bytes" in str(refused[0])
    memory = lab.engine._parts.base.memory
    assert 0 < memory.weight <= 2_000_000
    assert await lab.submit("small"), "what is small still fits"
    for task in list(lab.engine.reads.robot_queue("robot_a")):
        await lab.engine.queue.cancel(task.id, actor="ann")
    assert memory.weight == 0
    await lab.accept([heavy])


async def test_burst__each_answer_has_the_number_that_is_true_for_it(lab: Lab) -> None:
    """Also where some are on disk already and whoever waits for them has not heard of it."""
    await lab.engine.pause(None, actor="ann")

    async def two(number: int) -> list[int]:
        first = await lab.accept([lab.order(f"{number}")])
        second = await lab.accept([lab.order(f"{number} again")])
        return [first.queue_size, second.queue_size]

    sizes = await asyncio.gather(*(two(number) for number in range(20)))
    assert sorted(size for pair in sizes for size in pair) == list(range(1, 41))
    robot_queue = lab.engine.reads.robot_queue("robot_a")
    assert [task.seq for task in robot_queue] == list(range(1, 41))


async def test_room__is_given_back_where_nothing_was_written(start_lab: StartLab) -> None:
    lab = await start_lab(queue=QueueConfig(max_length=2))
    await lab.engine.pause(None, actor="ann")
    lab.disk.full = "no space left"
    for _ in range(5):
        with pytest.raises(RobotqError, match="no space left"):
            await lab.submit("first")
    lab.disk.full = None
    await lab.submit("first")
    await lab.submit("second")
    with pytest.raises(RobotqError, match="full"):
        await lab.submit("third")


async def test_waiting__one_too_many_is_refused_and_leaves_no_trace(start_lab: StartLab) -> None:
    lab = await start_lab(limits=LimitsConfig(waiting_requests=3, shutdown_grace_s=0))
    task_id = await lab.at_gate("first")
    waiting = [asyncio.create_task(lab.engine.queue.wait_ended(task_id, 5)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(RobotqError) as refused:
        await lab.engine.queue.wait_ended(task_id, 5)
    assert refused.value.code.name == "too_many_requests"
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    assert (await lab.engine.queue.wait_ended(task_id, 0.001)).state is TaskState.RUNNING
    lab.driver.gate.set()
    ended = await asyncio.gather(*waiting[1:])
    assert [task.state for task in ended] == [TaskState.COMPLETED] * 2
    assert lab.engine._parts.tasks.cancelling._waiters._of_task == {}
    assert lab.engine._parts.tasks.cancelling._waiters._waiting == 0


async def test_waiting__for_no_time_asks_nobody_to_wait(lab: Lab) -> None:
    task_id = await lab.at_gate("first")
    assert (await lab.engine.queue.wait_ended(task_id, 0)).state is TaskState.RUNNING
    with pytest.raises(RobotqError, match="No such task"):
        await lab.engine.queue.wait_ended("task_0", 5)
    lab.driver.gate.set()


async def test_finished__only_so_many_are_kept_in_memory(start_lab: StartLab) -> None:
    lab = await start_lab(queue=QueueConfig(finished_in_memory=20))
    ids = [(await lab.run(str(number))).id for number in range(30)]
    kept = [task.id for task in lab.engine.reads.latest_ended()]
    assert kept == list(reversed(ids[10:]))
    assert (await lab.find(ids[0])).state is TaskState.COMPLETED, "the disk has it"
    await lab.until(lambda: not lab.engine._parts.tasks.claims._commit.locks.keys)


async def test_steps__of_a_command_without_end_are_kept_up_to_a_number(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robotq.engine.queue.step_recorder._MAX_STEPS", 5)
    task = await lab.run("many", steps=20)
    assert [step.name for step in task.steps] == ["WORKING", "STEP_0", "STEP_1", "STEP_2", "STEP_3"]
