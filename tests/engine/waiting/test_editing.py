"""What people change in the order of waiting commands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from robotq.engine.waiting.positions import WantedPosition
from robotq.model.errors import RobotqError
from robotq.model.task import TaskState
from tests.engine.conftest import Lab, StartLab
from tests.engine.disk import writes


async def line(lab: Lab, robot: str = "robot_a") -> list[str | None]:
    """What waits, next first, by `cmd_id`."""
    robot_queue = lab.engine.reads.robot_queue(robot)
    waiting = list(robot_queue)
    assert [robot_queue.position(task) for task in waiting] == list(range(1, len(waiting) + 1))
    return [task.command.cmd_id for task in waiting]


async def waiting(lab: Lab, *names: str, **params: Any) -> dict[str, str]:
    """Pause, and submit one command of each name; `name:5` has priority 5."""
    await lab.engine.pause(None, actor="ann")
    ids = {}
    for name in names:
        cmd_id, _, priority = name.partition(":")
        ids[cmd_id] = await lab.submit(cmd_id, priority=int(priority or 0), **params)
    return ids


async def move(lab: Lab, task_id: str, seen: int | None = None, **place: Any) -> int:
    moved = await lab.engine.queue.move(task_id, WantedPosition(**place), actor="ann", seen=seen)
    return moved.revision


async def run_all(lab: Lab) -> list[str]:
    """Resume, and tell what was done in which order."""
    await lab.engine.resume(None, actor="ann")
    robot_queue = lab.engine.reads.robot_queue("robot_a")
    await lab.until(lambda: not len(robot_queue))
    return lab.driver.done


async def test_before_after_head_end__is_the_order_in_which_they_run(lab: Lab) -> None:
    ids = await waiting(lab, "a", "b", "c", "d", "e")
    await move(lab, ids["d"], before=ids["b"])
    assert await line(lab) == ["a", "d", "b", "c", "e"]
    await move(lab, ids["a"], after=ids["c"])
    assert await line(lab) == ["d", "b", "c", "a", "e"]
    await move(lab, ids["e"], head=True)
    assert await line(lab) == ["e", "d", "b", "c", "a"]
    await move(lab, ids["d"], end=True)
    await lab.submit("f")
    assert await line(lab) == ["e", "b", "c", "a", "d", "f"]
    assert await run_all(lab) == ["e", "b", "c", "a", "d", "f"]


async def test_priority__is_no_more_changed_than_it_takes(lab: Lab) -> None:
    ids = await waiting(lab, "high:5", "higher:7", "plain", "low:-3")
    assert await line(lab) == ["higher", "high", "plain", "low"]
    await move(lab, ids["plain"], before=ids["high"])
    assert (await lab.find(ids["plain"])).priority == 5
    await move(lab, ids["low"], after=ids["high"])
    assert (await lab.find(ids["low"])).priority == -3, "it could stand there with its own"
    await move(lab, ids["low"], head=True)
    assert (await lab.find(ids["low"])).priority == 7
    await move(lab, ids["higher"], end=True)
    assert (await lab.find(ids["higher"])).priority == 5
    assert await line(lab) == ["low", "plain", "high", "higher"]


async def test_priority__that_is_changed_puts_it_among_its_like_by_arrival(lab: Lab) -> None:
    ids = await waiting(lab, "a:5", "b", "c:5", "d")
    await move(lab, ids["b"], priority=5)
    assert await line(lab) == ["a", "b", "c", "d"]
    await move(lab, ids["d"], priority=-10)
    await move(lab, ids["a"], priority=0)
    assert await line(lab) == ["b", "c", "a", "d"]
    assert (await lab.find(ids["a"])).revision == 2


async def test_there_already__changes_nothing(lab: Lab) -> None:
    ids = await waiting(lab, "a", "b")
    before = await lab.events()
    assert await move(lab, ids["a"], head=True) == 0
    assert await move(lab, ids["b"], after=ids["a"]) == 0
    assert await move(lab, ids["b"], priority=0) == 0
    assert await lab.events() == before


async def test_batch__moves_as_one_and_lets_nobody_in_between(lab: Lab) -> None:
    ids = await waiting(lab, "x", "y")
    batch = await lab.batch("b1", "b2", "b3")
    ids["z"] = await lab.submit("z")
    await move(lab, batch[1], head=True)
    assert await line(lab) == ["b1", "b2", "b3", "x", "y", "z"]
    await move(lab, ids["z"], before=batch[2])
    assert await line(lab) == ["z", "b1", "b2", "b3", "x", "y"]
    await move(lab, ids["y"], after=batch[0])
    assert await line(lab) == ["z", "b1", "b2", "b3", "y", "x"]
    await move(lab, batch[2], after=ids["x"])
    assert await line(lab) == ["z", "y", "x", "b1", "b2", "b3"]
    await move(lab, batch[0], priority=3)
    assert await line(lab) == ["b1", "b2", "b3", "z", "y", "x"]
    assert {(await lab.find(task_id)).priority for task_id in batch} == {3}
    moved = [event.task_id for event in await lab.events("task.moved")]
    assert moved[:3] == list(batch)
    assert await run_all(lab) == ["b1", "b2", "b3", "z", "y", "x"]


async def test_batch__with_several_priorities_is_one_in_the_order_it_was_sent(lab: Lab) -> None:
    await waiting(lab, "plain")
    orders = [lab.order("b1"), lab.order("b2", priority=4), lab.order("b3", priority=-2)]
    await lab.accept(orders, batch=True)
    await lab.submit("three", priority=3)
    assert await line(lab) == ["b1", "b2", "b3", "three", "plain"]


async def test_batch__that_has_begun_comes_first_and_stays_where_it_is(lab: Lab) -> None:
    orders = [lab.order("b1", gate=True), lab.order("b2"), lab.order("b3")]
    batch = (await lab.accept(orders, batch=True)).task_ids
    await lab.until(lambda: lab.driver.at_gate)
    urgent, plain = await lab.submit("urgent", priority=10), await lab.submit("plain")
    assert await line(lab) == ["b2", "b3", "urgent", "plain"]
    for place in ({"head": True}, {"end": True}, {"after": plain}, {"priority": 5}):
        with pytest.raises(RobotqError, match="a batch that has begun") as refused:
            await move(lab, batch[1], **place)
        assert refused.value.code.name == "wrong_state"
    with pytest.raises(RobotqError, match="a batch that has begun"):
        await move(lab, plain, before=batch[2])
    await move(lab, plain, after=batch[1])
    assert await line(lab) == ["b2", "b3", "plain", "urgent"]
    await move(lab, urgent, head=True)
    assert await line(lab) == ["b2", "b3", "urgent", "plain"]
    failed = await lab.engine.queue.cancel(batch[2], actor="ann")
    again = await lab.engine.retry(failed.id, actor="ann")
    assert await line(lab) == ["b2", "b3", "urgent", "plain"]
    assert lab.engine.reads.robot_queue("robot_a").position(again) == 2, "before all but the batch"
    lab.driver.gate.set()
    await lab.ended(plain)
    assert lab.driver.done == ["b1", "b2", "b3", "urgent", "plain"]


async def test_batch__whose_first_claim_is_given_back_has_not_begun(lab: Lab) -> None:
    lab.disk.hangs_at = writes(TaskState.RUNNING)
    batch = await lab.batch("b1", "b2")
    await lab.until(lambda: lab.disk.hanging)
    pausing = asyncio.create_task(lab.engine.pause(None, actor="ann"))
    await lab.quiet()
    lab.disk.go_on()
    await pausing
    await lab.until(lambda: lab.engine.reads.robot_queue("robot_a").running is None)
    assert (await lab.find(batch[0])).attempt == 0
    await lab.submit("urgent", priority=10)
    assert await line(lab) == ["urgent", "b1", "b2"]
    assert await run_all(lab) == ["urgent", "b1", "b2"]


async def test_batch__whose_second_claim_is_given_back_goes_on(lab: Lab) -> None:
    orders = [lab.order("b1", gate=True), lab.order("b2"), lab.order("b3")]
    await lab.accept(orders, batch=True)
    await lab.until(lambda: lab.driver.at_gate)
    lab.disk.hangs_at = writes(TaskState.COMPLETED, TaskState.RUNNING)
    lab.driver.gate.set()
    await lab.until(lambda: lab.disk.hanging)
    pausing = asyncio.create_task(lab.engine.pause(None, actor="ann"))
    await lab.quiet()
    lab.disk.go_on()
    await pausing
    await lab.until(lambda: lab.engine.reads.robot_queue("robot_a").running is None)
    await lab.submit("urgent", priority=10)
    assert await line(lab) == ["b2", "b3", "urgent"]
    assert await run_all(lab) == ["b1", "b2", "b3", "urgent"]


async def test_two_operators__the_one_who_has_not_seen_the_edit_changes_nothing(lab: Lab) -> None:
    ids = await waiting(lab, "a", "b", "c")
    seen = lab.engine.queue.revision
    first, second = await asyncio.gather(
        move(lab, ids["c"], seen, head=True),
        move(lab, ids["b"], seen, head=True),
        return_exceptions=True,
    )
    assert first == seen + 1
    assert isinstance(second, RobotqError)
    assert second.code.name == "precondition_failed"
    assert await line(lab) == ["c", "a", "b"]
    await lab.submit("d")
    await lab.engine.queue.cancel(ids["a"], actor="bob")
    assert await move(lab, ids["b"], first, head=True) == first + 1, "these are no edits"
    with pytest.raises(RobotqError, match="has changed"):
        await move(lab, ids["b"], first + 50, end=True)


async def test_two_robots__an_edit_of_one_queue_is_none_of_the_other(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    ids = await waiting(lab, "a1", "a2")
    other = await waiting(lab, "b1", "b2", robot="robot_b")
    seen = lab.engine.queue.revision
    assert await move(lab, ids["a2"], seen, head=True) == 1
    assert await move(lab, other["b2"], seen, head=True) == 2
    assert lab.engine.queue.revision_of("robot_a") == 1
    with pytest.raises(RobotqError, match="has changed"):
        await move(lab, ids["a1"], seen, head=True)
    with pytest.raises(RobotqError, match="does not wait for robot_a"):
        await move(lab, ids["a1"], before=other["b1"])


async def test_what_cannot_be_moved__is_refused_and_nothing_is_written(lab: Lab) -> None:
    running = await lab.at_gate("running")
    ids = await waiting(lab, "a", "b")
    ended = await lab.engine.queue.cancel(ids["b"], actor="ann")
    calls = lab.disk.calls
    refusals: Mapping[str, tuple[str, Mapping[str, Any]]] = {
        "is running": (running, {"head": True}),
        "is cancelled": (ended.id, {"end": True}),
        "No such task": ("task_nobody_knows", {"end": True}),
        f"{running} does not wait": (ids["a"], {"after": running}),
        f"{ended.id} does not wait": (ids["a"], {"before": ended.id}),
        "does not move along": (ids["a"], {"before": ids["a"]}),
    }
    for text, (task_id, place) in refusals.items():
        with pytest.raises(RobotqError, match=text):
            await move(lab, task_id, **place)
    assert lab.disk.calls == calls


async def test_restart__keeps_the_order_and_the_revision(start_lab: StartLab) -> None:
    lab = await start_lab()
    ids = await waiting(lab, "a", "b", "c", "d")
    await move(lab, ids["a"], end=True)
    await move(lab, ids["b"], end=True)
    await move(lab, ids["c"], before=ids["a"])
    again = await start_lab(data=await lab.kill())
    assert await line(again) == ["d", "c", "a", "b"]
    assert again.engine.queue.revision_of("robot_a") == 3
    await again.submit("e")
    assert await line(again) == ["d", "c", "a", "b", "e"], "arrival counts from the end"
    with pytest.raises(RobotqError, match="has changed"):
        await move(again, ids["a"], 2, head=True)


async def test_death__at_the_commit_of_a_move_is_the_whole_move(start_lab: StartLab) -> None:
    lab = await start_lab()
    ids = await waiting(lab, "a", "b")
    batch = await lab.batch("b1", "b2")
    lab.disk.dies_at = lambda _: True
    moving = asyncio.create_task(move(lab, batch[0], before=ids["a"]))
    await lab.until(lambda: lab.disk.dead)
    moving.cancel()
    again = await start_lab(data=await lab.kill())
    assert await line(again) == ["b1", "b2", "a", "b"]
    assert again.engine.queue.revision == 1


async def test_disk_full__nothing_is_moved(lab: Lab) -> None:
    ids = await waiting(lab, "a", "b")
    lab.disk.full = "no space left"
    with pytest.raises(RobotqError, match="no space left"):
        await move(lab, ids["b"], head=True)
    assert await line(lab) == ["a", "b"]
    assert lab.engine.queue.revision == 0


async def test_claim_and_move__of_the_same_moment(lab: Lab) -> None:
    """The one that is being claimed cannot be moved any more; the others can."""
    await lab.engine.pause(None, actor="ann")
    ids = {name: await lab.submit(name, gate=name == "a") for name in "abc"}
    lab.disk.hangs_at = writes(TaskState.RUNNING)
    await lab.engine.resume(None, actor="ann")
    await lab.until(lambda: lab.disk.hanging)
    moves = [
        asyncio.create_task(move(lab, ids["a"], end=True)),
        asyncio.create_task(move(lab, ids["c"], before=ids["b"])),
    ]
    await lab.quiet()
    lab.disk.go_on()
    refused, moved = await asyncio.gather(*moves, return_exceptions=True)
    assert isinstance(refused, RobotqError)
    assert "is running" in str(refused)
    assert moved == 1
    assert await line(lab) == ["c", "b"]
    lab.driver.gate.set()


async def test_cancel_and_move__of_the_same_moment(lab: Lab) -> None:
    ids = await waiting(lab, "a", "b", "c")
    lab.disk.hangs_at = writes(TaskState.CANCELLED)
    cancelling = asyncio.create_task(lab.engine.queue.cancel(ids["b"], actor="bob"))
    await lab.until(lambda: lab.disk.hanging)
    moving = asyncio.create_task(move(lab, ids["b"], head=True))
    await lab.quiet()
    lab.disk.go_on()
    assert (await cancelling).state is TaskState.CANCELLED
    with pytest.raises(RobotqError, match="is cancelled"):
        await moving
    assert await line(lab) == ["a", "c"]


@pytest.mark.parametrize("where", ["before", "after"])
async def test_many_moves__to_one_place_never_run_out_of_room(lab: Lab, where: str) -> None:
    names = [f"m{number}" for number in range(150)]
    ids = await waiting(lab, "first", "last", *names)
    anchor = ids["last"] if where == "before" else ids["first"]
    for name in names:
        place: Mapping[str, Any] = {where: anchor}
        await move(lab, ids[name], **place)
    between = names if where == "before" else names[::-1]
    assert await line(lab) == ["first", *between, "last"]
    robot_queue = lab.engine.reads.robot_queue("robot_a")
    ranks: Sequence[float] = [task.rank for task in robot_queue]
    assert list(ranks) == sorted(set(ranks))
