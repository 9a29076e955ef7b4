"""POST /: commands, batches, dry runs, repeats, and what acts at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.conftest import StartLab
from tests.api.lab import BY_HAND, GO_HOME, PICK_UP_NOTHING, SCAN, Lab
from tests.slices import each

BATTERY = {"cmd_type": "GET_BATTERY_STATE", "cmd_id": "b-1"}


@each(
    "content_type",
    ["application/json", "application/x-www-form-urlencoded", "text/plain", "nonsense", ""],
)
async def test_submit__the_body_is_json_whatever_its_type_says(lab: Lab, content_type: str) -> None:
    answer = await lab.post("/", GO_HOME, headers={"Content-Type": content_type})
    assert answer.status == 200


async def test_submit__a_file_from_a_windows_editor_is_read(lab: Lab) -> None:
    answer = await lab.post(
        "/", b'\xef\xbb\xbf{"cmd_type": "NAVIGATION",\r\n"params": {"area": "HOME"}}'
    )
    assert answer.status == 200


async def test_submit__the_address_may_end_in_a_slash_or_not(lab: Lab) -> None:
    url = str(lab.client.make_url("/"))
    for address in (url, url.rstrip("/")):
        async with lab.client.session.post(address, json=GO_HOME) as response:
            assert response.status == 200


async def test_submit__the_wrapped_form_is_taken_and_strange_keys_are_kept(lab: Lab) -> None:
    wrapped = {
        "params": {"area": "HOME", "robot_id": "robot_b"},
        "data": {"cmd_type": "NAVIGATION", "cmd_id": "wrapped"},
        "header": {"seq": 1},
        "detail_params": True,
    }
    task = await lab.task(await lab.submit(wrapped))
    assert (task["cmd_type"], task["cmd_id"], task["robot_id"]) == (
        "NAVIGATION",
        "wrapped",
        "robot_b",
    )
    assert task["extra"] == {"header": {"seq": 1}, "detail_params": True}


async def test_submit__the_robot_is_in_params_or_beside_them_or_the_default_one(lab: Lab) -> None:
    area = {"area": "HOME"}
    for command, robot in (
        ({"params": {**area, "robot_id": "robot_b"}, "robot_id": "robot_a"}, "robot_b"),
        ({"params": area, "robot_id": "robot_b"}, "robot_b"),
        ({"params": area}, "robot_a"),
    ):
        task = await lab.task(await lab.submit({"cmd_type": "NAVIGATION", **command}))
        assert task["robot_id"] == robot


async def test_submit__higher_priority_goes_first(lab: Lab) -> None:
    running = await lab.asking()
    low = await lab.submit({**GO_HOME, "priority": "low"})
    normal = await lab.submit(GO_HOME)
    high = await lab.submit({**GO_HOME, "priority": 5})
    positions = [(await lab.task(task_id))["position"] for task_id in (high, normal, low)]
    assert positions == [1, 2, 3]
    await lab.post(f"/task/{running}/input", {})
    ended = [await lab.ended(task_id) for task_id in (high, normal, low)]
    starts = [task["started_at_ms"] for task in ended]
    assert starts == sorted(starts)


@pytest.mark.parametrize("number", [4, 4.0])
async def test_submit__a_whole_number_may_be_written_with_a_point(lab: Lab, number: float) -> None:
    task_id = await lab.submit({**GO_HOME, "priority": number, "cmd_id": number})
    task = await lab.task(task_id)
    assert (task["priority"], task["cmd_id"]) == (4, "4")


async def test_submit__a_client_that_prefers_english_gets_it(lab: Lab) -> None:
    english = {"Accept-Language": "fr;q=0.9, en-GB;q=0.8, zh;q=0.7"}
    answer = await lab.post("/", GO_HOME, headers=english)
    assert answer["message"] == "Task queued"
    refused = await lab.post("/", {}, headers=english)
    assert refused["message"] == "Required parameter missing: cmd_type"
    task = await lab.ended(await lab.submit(GO_HOME))
    assert task["message"] == "NAVIGATION完成"
    again = await lab.get(f"/task/{task['task_id']}", headers=english)
    assert again["message"] == "NAVIGATION done"


async def test_submit__the_configuration_can_make_english_the_default(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(language="en")
    assert (await lab.post("/", GO_HOME)).body["message"] == "Task queued"
    chinese = await lab.post("/", GO_HOME, headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert chinese["message"] == "任务已加入队列"


class TestBatch:
    async def test_batch__all_are_accepted_in_order(self, lab: Lab) -> None:
        running = await lab.asking()
        answer = await lab.post("/", [GO_HOME, SCAN, GO_HOME])
        assert answer.status == 200
        assert list(answer.body) == [
            "success",
            "message",
            "batch_id",
            "task_ids",
            "queue_size",
            "note",
        ]
        assert answer["queue_size"] == 4
        assert answer["batch_id"].startswith("batch_")
        tasks = [await lab.task(task_id) for task_id in answer["task_ids"]]
        assert [task["cmd_type"] for task in tasks] == ["NAVIGATION", "SCAN_QRCODE", "NAVIGATION"]
        assert {task["batch_id"] for task in tasks} == {answer["batch_id"]}
        found = await lab.get(f"/tasks?batch_id={answer['batch_id']}")
        assert found["count"] == 3
        await lab.post(f"/task/{running}/input", {})

    async def test_batch__the_first_failure_cancels_the_rest_of_a_contiguous_one(
        self, lab: Lab
    ) -> None:
        running = await lab.asking()
        answer = await lab.post("/", [PICK_UP_NOTHING, GO_HOME])
        other = await lab.submit(GO_HOME)
        await lab.post(f"/task/{running}/input", {})
        first, second = [await lab.ended(task_id) for task_id in answer["task_ids"]]
        assert first["state"] == "failed"
        assert (second["state"], second["error_code"]) == ("cancelled", "batch_failed")
        assert (await lab.ended(other))["state"] == "completed"

    async def test_batch__one_that_is_not_contiguous_goes_on_after_a_failure(
        self, lab: Lab
    ) -> None:
        answer = await lab.post("/?contiguous=false", [PICK_UP_NOTHING, GO_HOME])
        ended = [await lab.ended(task_id) for task_id in answer["task_ids"]]
        assert [task["state"] for task in ended] == ["failed", "completed"]

    async def test_batch__a_command_that_acts_at_once_cannot_be_in_one(self, lab: Lab) -> None:
        answer = await lab.post("/", [GO_HOME, BATTERY])
        assert answer.status == 400
        assert answer["field"] == "[1].cmd_type"


class TestDryRun:
    async def test_dry_run__shows_what_would_be_done_and_does_nothing(self, lab: Lab) -> None:
        before = await lab.facts()
        answer = await lab.post("/?dry_run=1", {**SCAN, "params": {}})
        assert answer.status == 200
        assert (answer["success"], answer["dry_run"]) == (True, True)
        (command,) = answer["commands"]
        assert command["robot_id"] == "robot_a"
        assert command["params"]["timeout"] == 60.0, "defaults are filled in"
        assert command["timeout_s"] == 1800
        for body in ([GO_HOME, SCAN], BATTERY, {"cmd_type": "STOP_WORKING"}):
            assert (await lab.post("/?dry_run=true", body)).status == 200
        assert await lab.facts() == before

    async def test_dry_run__refuses_what_a_submit_would_refuse(self, lab: Lab) -> None:
        answer = await lab.post("/?dry_run=1", {"cmd_type": "NAVIGATION", "params": {}})
        assert answer.status == 400
        assert answer["field"] == "params.area"


class TestIdempotencyKey:
    async def test_key__a_repeat_gets_the_first_answer_and_runs_nothing_twice(
        self, lab: Lab
    ) -> None:
        headers = {"Idempotency-Key": "order-7"}
        first = await lab.post("/", GO_HOME, headers=headers)
        await lab.ended(first["task_id"])
        # the same content, written down otherwise
        again = await lab.post(
            "/", b'{"params":{"area":"HOME"},"cmd_type":"NAVIGATION"}', headers=headers
        )
        assert again.status == 200
        assert again.body == first.body
        assert again.headers["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first.headers
        assert (await lab.get("/queue/status")).body["total_tasks"] == 1

    async def test_key__at_the_same_moment_is_accepted_once(self, lab: Lab) -> None:
        headers = {"Idempotency-Key": "order-8"}
        answers = await asyncio.gather(
            *(lab.post("/", GO_HOME, headers=headers) for _ in range(20))
        )
        assert len({answer["task_id"] for answer in answers}) == 1

    async def test_key__with_another_body_is_a_conflict(self, lab: Lab) -> None:
        headers = {"Idempotency-Key": "order-9"}
        await lab.post("/", GO_HOME, headers=headers)
        before = await lab.facts()
        answer = await lab.post("/", SCAN, headers=headers)
        assert answer.status == 409
        assert answer["code"] == 1011
        assert (await lab.facts())["status"]["total_tasks"] == before["status"]["total_tasks"]

    async def test_key__works_for_a_batch(self, lab: Lab) -> None:
        headers = {"Idempotency-Key": "order-10"}
        first = await lab.post("/", [GO_HOME, GO_HOME], headers=headers)
        again = await lab.post("/", [GO_HOME, GO_HOME], headers=headers)
        assert again.body == first.body


class TestPrefer:
    async def test_prefer__wait_in_queue_mode_gives_the_result_if_it_comes_in_time(
        self, lab: Lab
    ) -> None:
        answer = await lab.post("/", GO_HOME, headers={"Prefer": "wait=10"})
        assert answer.status == 200
        assert (answer["code"], answer["message"]) == (0, "NAVIGATION完成")

    async def test_prefer__wait_that_is_over_gives_the_task_id(self, lab: Lab) -> None:
        answer = await lab.post("/", BY_HAND, headers={"Prefer": "wait=0, respond-async"})
        assert answer["message"] == "任务已加入队列"

    async def test_prefer__a_strange_wish_is_passed_over(self, lab: Lab) -> None:
        answer = await lab.post("/", GO_HOME, headers={"Prefer": "return=minimal; wait=soon"})
        assert answer["message"] == "任务已加入队列"


class TestAtOnce:
    async def test_query__is_answered_inline_and_is_no_task(self, lab: Lab) -> None:
        await lab.asking()
        before = await lab.facts()
        answer = await lab.post("/", BATTERY)
        assert answer.status == 200
        assert (answer["success"], answer["code"], answer["cmd_id"]) == (True, 0, "b-1")
        assert answer["simulated"] is True
        assert answer["percentage"] > 0
        assert await lab.facts() == before

    async def test_query__the_state_of_a_command_by_the_clients_own_name(self, lab: Lab) -> None:
        running = await lab.asking()
        await lab.submit({**GO_HOME, "cmd_id": "mine"})
        query = {"cmd_type": "GET_TASK_STATE", "params": {"target_cmd_id": "mine"}}
        assert (await lab.post("/", query)).body["state"] == "pending"
        await lab.post(f"/task/{running}/input", {})
        unknown = {"cmd_type": "GET_TASK_STATE", "params": {"target_cmd_id": "nobody's"}}
        assert (await lab.post("/", unknown)).body["error_code"] == "task_not_found"

    async def test_answer__reaches_the_scan_that_asks_for_it_past_the_queue(
        self, start_lab: StartLab, unreadable: dict[str, Any]
    ) -> None:
        lab = await start_lab(**unreadable)
        with lab.engine.reads.subscribe() as events:
            scan, behind = await lab.submit(SCAN), await lab.submit(GO_HOME)
            async for event in events:
                if event.kind == "task.question":
                    break
        task = await lab.task(scan)
        assert task["waiting_for"]["answered_by"] == "SCAN_QRCODE_ENTER_ID"
        assert task["current_step"] == "WAITING_ID_INPUT"
        wrong = {"cmd_type": "SCAN_QRCODE_ENTER_ID", "params": {"bottle_id": 7}}
        assert (await lab.post("/", wrong)).status == 400
        right = {
            "cmd_type": "SCAN_QRCODE_ENTER_ID",
            "params": {"bottle_id": "by_hand", "type": "glass_bottle_500", "task": "split"},
        }
        answer = await lab.post("/", right)
        assert answer["answered_task_id"] == scan
        result = (await lab.ended(scan))["result"]
        assert "by_hand" in [bottle["bottle_id"] for bottle in result["scanned_bottles"]]
        assert (await lab.ended(behind))["state"] == "completed"
        late = await lab.post("/", right)
        assert (late.status, late["error_code"]) == (409, "no_question")

    async def test_control__acts_at_once_while_a_command_runs(self, lab: Lab) -> None:
        running = await lab.asking()
        assert (await lab.post("/", {"cmd_type": "PROCESS_PAUSED"})).body["held"] is True
        assert (await lab.get("/robots/robot_a")).body["motion_held"] is True
        assert (await lab.post("/", {"cmd_type": "PROCESS_RESUMED"})).body["held"] is False
        assert (await lab.task(running))["state"] == "running"

    async def test_control__arming_where_the_site_demands_it(self, start_lab: StartLab) -> None:
        lab = await start_lab(require_start_working=True)
        refused = await lab.post("/", GO_HOME)
        assert (refused.status, refused["code"]) == (409, 4005)
        assert (await lab.post("/", BATTERY)).status == 200
        assert (await lab.post("/", {"cmd_type": "START_WORKING"})).status == 200
        assert (await lab.post("/", GO_HOME)).status == 200
