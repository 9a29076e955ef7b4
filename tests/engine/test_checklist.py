"""Items that people work on, and the steps in robots' queues that wait for them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from robotq.drivers.base import Stopped
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.item import Item, ItemChange, ItemPriority, ItemStatus, NewItem
from robotq.model.task import TaskState
from robotq.store.memory import MemoryStore
from robotq.store.port import ItemQuery, MarkItemOf, SaveItem

from .conftest import Lab, StartLab

DONE = ItemStatus.COMPLETED


async def step(lab: Lab, title: str = "Change the filter", **params: Any) -> str:
    """Submit a step that a person does, and wait until the robot waits for it."""
    task_id = await lab.submit(title, "MANUAL_STEP", title=title, **params)
    await lab.asking(task_id)
    await begun(lab, task_id)
    return task_id


async def begun(lab: Lab, task_id: str) -> None:
    """Wait until its item says that somebody is at it."""
    async with asyncio.timeout(5):
        while not await in_progress(lab, task_id):  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.001)


async def in_progress(lab: Lab, task_id: str) -> bool:
    items, _ = await lab.disk.data.items(ItemQuery(task_id=task_id))
    return any(item.status == "in_progress" for item in items)


async def item_of(lab: Lab, task_id: str) -> Item:
    found, _ = await lab.engine.checklist.items(ItemQuery(task_id=task_id))
    return found[0]


async def has_item(lab: Lab, task_id: str) -> bool:
    _, number = await lab.engine.checklist.items(ItemQuery(task_id=task_id))
    return number > 0


async def tick(lab: Lab, item: Item, actor: str = "ann") -> Item:
    (ticked,) = await lab.engine.checklist.update(
        [ItemChange(item_id=item.id, status=DONE)], actor=actor
    )
    return ticked


async def die(lab: Lab) -> MemoryStore:
    """The process dies while the robot waits for a person; returns what is on its disk."""
    lab.disk.dead = True
    run = lab.engine.robots["robot_a"].executor._run
    assert run is not None
    # its thread waits in this process for ever otherwise
    run._context.stopping = True
    lab.clock.notify()
    data = await lab.kill()
    assert isinstance(run.back.exception(), Stopped)
    return data


async def test_step__has_an_item_from_the_start_that_follows_it(lab: Lab) -> None:
    gate = await lab.at_gate("before")
    task_id = await lab.submit("by hand", "MANUAL_STEP", title="Change the filter")
    item = await item_of(lab, task_id)
    assert (item.title, item.status) == ("Change the filter", ItemStatus.PENDING)
    assert item.priority is ItemPriority.HIGH, "the queue does not go on without it"
    lab.driver.let_go()
    await lab.ended(gate)
    await lab.asking(task_id)
    await begun(lab, task_id)


async def test_step__ends_when_its_item_is_ticked_off_and_the_queue_goes_on(lab: Lab) -> None:
    task_id = await step(lab)
    after = await lab.submit("after")
    assert (await lab.find(after)).state is TaskState.PENDING
    item = await tick(lab, await item_of(lab, task_id))
    task = await lab.find(task_id)
    assert task.state is TaskState.COMPLETED
    assert item.status is DONE
    assert item.completed_at_ms == task.ended_at_ms
    assert (await lab.ended(after)).state is TaskState.COMPLETED
    (answered,) = await lab.events("task.answered")
    assert answered.actor == "ann"


async def test_step__that_is_answered_otherwise_ticks_its_item_off(lab: Lab) -> None:
    task_id = await step(lab)
    await lab.engine.answer(task_id, {"note": "done"}, actor="ann")
    await lab.ended(task_id)
    assert (await item_of(lab, task_id)).status is DONE


async def test_step__that_is_called_off_leaves_nothing_to_be_done(lab: Lab) -> None:
    running = await step(lab)
    waiting = await lab.submit("later", "MANUAL_STEP", title="Later")
    for task_id in (waiting, running):
        await lab.engine.queue.cancel(task_id, actor="ann")
        assert not await has_item(lab, task_id)


async def test_step__cannot_be_ticked_off_before_its_turn(lab: Lab) -> None:
    lab.set_timings(turn_s=0.0001)
    await lab.at_gate("before")
    task_id = await lab.submit("by hand", "MANUAL_STEP", title="Change the filter")
    with pytest.raises(RobotqError, match="is pending, so it cannot be ticked off"):
        await tick(lab, await item_of(lab, task_id))
    assert (await item_of(lab, task_id)).status is ItemStatus.PENDING


async def test_step__a_tick_at_the_very_moment_of_its_turn_counts(lab: Lab) -> None:
    task_id = await lab.submit("by hand", "MANUAL_STEP", title="Change the filter")
    assert (await tick(lab, await item_of(lab, task_id))).status is DONE
    assert (await lab.find(task_id)).state is TaskState.COMPLETED


async def test_step__two_people_who_tick_it_off_at_once_are_both_right(lab: Lab) -> None:
    task_id = await step(lab)
    item = await item_of(lab, task_id)
    ticked = await asyncio.gather(tick(lab, item, "ann"), tick(lab, item, "bob"))
    assert [item.status for item in ticked] == [DONE, DONE]
    assert len(await lab.events("task.answered")) == 1


async def test_step__its_item_cannot_be_removed_while_the_robot_waits(lab: Lab) -> None:
    task_id = await step(lab)
    item = await item_of(lab, task_id)
    other = await lab.engine.checklist.create(NewItem(title="other"), actor="ann")
    with pytest.raises(RobotqError) as refused:
        await lab.engine.checklist.delete([other.id, item.id], actor="ann")
    assert refused.value.code.name == "item_in_use"
    assert refused.value.args_ == {"robot": "robot_a", "task_id": task_id}
    assert (await lab.engine.checklist.item(other.id)).title == "other", "all or none"
    await tick(lab, item)
    assert await lab.engine.checklist.delete([other.id, item.id], actor="ann") == 2


async def test_step__that_is_over_is_not_begun_again_by_reopening_its_item(lab: Lab) -> None:
    task_id = await step(lab)
    item = await tick(lab, await item_of(lab, task_id))
    change = ItemChange(item_id=item.id, status=ItemStatus.PENDING)
    (reopened,) = await lab.engine.checklist.update([change], actor="ann")
    assert (reopened.status, reopened.completed_at_ms) == (ItemStatus.PENDING, None)
    assert (await lab.find(task_id)).state is TaskState.COMPLETED
    assert (await tick(lab, reopened)).status is DONE
    assert len(await lab.events("task.answered")) == 1
    assert await lab.engine.checklist.delete([item.id], actor="ann") == 1


async def test_step__other_fields_are_free_while_the_robot_waits(lab: Lab) -> None:
    task_id = await step(lab)
    item = await item_of(lab, task_id)
    change = ItemChange(item_id=item.id, title="The left filter", status=DONE)
    (changed,) = await lab.engine.checklist.update([change], actor="ann")
    assert (changed.title, changed.status) == ("The left filter", DONE)


async def test_step__a_change_by_its_task_at_the_same_moment_is_not_lost(lab: Lab) -> None:
    task_id = await step(lab)
    item = await item_of(lab, task_id)
    done_before = MarkItemOf(task_id, DONE, 5)
    writes = lab.engine._parts.base.commit.write
    overtaken: list[bool] = []

    async def overtaking(mutations: Any, *more: Any, **how: Any) -> None:
        if not overtaken and any(isinstance(m, SaveItem) for m in mutations):
            overtaken.append(True)
            await lab.disk.data.apply([done_before])
        await writes(mutations, *more, **how)

    lab.engine._parts.base.commit.write = overtaking  # type: ignore[method-assign]
    change = ItemChange(item_id=item.id, title="new title")
    (changed,) = await lab.engine.checklist.update([change], actor="ann")
    assert overtaken
    assert (changed.title, changed.status) == ("new title", DONE)


async def test_step__is_asked_for_again_after_a_restart(lab: Lab, start_lab: StartLab) -> None:
    task_id = await step(lab)
    after = await lab.submit("after")
    await lab.engine.shut_down()
    items, _ = await lab.disk.data.items(ItemQuery(task_id=task_id))
    assert items[0].status is ItemStatus.PENDING
    again = await start_lab(data=lab.disk.data)
    task = await again.asking(task_id)
    assert task.attempt == 1
    assert (await again.find(after)).state is TaskState.PENDING
    await tick(again, await item_of(again, task_id))
    assert (await again.ended(after)).state is TaskState.COMPLETED


async def test_step__whose_end_is_unknown_is_resolved_by_ticking_it_off(
    lab: Lab, start_lab: StartLab
) -> None:
    task_id = await step(lab)
    after = await lab.submit("after")
    again = await start_lab(data=await die(lab))
    assert again.holds() == {HoldCode.OUTCOME_UNKNOWN}
    item = await item_of(again, task_id)
    with pytest.raises(RobotqError, match="robot_a waits for this item"):
        await again.engine.checklist.delete([item.id], actor="ann")
    assert (await tick(again, item)).status is DONE
    task = await again.find(task_id)
    assert task.resolution is not None
    assert (task.resolution.outcome, task.resolution.actor) == ("completed", "ann")
    assert (await again.ended(after)).state is TaskState.COMPLETED


@pytest.mark.parametrize("outcome", ["failed", "retry"])
async def test_step__whose_end_is_resolved_otherwise_leaves_no_old_item(
    lab: Lab, start_lab: StartLab, outcome: str
) -> None:
    task_id = await step(lab)
    again = await start_lab(data=await die(lab))
    task = await again.engine.resolve(task_id, outcome, actor="ann")
    assert not await has_item(again, task_id)
    if task.resolution is not None and task.resolution.retried_as is not None:
        assert await has_item(again, task.resolution.retried_as)


async def test_step__a_full_disk_refuses_the_tick_and_it_can_be_repeated(lab: Lab) -> None:
    task_id = await step(lab)
    item = await item_of(lab, task_id)
    lab.disk.full = "no space left"
    with pytest.raises(RobotqError, match="no space left"):
        await tick(lab, item)
    assert (await lab.find(task_id)).state is TaskState.RUNNING
    lab.disk.full = None
    assert (await tick(lab, item)).status is DONE


@pytest.mark.parametrize(
    ("params", "title", "description"),
    [
        ({"title": "x" * 256}, "x" * 254 + "…", "x" * 256),
        ({"title": "a", "description": "b" * 1_001}, "a", "b" * 1_000),
        ({}, "MANUAL_STEP", None),
        (["a", "list"], "MANUAL_STEP", None),
    ],
)
async def test_step__its_item_has_a_title_that_fits(
    lab: Lab, params: Any, title: str, description: str | None
) -> None:
    order = lab.engine.intake.read({"cmd_type": "MANUAL_STEP", "params": params})
    (task_id,) = (await lab.accept([order])).task_ids
    item = await item_of(lab, task_id)
    assert (item.title, item.description) == (title, description)
    await lab.engine.queue.cancel(task_id, actor="ann")


async def test_items__every_change_is_in_the_journal(lab: Lab) -> None:
    checklist = lab.engine.checklist
    item = await checklist.create(NewItem(title="a"), actor="ann")
    await checklist.update([ItemChange(item_id=item.id, status=DONE)], actor="bob")
    await checklist.update([ItemChange(item_id=item.id, title="a")], actor="nobody")
    await checklist.delete([item.id, item.id], actor="cy")
    told = [(e.kind, e.actor, e.before, e.after) for e in await lab.events("item.")]
    assert told == [
        ("item.created", "ann", None, "pending"),
        ("item.updated", "bob", "pending", "completed"),
        ("item.deleted", "cy", None, None),
    ]
    with pytest.raises(RobotqError, match="No such item"):
        await checklist.item(item.id)


async def test_items__many_people_who_change_one_item_all_get_through(lab: Lab) -> None:
    checklist = lab.engine.checklist
    items = [await checklist.create(NewItem(title=name), actor="ann") for name in "ab"]
    await asyncio.gather(
        *(
            checklist.update(
                [ItemChange(item_id=item.id, title=f"{number}") for item in order], actor="ann"
            )
            for number, order in enumerate([items, items[::-1]] * 20)
        )
    )
    assert [(await checklist.item(item.id)).revision for item in items] == [41, 41]
