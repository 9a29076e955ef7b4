"""The promises of the robot daemon's document, by their number in the checklist."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime

import pytest

from tests.api.conftest import StartLab
from tests.api.lab import BY_HAND, GO_HOME, PICK_UP_NOTHING, SCAN, Lab

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


async def test_s2_03__a_submit_is_answered_with_the_five_fields_while_the_robot_is_busy(
    lab: Lab,
) -> None:
    await lab.asking()
    async with asyncio.timeout(1):
        answer = await lab.post("/", SCAN)
    assert answer.status == 200
    assert list(answer.body) == ["success", "message", "task_id", "queue_size", "note"]
    assert answer["success"] is True
    assert answer["message"] == "任务已加入队列"
    assert answer["queue_size"] == 2
    assert answer["note"] == "使用 GET /task/<task_id> 查询任务状态"


async def test_s2_04__in_synchronous_mode_the_answer_is_the_result(start_lab: StartLab) -> None:
    lab = await start_lab(mode="sync")
    answer = await lab.post("/", SCAN)
    assert answer.status == 200
    assert answer["success"] is True
    assert answer["code"] == 0
    assert answer["cmd_id"] == "SCAN_QRCODE_001"
    assert answer["scanned_count"] == 3
    assert (await lab.task(answer["task_id"]))["status"] == "completed"


async def test_s2_05__task_ids_have_the_documented_form_and_differ_within_a_second(
    lab: Lab,
) -> None:
    await lab.asking()
    ids = await asyncio.gather(*(lab.submit() for _ in range(200)))
    assert len(set(ids)) == 200
    for task_id in ids:
        assert re.fullmatch(r"task_\d{8}_\d{6}_[0-9a-z]{6}", task_id)


async def test_s2_06__a_running_task_is_flat_and_has_no_result_yet(lab: Lab) -> None:
    task = await lab.task(await lab.asking())
    assert task["status"] == "running"
    assert task["cmd_type"] == "MANUAL_STEP"
    assert TIME.fullmatch(task["submit_time"])
    assert TIME.fullmatch(task["start_time"])
    assert task["result"] is None
    assert "end_time" not in task


async def test_s2_07__an_ended_task_shows_end_time_and_result(lab: Lab) -> None:
    task = await lab.ended(await lab.submit(GO_HOME))
    assert task["status"] == "completed"
    assert TIME.fullmatch(task["end_time"])
    assert task["result"]["success"] is True
    assert task["result"]["message"] == "NAVIGATION完成"


async def test_s2_08__times_are_local_and_to_the_second(lab: Lab) -> None:
    before = datetime.now().replace(microsecond=0)  # noqa: DTZ005 - the document's times have no zone
    task = await lab.ended(await lab.submit())
    for field in ("submit_time", "start_time", "end_time"):
        at = datetime.strptime(task[field], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - as above
        assert 0 <= (at - before).total_seconds() < 60


async def test_s2_09__status_goes_from_pending_over_running_to_an_end(lab: Lab) -> None:
    running = await lab.asking()
    waiting = await lab.submit()
    assert (await lab.task(waiting))["status"] == "pending"
    assert (await lab.task(running))["status"] == "running"
    await lab.post(f"/task/{running}/input", {})
    assert (await lab.ended(running))["status"] == "completed"
    assert (await lab.ended(waiting))["status"] == "completed"
    assert (await lab.ended(await lab.submit(PICK_UP_NOTHING)))["status"] == "failed"


async def test_s2_09__a_cancelled_task_is_failed_for_documented_clients(lab: Lab) -> None:
    await lab.asking()
    task_id = await lab.submit()
    await lab.post(f"/task/{task_id}/cancel")
    task = await lab.task(task_id)
    assert task["status"] == "failed"
    assert task["state"] == "cancelled"
    assert task["error_code"] == "cancelled"
    assert task["result"]["success"] is False


async def test_s2_10__a_scan_tells_how_many_bottles_it_found(lab: Lab) -> None:
    result = (await lab.ended(await lab.submit(SCAN)))["result"]
    assert result["success"] is True
    assert result["message"] == "SCAN_QRCODE完成"
    assert result["scanned_count"] == len(result["scanned_bottles"]) == 3
    for bottle in result["scanned_bottles"]:
        assert {"bottle_id", "type", "slot_index", "task", "timestamp"} <= set(bottle)


async def test_s2_11__a_failed_command_tells_the_real_cause(lab: Lab) -> None:
    task = await lab.ended(await lab.submit(PICK_UP_NOTHING))
    assert task["status"] == "failed"
    assert task["result"]["success"] is False
    assert "bottle_of_another_lab" in task["result"]["message"]


async def test_s2_12__the_numbers_of_the_queue_add_up(lab: Lab) -> None:
    await lab.ended(await lab.submit(GO_HOME))
    await lab.ended(await lab.submit(PICK_UP_NOTHING))
    running = await lab.asking()
    await lab.post(f"/task/{await lab.submit()}/cancel")
    await lab.submit()
    status = (await lab.get("/queue/status")).body
    assert status["queue_size"] == 2
    assert status["completed_tasks"] == 1
    assert status["failed_tasks"] == 1
    assert status["cancelled_tasks"] == 1
    assert status["total_tasks"] == 5
    assert status["running_task"] == running


async def test_s2_13__a_forgotten_id_is_found_in_the_queue_status(lab: Lab) -> None:
    ended = await lab.submit(GO_HOME)
    await lab.ended(ended)
    running = await lab.asking()
    waiting = await lab.submit()
    tasks = (await lab.get("/queue/status")).body["tasks"]
    assert [task["task_id"] for task in tasks] == [running, waiting, ended]
    assert [task["status"] for task in tasks] == ["running", "pending", "completed"]


async def test_s2_14__commands_run_one_after_the_other_in_order_of_arrival(lab: Lab) -> None:
    with lab.engine.reads.subscribe() as events:
        ids = [await lab.submit({**GO_HOME, "cmd_id": str(n)}) for n in range(20)]
        order = []
        async with asyncio.timeout(20):
            async for event in events:
                if event.kind in ("task.claimed", "task.completed"):
                    order.append((event.kind, event.task_id))
                if event.task_id == ids[-1] and event.kind == "task.completed":
                    break
    expected = [(kind, i) for i in ids for kind in ("task.claimed", "task.completed")]
    assert order == expected


async def test_s2_15__a_client_that_leaves_does_not_stop_its_command(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(mode="sync")
    with lab.engine.reads.subscribe() as events:
        waiting = asyncio.create_task(lab.post("/", BY_HAND))
        async for event in events:
            if event.kind == "task.question":
                break
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    (running,) = lab.engine.reads.running()
    await lab.post(f"/task/{running.id}/input", {"note": "still here"})
    assert (await lab.ended(running.id))["status"] == "completed"


async def test_s2_16__status_is_answered_at_once_while_a_command_runs(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(mode="sync")
    with lab.engine.reads.subscribe() as events:
        waiting = asyncio.create_task(lab.post("/", BY_HAND))
        async for event in events:
            if event.kind == "task.question":
                break
    async with asyncio.timeout(1):
        running = (await lab.get("/queue/status")).body["running_task"]
        assert (await lab.task(running))["status"] == "running"
    await lab.post(f"/task/{running}/input", {})
    assert (await waiting).status == 200


async def test_s2_17__a_bad_submit_gets_success_false_and_a_message(lab: Lab) -> None:
    answer = await lab.post("/", {"params": {}})
    assert answer.status == 400
    assert answer.body == {
        "success": False,
        "code": 1002,
        "error_code": "missing_parameter",
        "message": "缺少必要参数: cmd_type",
        "field": "cmd_type",
    }


async def test_s2_19__a_pending_and_a_running_task_can_be_cancelled(lab: Lab) -> None:
    running = await lab.asking()
    waiting = await lab.submit()
    for task_id in (waiting, running):
        answer = await lab.post(f"/task/{task_id}/cancel", {"reason": "not needed"})
        assert answer.status == 200
        assert answer["task"]["state"] == "cancelled"
        assert answer["task"]["error"]["args"]["reason"] == "not needed"
    again = await lab.post(f"/task/{running}/cancel")
    assert again.status == 409
    assert again["error_code"] == "wrong_state"


async def test_s2_23__an_unknown_task_id_is_told(lab: Lab) -> None:
    answer = await lab.get("/task/task_20231215_143022_abc123")
    assert answer.status == 404
    assert answer["success"] is False
    assert answer["code"] == 3001
    assert answer["message"] == "任务不存在: task_20231215_143022_abc123"


async def test_s2_24__a_driver_that_raises_marks_its_task_and_resolving_lets_the_rest_run(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(
        robots__robot_a__options={
            "lab": None,
            "faults": [{"command": "NAVIGATION", "nth": 1, "kind": "raise"}],
        }
    )
    area = {"cmd_type": "NAVIGATION", "params": {"area": "CHARGER"}}
    broken, waiting = await lab.submit(area), await lab.submit(GO_HOME)
    task = await lab.ended(broken)
    assert task["status"] == "failed"
    assert task["error_code"] == "outcome_unknown"
    held = await lab.task(waiting)
    assert held["status"] == "pending"
    (hold,) = held["holds"]
    assert hold["code"] == "outcome_unknown"
    clear = hold["clear"]
    assert (clear["method"], clear["path"]) == ("POST", f"/task/{broken}/resolve")
    resolved = await lab.post(clear["path"], {"outcome": "failed", "note": "it stands"})
    assert resolved["task"]["resolution"]["outcome"] == "failed"
    assert (await lab.ended(waiting))["status"] == "completed"
