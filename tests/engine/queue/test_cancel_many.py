"""Ten thousand commands by mistake: counted, then called off, and nothing else."""

from __future__ import annotations

import asyncio
import time

import pytest

from robotq.engine.waiting.cancel_many import Selection
from robotq.model.errors import RobotqError
from robotq.model.task import TaskState
from tests.engine.conftest import Lab, StartLab

WAITING = Selection()
ALL = Selection(states=frozenset({TaskState.PENDING, TaskState.RUNNING}))


async def many(lab: Lab, number: int, **params: str) -> None:
    await lab.accept(
        [lab.order(f"m{one}", **params) for one in range(number)], batch=True, contiguous=False
    )


async def cancel(lab: Lab, selection: Selection, count: int, up_to: int) -> dict[str, int]:
    done = await lab.engine.queue.cancel_many(
        selection, count=count, up_to=up_to, actor="ann", reason="a loop without an end"
    )
    return dict(done.states)


async def test_many__are_counted_then_cancelled_with_who_and_why(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    await lab.engine.pause(None, actor="ann")
    await many(lab, 250)
    await many(lab, 30, robot="robot_b")
    only_a = Selection(queue="robot_a")
    found = lab.engine.queue.find_many(only_a)
    assert (found.count, found.by_queue()) == (250, {"robot_a": 250})
    assert not await lab.events("task.cancelled"), "counting changes nothing"
    assert await cancel(lab, only_a, found.count, found.up_to) == {"cancelled": 250}
    assert lab.engine.reads.robot_queue("robot_b").waiting == 30
    events = await lab.events("task.cancelled")
    assert {(event.actor, event.before) for event in events} == {("ann", "pending")}
    assert len(events) == 250
    (together,) = await lab.events("tasks.cancel_many")
    assert (together.actor, together.data["count"]) == ("ann", 250)
    task = await lab.find(str(events[0].task_id))
    assert task.error is not None
    assert task.error.args["reason"] == "a loop without an end"


async def test_many__what_is_submitted_later_stays(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    await many(lab, 5)
    found = lab.engine.queue.find_many(WAITING)
    later = await lab.submit("later")
    assert await cancel(lab, WAITING, found.count, found.up_to) == {"cancelled": 5}
    assert (await lab.find(later)).state is TaskState.PENDING


async def test_many__another_count_is_refused_and_nothing_is_cancelled(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    await many(lab, 5)
    found = lab.engine.queue.find_many(WAITING)
    await lab.engine.queue.cancel(found.tasks[0].id, actor="bob")
    with pytest.raises(RobotqError) as refused:
        await cancel(lab, WAITING, found.count, found.up_to)
    assert refused.value.code.name == "count_differs"
    assert refused.value.args_["matching"] == 4
    assert lab.engine.reads.robot_queue("robot_a").waiting == 4
    await lab.engine.resume(None, actor="ann")
    await lab.until(lambda: not len(lab.engine.reads.robot_queue("robot_a")))
    assert len(lab.driver.done) == 4, "a refused request keeps nothing from its turn"


async def test_many__asked_again_changes_nothing_more(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    await many(lab, 150)
    found = lab.engine.queue.find_many(WAITING)
    await cancel(lab, WAITING, found.count, found.up_to)
    await many(lab, 150)
    before = len(await lab.events())
    assert await cancel(lab, WAITING, found.count, found.up_to) == {"cancelled": 150}
    assert len(await lab.events()) == before
    assert lab.engine.reads.robot_queue("robot_a").waiting == 150


async def test_many__goes_on_after_an_outage_with_what_was_left(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    await many(lab, 350)
    robot_queue = lab.engine.reads.robot_queue("robot_a")
    found = lab.engine.queue.find_many(WAITING)
    cancelling = asyncio.ensure_future(cancel(lab, WAITING, found.count, found.up_to))
    await lab.until(lambda: robot_queue.waiting < 350)
    lab.disk.full = "no space"
    with pytest.raises(RobotqError) as refused:
        await cancelling
    assert refused.value.code.name == "store_unavailable"
    assert 0 < robot_queue.waiting < 350
    lab.disk.full = None
    await lab.engine._parts.base.commit.disk.until_available()
    assert await cancel(lab, WAITING, found.count, found.up_to) == {"cancelled": 350}
    assert not robot_queue.waiting


async def test_many__goes_on_after_a_kill_with_what_was_left(start_lab: StartLab) -> None:
    lab = await start_lab()
    await lab.engine.pause(None, actor="ann")
    await many(lab, 350)
    robot_queue = lab.engine.reads.robot_queue("robot_a")
    found = lab.engine.queue.find_many(WAITING)
    cancelling = asyncio.ensure_future(cancel(lab, WAITING, found.count, found.up_to))
    await lab.until(lambda: robot_queue.waiting < 350)
    data = await lab.kill()
    cancelling.cancel()
    again = await start_lab(data=data)
    assert 0 < again.engine.reads.robot_queue("robot_a").waiting < 350
    assert await cancel(again, WAITING, found.count, found.up_to) == {"cancelled": 350}


async def test_many__the_running_one_is_left_unless_it_is_asked_for(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    running = await lab.submit("running", take_s=50)
    await lab.running(running)
    await many(lab, 3)
    found = lab.engine.queue.find_many(WAITING)
    assert await cancel(lab, WAITING, found.count, found.up_to) == {"cancelled": 3}
    assert (await lab.find(running)).state is TaskState.RUNNING
    await many(lab, 2)
    found = lab.engine.queue.find_many(ALL)
    assert found.by_state() == {"running": 1, "pending": 2}
    assert await cancel(lab, ALL, found.count, found.up_to) == {"cancelled": 3}
    assert (await lab.find(running)).state is TaskState.CANCELLED
    thaw()


async def test_many__none_begins_while_the_others_are_written(lab: Lab) -> None:
    """The command before them ends in the middle of it."""
    await lab.at_gate("before")
    await many(lab, 300)
    robot_queue = lab.engine.reads.robot_queue("robot_a")
    found = lab.engine.queue.find_many(WAITING)
    cancelling = asyncio.ensure_future(cancel(lab, WAITING, found.count, found.up_to))
    await lab.until(lambda: robot_queue.waiting < 300)
    lab.driver.gate.set()
    assert await cancelling == {"cancelled": 300}
    assert lab.driver.done == ["before"]
    assert (await lab.run("after")).state is TaskState.COMPLETED


@pytest.mark.slow
async def test_many__ten_thousand_in_a_few_seconds_and_the_loop_goes_on(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    for _ in range(10):
        await many(lab, 1_000)
    found = lab.engine.queue.find_many(WAITING)
    assert found.count == 10_000
    stalls: list[float] = []

    async def watch() -> None:
        while True:
            # of this thread, so that others on the machine do not count
            asleep = time.thread_time()
            await asyncio.sleep(0.001)
            stalls.append(time.thread_time() - asleep)

    watching = asyncio.create_task(watch())
    began = time.thread_time()
    assert await cancel(lab, WAITING, found.count, found.up_to) == {"cancelled": 10_000}
    took_s = time.thread_time() - began
    watching.cancel()
    assert took_s < 8
    assert max(stalls) < 0.5
