"""Timers and locks in memory are those of the tasks, before and after a restart."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from robotq.model.task import Repeat
from tests.engine.conftest import Lab, StartLab


async def test_timers__are_those_of_the_tasks_and_a_restart_arms_the_same(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    await lab.engine.pause("robot_a", actor="ann")
    now_ms = lab.engine.clock.now_ms()
    expires = replace(lab.order("late"), expires_at_ms=now_ms + 3_600_000)
    again = replace(lab.order("again"), repeat=Repeat(count=3, interval_s=60, run=1))
    ids = [(await lab.accept([order])).task_ids[0] for order in (expires, again)]
    now = lab.engine.audit.kept()
    assert now.expires_ms == {ids[0]: now_ms + 3_600_000}
    assert now.repeats == {ids[1]: ids[1]}
    assert (now.changing, now.needs, now.idle, now.due_ms, now.starting) == ((), {}, {}, {}, [])
    after = await start_lab(data=await lab.kill())
    assert after.engine.audit.kept() == now
    await after.engine.queue.cancel(ids[0], actor="ann")
    assert after.engine.audit.kept().expires_ms == {}


async def test_running_command__needs_the_places_that_it_was_given(lab: Lab) -> None:
    running = await lab.submit("there", "GO", place="BENCH_LEFT", gate=True)
    await lab.until(lambda: bool(lab.engine.reads.running()))
    assert lab.engine.audit.kept().needs == {running: ["bench"]}
    assert [one.robot for one in lab.engine.reads.occupied()] == ["robot_a"]
    lab.driver.gate.set()
    await lab.ended(running)
    assert lab.engine.audit.kept().needs == {}


async def test_place__of_a_robot_that_has_gone_elsewhere_is_told(lab: Lab) -> None:
    """Nothing of the program does that: so somebody makes it wrong by hand."""
    await lab.run("there", "GO", place="BENCH_LEFT")
    assert lab.engine.audit.kept().idle == {}
    lab.engine._parts.base.resources._standing["robot_a"] = "SOMEWHERE"
    assert lab.engine.audit.kept().idle == {"bench": "robot_a"}


async def test_lock__that_somebody_holds_is_told(lab: Lab) -> None:
    await lab.engine.pause("robot_a", actor="ann")
    task_id = await lab.submit("waits")
    async with lab.engine._parts.tasks.claims._commit.of(task_id):
        assert lab.engine.audit.kept().changing == (task_id,)
    await asyncio.sleep(0)
    assert lab.engine.audit.kept().changing == ()
