"""A client that leaves in the middle: what it has begun goes to its end, or never began."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable

import pytest

from robotq.engine.commit.locks import unbroken
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.engine.conftest import Lab


async def leave(lab: Lab, asking: Awaitable[object]) -> None:
    """Ask, and be gone while the disk still writes."""
    lab.disk.hang_all()
    task = asyncio.ensure_future(asking)
    await lab.quiet()
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    lab.disk.go_on()
    await lab.quiet()


async def test_submit__runs(lab: Lab) -> None:
    await leave(lab, lab.submit("first"))
    await lab.until(lambda: lab.driver.done == ["first"])
    assert lab.engine.queue._admission.incoming == 0


async def test_cancel__is_done(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    task_id = await lab.submit("first")
    await leave(lab, lab.engine.queue.cancel(task_id, actor="ann"))
    assert (await lab.find(task_id)).state is TaskState.CANCELLED


async def test_retry__is_done(lab: Lab) -> None:
    task = await lab.run("first")
    await leave(lab, lab.engine.retry(task.id, actor="ann"))
    await lab.until(lambda: lab.driver.done == ["first", "first"])


async def test_pause_and_resume__are_done(lab: Lab) -> None:
    await leave(lab, lab.engine.pause(None, actor="ann"))
    assert lab.holds() == {HoldCode.PAUSED}
    await leave(lab, lab.engine.resume(None, actor="ann"))
    assert lab.holds() == set()


async def test_reset__is_done(lab: Lab) -> None:
    await lab.engine.estop.trigger(actor="ann")
    await leave(lab, lab.engine.estop.reset(actor="ann"))
    assert lab.holds() == {HoldCode.PAUSED}


async def test_stop__is_done_and_written(lab: Lab) -> None:
    await leave(lab, lab.engine.stop_robot("robot_a", actor="ann"))
    restored = await lab.disk.data.open(finished=0)
    assert [hold.code for hold in restored.holds] == [HoldCode.PAUSED]


async def test_waiting_for_the_end__leaves_nothing_behind(lab: Lab) -> None:
    task_id = await lab.at_gate("first")
    waiting = asyncio.create_task(lab.engine.queue.wait_ended(task_id, None))
    await lab.quiet()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert lab.engine._parts.tasks.cancelling._waiters._of_task == {}
    lab.driver.gate.set()
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED


@pytest.mark.parametrize("number", [1, 7])
async def test_lock__is_free_again_whoever_waited_for_it(lab: Lab, number: int) -> None:
    await lab.engine.pause(None, actor="ann")
    task_id = await lab.submit("first")
    lab.disk.hang_all()
    asking = [
        asyncio.create_task(lab.engine.queue.cancel(task_id, actor="ann")) for _ in range(number)
    ]
    await lab.quiet()
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    lab.disk.go_on()
    await lab.until(lambda: not lab.engine._parts.tasks.claims._commit.locks.keys)
    assert (await lab.find(task_id)).state is TaskState.CANCELLED


async def test_answer__that_nobody_wants_any_more_is_no_fault(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    await lab.engine.pause(None, actor="ann")
    task_id = await lab.submit("first")
    lab.disk.hang_all()
    first = asyncio.create_task(lab.engine.queue.cancel(task_id, actor="ann"))
    await leave(lab, lab.engine.queue.cancel(task_id, actor="bob"))
    assert (await first).state is TaskState.CANCELLED
    gc.collect()
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_fault__of_what_went_on_without_its_caller_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    go_on = asyncio.Event()

    @unbroken
    async def change() -> None:
        await go_on.wait()
        raise ZeroDivisionError("a fault of ours")

    asking = asyncio.create_task(change())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    go_on.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert "failed after its caller had left" in caplog.text
