"""What every store brings back after it was closed."""

from __future__ import annotations

from dataclasses import replace

from robotq.model.hold import Hold, HoldCode
from robotq.model.task import TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import (
    DropHold,
    DropOccupancy,
    SaveHold,
    SetFact,
)

from .conftest import Shelf
from .records import (
    NOON_MS,
    answer,
    change,
    claimed,
    completed,
    counted,
    everything,
    failed,
    life,
    numbered,
    pending,
    saved,
    submit,
)


async def test_restart__finds_everything(shelf: Shelf) -> None:
    mutations = everything()
    await shelf.store.apply(mutations)
    restored = await shelf.reopen()
    tasks = saved(mutations)
    assert list(restored.unfinished) == [task for task in tasks.values() if not task.state.final]
    assert list(restored.finished) == [task for task in tasks.values() if task.state.final]
    assert restored.counts == counted(tasks)
    assert [(hold.robot, hold.code) for hold in restored.holds] == [
        ("robot_b", HoldCode.OUTCOME_UNKNOWN),
        ("robot_a", HoldCode.PAUSED),
    ]
    assert [SaveHold(hold) for hold in restored.holds] == [
        mutation for mutation in mutations if isinstance(mutation, SaveHold)
    ]
    assert [held.resource for held in restored.occupancies] == ["scanner"]
    assert restored.facts == {"armed": {"value": True}}
    assert restored.last_seq == 5
    assert restored.last_event_id == len(numbered(mutations))
    for task in tasks.values():
        assert await shelf.store.get(task.id) == task
    assert await shelf.store.events_since(0, limit=1000) == numbered(mutations)
    assert await shelf.store.answer("robot/anonymous", "first") == answer("first")


async def test_restart__brings_back_only_the_latest_finished(shelf: Shelf) -> None:
    tasks = [completed(claimed(pending(seq))) for seq in range(1, 6)]
    for seq, task in enumerate(tasks, 1):
        await shelf.store.apply(life(pending(seq), claimed(pending(seq)), task))
    assert list((await shelf.reopen(finished=2)).finished) == tasks[-2:]
    assert list((await shelf.reopen(finished=0)).finished) == []


async def test_holds__are_replaced_and_lifted(shelf: Shelf) -> None:
    paused = Hold(robot="robot_a", code=HoldCode.PAUSED, since_ms=1, args={"reason": "cleaning"})
    await shelf.store.apply([SaveHold(replace(paused, since_ms=0)), SaveHold(paused)])
    (kept,) = (await shelf.reopen()).holds
    assert (kept, kept.id) == (paused, paused.id), "confirmations name it"
    await shelf.store.apply(
        [DropHold("robot_a", HoldCode.PAUSED), DropHold("robot_a", HoldCode.ESTOP)]
    )
    assert list((await shelf.reopen()).holds) == []


async def test_facts_and_occupancies__can_be_forgotten(shelf: Shelf) -> None:
    await shelf.store.apply(everything())
    await shelf.store.apply([SetFact("armed", {"value": False}), SetFact("unknown", None)])
    assert (await shelf.reopen()).facts == {"armed": {"value": False}}
    await shelf.store.apply([SetFact("armed", None), DropOccupancy("scanner"), DropOccupancy("x")])
    restored = await shelf.reopen()
    assert (restored.facts, list(restored.occupancies)) == ({}, [])


async def test_counts__follow_every_change(shelf: Shelf) -> None:
    for seq in (1, 2, 3, 4):
        await shelf.store.apply(submit(pending(seq)))
    await shelf.store.apply(change(pending(1), claimed(pending(1))))
    await shelf.store.apply(change(claimed(pending(1)), completed(claimed(pending(1)))))
    await shelf.store.apply(change(pending(2), claimed(pending(2))))
    await shelf.store.apply(change(claimed(pending(2)), failed(claimed(pending(2)))))
    cancelled = transition(pending(3), Action.CANCEL, ended_at_ms=NOON_MS)
    await shelf.store.apply(change(pending(3), cancelled))
    assert (await shelf.reopen()).counts == {
        ("robot", "robot_a", TaskState.PENDING): 1,
        ("robot", "robot_a", TaskState.COMPLETED): 1,
        ("robot", "robot_a", TaskState.FAILED): 1,
        ("robot", "robot_a", TaskState.CANCELLED): 1,
    }
