"""A step that a person does in a robot's queue, ticked off through the checklist."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from robotq.api.access.keys import KeyFile
from robotq.engine.queue.ending import Ending, unknown
from robotq.engine.robot.run import Run
from robotq.engine.timings import Timings
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.api.conftest import StartLab
from tests.api.lab import BY_HAND, GO_HOME

from .conftest import Checklist


async def test_step__the_robots_queue_waits_until_its_item_is_ticked_off(
    checklist: Checklist,
) -> None:
    lab = checklist.lab
    step = await lab.asking()
    after = await lab.submit(GO_HOME)
    item = await checklist.of_step(step)
    assert item["title"] == "Open the door"
    assert (await lab.task(after))["state"] == "pending"
    ticked = await checklist.put(f"/tasks/{item['id']}", {"status": "completed"})
    assert ticked.status == 200
    assert ticked["status"] == "completed"
    assert ticked["completed_at"]
    assert (await lab.task(step))["state"] == "completed"
    assert (await lab.ended(after))["state"] == "completed"


async def test_step__is_ticked_off_together_with_others(checklist: Checklist) -> None:
    lab = checklist.lab
    steps = [await lab.asking(robot) for robot in ("robot_a", "robot_b")]
    ids = [(await checklist.of_step(step))["id"] for step in steps]
    ids.append((await checklist.create())["id"])
    answer = await checklist.put(
        "/tasks/bulk", {"tasks": [{"id": item_id, "status": "completed"} for item_id in ids]}
    )
    assert [task["status"] for task in answer["updated"]] == ["completed"] * 3
    for step in steps:
        assert (await lab.task(step))["state"] == "completed"


async def test_step__that_waits_for_its_turn_is_listed_and_cannot_be_ticked_off(
    checklist: Checklist,
) -> None:
    checklist.lab.engine._parts.base.settings.timings = Timings(turn_s=0.0001)
    await checklist.lab.asking()
    waiting = await checklist.lab.submit({**BY_HAND, "params": {"title": "Close the door"}})
    item = await checklist.of_step(waiting)
    assert (item["title"], item["status"]) == ("Close the door", "pending")
    refused = await checklist.put(f"/tasks/{item['id']}", {"status": "completed"})
    assert refused.status == 409
    assert refused["message"] == f"{waiting} is pending, so it cannot be ticked off."
    assert refused["details"]["task_id"] == waiting
    renamed = await checklist.put(
        f"/tasks/{item['id']}", {"title": "Close it", "status": "pending"}
    )
    assert renamed["title"] == "Close it"


async def test_step__cannot_be_deleted_while_the_robot_waits(checklist: Checklist) -> None:
    step = await checklist.lab.asking()
    item = await checklist.of_step(step)
    for refused in (
        await checklist.delete(f"/tasks/{item['id']}"),
        await checklist.delete("/tasks/bulk", {"ids": [item["id"]]}),
    ):
        assert refused.status == 409
        assert refused["message"] == (
            f"robot_a waits for this item. Tick it off, or cancel {step}."
        )
    cancelled = await checklist.lab.post(f"/task/{step}/cancel")
    assert cancelled.status == 200
    assert (await checklist.get(f"/tasks/{item['id']}")).status == 404


async def test_step__a_script_that_ticks_off_whatever_it_sees_gets_through(
    checklist: Checklist,
) -> None:
    steps = [await checklist.lab.submit(BY_HAND) for _ in range(3)]
    async with asyncio.timeout(20):
        for step in steps:
            item = await checklist.of_step(step)
            answer = await checklist.put(f"/tasks/{item['id']}", {"status": "completed"})
            assert answer.status == 200, answer.text
    for step in steps:
        assert (await checklist.lab.task(step))["state"] == "completed"


@pytest.mark.parametrize(
    ("scopes", "word"),
    [
        (["read", "submit"], "control"),
        (["read", "agent"], "control"),
        (["read", "control", "submit", "agent"], "person"),
    ],
)
async def test_step__whose_end_is_unknown_is_ticked_off_by_nobody_who_may_not_resolve(
    start_lab: StartLab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scopes: list[str],
    word: str,
) -> None:
    """After a kill, a submit key let the robot go on by ticking an item."""

    async def lost(run: Run, *_: object) -> Ending:
        run.back.exception()
        return unknown("daemon_died", "")

    monkeypatch.setattr("robotq.engine.robot.executor.ending_of", lost)
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    weak = await asyncio.to_thread(keys.new, "weak", scopes)
    strong = await asyncio.to_thread(keys.new, "strong", ["read", "submit", "control"])
    lab = await start_lab()
    checklist = Checklist(lab)
    lab.client.session.headers["Authorization"] = f"Bearer {strong}"
    step = await lab.asking()
    await lab.post(f"/task/{step}/cancel")
    after = await lab.submit(GO_HOME)
    item = await checklist.of_step(step)
    done = {"title": "Done", "status": "completed"}
    for path, body in (
        (f"/tasks/{item['id']}", done),
        ("/tasks/bulk", {"tasks": [{"id": item["id"], **done}]}),
    ):
        refused = await checklist.put(path, body, headers={"Authorization": f"Bearer {weak}"})
        assert refused.status == 403
        assert word in refused["message"]
        assert lab.engine.holds.has("robot_a", HoldCode.OUTCOME_UNKNOWN)
        assert (await lab.engine.checklist.item(item["id"])).title != "Done", "all or nothing"
    assert (await lab.engine.reads.task(after)).state is TaskState.PENDING
    ticked = await checklist.put(f"/tasks/{item['id']}", done)
    assert ticked.status == 200
    assert not lab.engine.holds.has("robot_a", HoldCode.OUTCOME_UNKNOWN)
