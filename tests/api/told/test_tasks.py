"""GET /task/{id}, GET /tasks, and what can be done to a task."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from robotq.model.outcome import error_view
from robotq.model.task import TaskError
from robotq.model.texts import Language
from tests.api.conftest import StartLab
from tests.api.lab import BY_HAND, GO_HOME, PICK_UP_NOTHING, SCAN, Lab

BROKEN = {
    "robots__robot_a__options": {
        "lab": None,
        "faults": [{"command": "NAVIGATION", "nth": 1, "kind": "raise"}],
    }
}
"""The first NAVIGATION of robot_a ends with nobody knowing how."""
AWAY = {"cmd_type": "NAVIGATION", "params": {"area": "CHARGER"}}


async def test_wait__returns_as_soon_as_the_task_has_ended(lab: Lab) -> None:
    task_id = await lab.asking()
    waiting = asyncio.create_task(lab.task(task_id, 30))
    await lab.post(f"/task/{task_id}/input", {"note": "open"})
    async with asyncio.timeout(2):
        task = await waiting
    assert task["state"] == "completed"
    assert task["result"]["note"] == "open"


async def test_wait__returns_the_task_as_it_is_when_the_time_is_up(lab: Lab) -> None:
    task = await lab.task(await lab.asking(), 0.05)
    assert task["state"] == "running"


async def test_view__a_scan_shows_its_steps_and_bottles(lab: Lab) -> None:
    task = await lab.ended(await lab.submit(SCAN))
    names = [step["name"] for step in task["completed_steps"]]
    assert names[0] == "NAVIGATING_TO_SCAN"
    assert names[-1] == "PUTTING_DOWN"
    assert all(step["duration_s"] > 0 for step in task["completed_steps"])
    assert task["current_step"] is None
    assert task["progress"] == 1.0
    assert task["simulated"] is True
    assert task["code"] == 0


async def test_view__a_running_command_shows_what_it_asks(lab: Lab) -> None:
    task = await lab.task(await lab.asking())
    question = task["waiting_for"]
    assert question["prompt"] == "Open the door"
    assert question["answer"] == {"method": "POST", "path": f"/task/{task['task_id']}/input"}
    assert question["deadline_ms"] > task["started_at_ms"]
    assert task["current_step"] == "WAITING_FOR_PERSON"


async def test_view__a_failed_step_is_named(lab: Lab) -> None:
    task = await lab.ended(await lab.submit(PICK_UP_NOTHING))
    error = task["error"]
    assert (error["code"], error["error_code"]) == (task["code"], task["error_code"])
    assert error["message"] == task["message"] == task["result"]["message"]


async def test_view__a_waiting_task_shows_its_place_and_what_it_waits_for(lab: Lab) -> None:
    # robot_a stands at the table that robot_b wants to go to
    await lab.ended(await lab.submit({"cmd_type": "NAVIGATION", "params": {"area": "SCAN_TABLE"}}))
    task_id = await lab.submit(
        {"cmd_type": "NAVIGATION", "params": {"area": "SCAN_TABLE"}, "robot_id": "robot_b"}
    )
    task = await lab.task(task_id)
    assert task["position"] == 1
    (wait,) = task["waits"]
    assert (wait["code"], wait["resource"], wait["occupied_by"]) == (
        "resource",
        "scan_table",
        "robot_a",
    )
    await lab.submit(GO_HOME)
    assert (await lab.ended(task_id))["state"] == "completed"


async def test_view__holds_tell_what_clears_them(lab: Lab) -> None:
    await lab.post("/queue/pause", {"robot_id": "robot_a", "reason": "lunch"})
    task_id = await lab.submit(GO_HOME)
    (hold,) = (await lab.task(task_id))["holds"]
    assert (hold["code"], hold["actor"]) == ("paused", "anonymous")
    assert "lunch" in hold["reason"]
    clear = hold["clear"]
    assert clear["action"] == "resume"
    answer = await lab.post(clear["path"], clear["body"])
    assert answer.status == 200
    assert (await lab.ended(task_id))["state"] == "completed"


def test_view__a_code_of_a_driver_from_elsewhere_is_a_device_error_in_its_own_words() -> None:
    error = TaskError(code="gripper_jammed", args={"reason": "jam at 40 mm"})
    view = error_view(error, Language.EN)
    assert view["error_code"] == "gripper_jammed"
    assert view["code"] == 5001
    assert "jam at 40 mm" in view["message"]


async def test_list__newest_first_in_pages(lab: Lab) -> None:
    await lab.asking()
    ids = [await lab.submit({**GO_HOME, "cmd_id": f"c-{n}"}) for n in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await lab.get(f"/tasks?cmd_type=NAVIGATION&limit=2{cursor}")).body
        seen += [task["task_id"] for task in page["tasks"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ids[::-1]


FILTERS: tuple[tuple[str, set[str]], ...] = (
    ("", {"done", "failed", "hand", "called_off", "waits"}),
    ("api=robot", {"done", "failed", "hand", "called_off", "waits"}),
    ("api=checklist", set()),
    ("robot_id=robot_b", {"done"}),
    ("state=pending", {"waits"}),
    ("state=pending,running", {"waits", "hand"}),
    ("status=failed", {"failed", "called_off"}),
    ("state=cancelled", {"called_off"}),
    ("cmd_type=PICK_UP", {"failed"}),
    ("cmd_id=waits", {"waits"}),
    ("error_code=cancelled", {"called_off"}),
    ("from=2000-01-01&to=2001-01-01", set()),
    ("from=2000-01-01%2000:00:00", {"done", "failed", "hand", "called_off", "waits"}),
    ("to=2000-01-01T00:00:00Z", set()),
    ("from=946684800000&state=running", {"hand"}),
)


async def test_list__filters(lab: Lab) -> None:
    await lab.ended(await lab.submit({**GO_HOME, "cmd_id": "done", "robot_id": "robot_b"}))
    await lab.ended(await lab.submit({**PICK_UP_NOTHING, "cmd_id": "failed"}))
    await lab.submit({**BY_HAND, "cmd_id": "hand"})
    called_off = await lab.submit({**GO_HOME, "cmd_id": "called_off"})
    await lab.post(f"/task/{called_off}/cancel")
    await lab.submit({**GO_HOME, "cmd_id": "waits"})
    await _claimed(lab)
    for query, found in FILTERS:
        tasks = (await lab.get(f"/tasks?{query}")).body["tasks"]
        assert {task["cmd_id"] for task in tasks} == found, query


class TestUnknownOutcome:
    @pytest.mark.parametrize("outcome", ["completed", "failed"])
    async def test_resolve__writes_what_was_found_and_lifts_the_hold(
        self, start_lab: StartLab, outcome: str
    ) -> None:
        lab = await start_lab(**BROKEN)
        broken = await lab.submit(AWAY)
        assert (await lab.ended(broken))["code"] == 3021
        answer = await lab.post(f"/task/{broken}/resolve", {"outcome": outcome, "note": "seen"})
        assert answer.status == 200
        resolution = answer["task"]["resolution"]
        assert (resolution["outcome"], resolution["note"], resolution["actor"]) == (
            outcome,
            "seen",
            "anonymous",
        )
        assert answer["task"]["state"] == "failed", "an end state is final"
        assert (await lab.get("/queue/status")).body["holds"] == []
        again = await lab.post(f"/task/{broken}/resolve", {"outcome": outcome})
        assert (again.status, again["error_code"]) == (409, "wrong_state")

    async def test_resolve__retry_runs_it_again_as_a_new_task(self, start_lab: StartLab) -> None:
        lab = await start_lab(**BROKEN)
        broken, behind = await lab.submit(AWAY), await lab.submit(GO_HOME)
        await lab.ended(broken)
        answer = await lab.post(f"/task/{broken}/resolve", {"outcome": "retry"})
        again = await lab.ended(answer["task"]["retried_as"])
        assert (again["retry_of"], again["state"]) == (broken, "completed")
        assert (await lab.ended(behind))["started_at_ms"] >= again["ended_at_ms"]

    async def test_retry__of_an_unresolved_one_is_refused(self, start_lab: StartLab) -> None:
        lab = await start_lab(**BROKEN)
        broken = await lab.submit(AWAY)
        await lab.ended(broken)
        answer = await lab.post(f"/task/{broken}/retry")
        assert (answer.status, answer["state"]) == (409, "outcome_unknown")


async def test_retry__of_an_ended_task_is_a_new_one_at_the_head(lab: Lab) -> None:
    failed = await lab.submit(PICK_UP_NOTHING)
    await lab.ended(failed)
    await lab.asking()
    await lab.submit(GO_HOME)
    answer = await lab.post(f"/task/{failed}/retry")
    assert answer.status == 200
    assert answer["task_id"] != failed
    assert (answer["task"]["retry_of"], answer["task"]["position"]) == (failed, 1)


async def test_retry__of_a_waiting_task_is_refused(lab: Lab) -> None:
    await lab.asking()
    answer = await lab.post(f"/task/{await lab.submit()}/retry")
    assert (answer.status, answer["code"]) == (409, 3002)


@pytest.mark.parametrize("value", [[], "yes", {"note": 7}])
async def test_input__that_does_not_meet_the_schema_is_refused(lab: Lab, value: Any) -> None:
    task_id = await lab.asking()
    answer = await lab.ask("POST", f"/task/{task_id}/input", json=value)
    assert (answer.status, answer["error_code"]) == (400, "bad_parameter")
    assert (await lab.task(task_id))["state"] == "running"


async def test_input__to_a_task_that_asks_nothing_is_refused(lab: Lab) -> None:
    task_id = await lab.submit(GO_HOME)
    await lab.ended(task_id)
    answer = await lab.post(f"/task/{task_id}/input", {})
    assert (answer.status, answer["code"]) == (409, 3007)


async def _claimed(lab: Lab) -> None:
    """Wait until the command by hand runs."""
    (hand,) = (await lab.get("/tasks?cmd_id=hand")).body["tasks"]
    async with asyncio.timeout(10):
        while (await lab.task(hand["task_id"]))["state"] != "running":  # noqa: ASYNC110
            await asyncio.sleep(0.001)
