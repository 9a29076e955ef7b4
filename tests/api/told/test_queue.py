"""GET /queue/status, pause and resume."""

from __future__ import annotations

from tests.api.conftest import StartLab
from tests.api.lab import GO_HOME, Lab


async def test_status__counts_of_one_robot_add_up_too(lab: Lab) -> None:
    await lab.ended(await lab.submit({**GO_HOME, "robot_id": "robot_b"}))
    running = await lab.asking()
    waiting = await lab.submit(GO_HOME)
    both = (await lab.get("/queue/status")).body
    assert (both["queue_size"], both["total_tasks"]) == (2, 3)
    assert both["robots"]["robot_a"]["queue_size"] == 2
    assert both["robots"]["robot_a"]["running_task"] == running
    assert both["robots"]["robot_b"]["running_task"] is None
    one = (await lab.get("/queue/status?robot_id=robot_a")).body
    assert (one["queue_size"], one["total_tasks"]) == (2, 2)
    assert list(one["robots"]) == ["robot_a"]
    assert [task["task_id"] for task in one["tasks"]] == [running, waiting]


async def test_status__running_task_is_that_of_the_default_robot_else_the_oldest(
    lab: Lab,
) -> None:
    on_b = await lab.asking("robot_b")
    assert (await lab.get("/queue/status")).body["running_task"] == on_b
    on_a = await lab.asking("robot_a")
    assert (await lab.get("/queue/status")).body["running_task"] == on_a


async def test_status__running_next_and_ended_share_the_list(lab: Lab) -> None:
    for _ in range(4):
        await lab.ended(await lab.submit(GO_HOME))
    await lab.asking()
    for _ in range(6):
        await lab.submit(GO_HOME)
    for limit, running, following, ended in (
        (0, 0, 0, 0),
        (1, 1, 0, 0),
        (5, 1, 2, 2),
        (10, 1, 5, 4),
        (20, 1, 6, 4),
        (200, 1, 6, 4),
    ):
        tasks = (await lab.get(f"/queue/status?limit={limit}")).body["tasks"]
        statuses = [task["status"] for task in tasks]
        expected = ["running"] * running + ["pending"] * following + ["completed"] * ended
        assert statuses == expected, limit


async def test_pause__of_one_robot_leaves_the_other_alone(lab: Lab) -> None:
    answer = await lab.post("/queue/pause", {"robot_id": "robot_a", "reason": "new tips"})
    assert answer["robots"] == ["robot_a"]
    assert "new tips" in answer["holds"][0]["reason"]
    held = await lab.submit(GO_HOME)
    assert (await lab.ended(await lab.submit({**GO_HOME, "robot_id": "robot_b"})))["code"] == 0
    assert (await lab.task(held))["status"] == "pending"
    resumed = await lab.post("/queue/resume?robot_id=robot_a")
    assert (resumed["robots"], resumed["holds"]) == (["robot_a"], [])
    assert (await lab.ended(held))["status"] == "completed"


async def test_pause__without_a_robot_means_all(lab: Lab) -> None:
    assert (await lab.post("/queue/pause")).body["robots"] == ["robot_a", "robot_b"]
    status = (await lab.get("/queue/status")).body
    assert [hold["robot_id"] for hold in status["holds"]] == ["robot_a", "robot_b"]
    assert (await lab.post("/queue/resume")).body["holds"] == []


async def test_pause__lets_a_running_command_go_on(lab: Lab) -> None:
    running = await lab.asking()
    await lab.post("/queue/pause")
    await lab.post(f"/task/{running}/input", {})
    assert (await lab.ended(running))["status"] == "completed"


async def test_resume__does_not_lift_what_needs_more_and_says_so(start_lab: StartLab) -> None:
    lab = await start_lab(
        robots__robot_a__options={
            "lab": None,
            "faults": [{"command": "NAVIGATION", "nth": 1, "kind": "raise"}],
        }
    )
    broken = await lab.submit({"cmd_type": "NAVIGATION", "params": {"area": "CHARGER"}})
    await lab.ended(broken)
    answer = await lab.post("/queue/resume", headers={"Accept-Language": "en"})
    assert answer.status == 200
    (hold,) = answer["holds"]
    assert hold["code"] == "outcome_unknown"
    assert "still hold" in answer["message"]
