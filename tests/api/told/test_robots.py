"""Robots and the emergency stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from robotq.engine.timings import Timings
from robotq.model.hold import HoldCode
from tests.api.conftest import StartLab
from tests.api.lab import GO_HOME, SCAN, Lab


async def test_list__shows_link_place_and_what_the_robot_can_do(lab: Lab) -> None:
    robots = (await lab.get("/robots")).body["robots"]
    assert [robot["robot_id"] for robot in robots] == ["robot_a", "robot_b"]
    first = robots[0]
    assert (first["driver"], first["default"], first["state"]) == ("simulator", True, "idle")
    assert (first["connected"], first["simulated"], first["place"]) == (True, True, "HOME")
    assert first["capabilities"]["can_hold"] is True


async def test_get__a_robot_at_work(lab: Lab) -> None:
    running = await lab.asking()
    await lab.submit(GO_HOME)
    robot = (await lab.get("/robots/robot_a")).body
    assert (robot["state"], robot["running_task"], robot["queue_size"]) == ("running", running, 2)
    await lab.post("/queue/pause", {"robot_id": "robot_b"})
    assert (await lab.get("/robots/robot_b")).body["state"] == "held"


async def test_get__a_robot_keeps_the_place_where_it_stands(lab: Lab) -> None:
    await lab.ended(await lab.submit({"cmd_type": "NAVIGATION", "params": {"area": "SCAN_TABLE"}}))
    robot = (await lab.get("/robots/robot_a")).body
    assert (robot["place"], robot["resources"]) == ("SCAN_TABLE", ["scan_table"])


async def test_hold__pauses_the_motion_and_resume_goes_on(lab: Lab) -> None:
    assert (await lab.post("/robots/robot_a/hold")).status == 200
    scan = await lab.submit(SCAN)
    assert (await lab.get("/robots/robot_a")).body["motion_held"] is True
    assert (await lab.task(scan, 0.1))["status"] in ("pending", "running")
    assert (await lab.post("/robots/robot_a/resume", {})).status == 200
    assert (await lab.ended(scan))["status"] == "completed"


async def test_hold__is_told_everywhere_and_a_resume_can_name_it(lab: Lab) -> None:
    held = await lab.post("/robots/robot_a/hold")
    (hold,) = held["holds"]
    assert hold["motion"] == {"by_robot": False, "state": "held", "planned_moves": 0}
    robot = (await lab.get("/robots/robot_a")).body
    assert (robot["motion_held"], robot["motion_state"]) == (True, "held")
    status = (await lab.get("/queue/status")).body
    assert [one["id"] for one in status["holds"]] == [hold["id"]]
    assert hold["clear"]["body"] == {"holds": [hold["id"]]}
    metrics = (await lab.get("/metrics")).text
    assert 'robotq_motion_held_seconds{robot="robot_a"}' in metrics
    newer = (await lab.post("/robots/robot_a/hold"))["holds"][0]
    refused = await lab.post("/robots/robot_a/resume", hold["clear"]["body"])
    assert (refused.status, refused["error_code"]) == (409, "not_what_was_meant")
    resumed = await lab.post(newer["clear"]["path"], newer["clear"]["body"])
    assert (resumed.status, resumed["holds"]) == (200, [])


async def test_hold__by_the_robot_itself_says_what_it_waits_for(lab: Lab) -> None:
    lab.engine.holds.set(
        "robot_a", HoldCode.MOTION_HELD, actor="robot_a", by_robot=True, reason="reason.door"
    )
    english = {"Accept-Language": "en"}
    (hold,) = (await lab.get("/queue/status", headers=english)).body["holds"]
    assert hold["reason"] == "The motion is held by robot_a: the safety door is open"
    assert hold["motion"]["by_robot"] is True
    refused = await lab.ask("POST", "/robots/robot_a/resume", data="{}")
    assert (refused.status, refused["error_code"]) == (409, "not_named")
    assert hold["id"] in refused["message"]


async def test_stop__ends_what_runs_and_pauses_the_queue(lab: Lab) -> None:
    running = await lab.asking()
    waiting = await lab.submit(GO_HOME)
    answer = await lab.post("/robots/robot_a/stop", {"reason": "a hand in the cell"})
    assert answer.status == 200
    assert answer["holds"][0]["code"] == "paused"
    task = await lab.task(running)
    assert (task["state"], task["error_code"]) == ("cancelled", "stopped")
    assert "a hand in the cell" in task["message"]
    assert (await lab.task(waiting))["state"] == "pending"


class TestEmergencyStop:
    async def test_estop__stops_all_latches_and_moves_nothing_after_its_reset(
        self, lab: Lab
    ) -> None:
        running = await lab.asking()
        waiting = await lab.submit(GO_HOME)
        answer = await lab.post("/estop", {"reason": "smoke"})
        assert answer.status == 200
        assert (answer["success"], answer["latched"], answer["recorded"]) == (True, True, True)
        assert answer["robots"] == {"robot_a": None, "robot_b": None}
        assert (await lab.ended(running))["error_code"] == "stopped"
        state = (await lab.get("/estop")).body
        assert state["latched"] is True
        assert "smoke" in state["holds"][0]["reason"]
        assert state["holds"][0]["clear"]["path"] == "/estop/reset"
        assert (await lab.post("/queue/resume")).body["holds"], "a resume does not unlatch"
        reset = await lab.post("/estop/reset")
        assert (reset.status, reset["latched"]) == (200, False)
        assert {hold["code"] for hold in reset["holds"]} == {"paused"}
        assert (await lab.task(waiting, 0.05))["state"] == "pending"
        await lab.post("/queue/resume")
        assert (await lab.ended(waiting))["state"] == "completed"

    async def test_reset__of_what_is_not_latched_is_refused(self, lab: Lab) -> None:
        for path in ("/estop/reset", "/robots/robot_a/reset"):
            answer = await lab.post(path)
            assert (answer.status, answer["error_code"]) == (409, "wrong_state")

    async def test_reset__of_one_robot_leaves_the_other_latched(self, lab: Lab) -> None:
        await lab.post("/estop")
        assert (await lab.post("/robots/robot_b/reset")).body["robots"] == {"robot_b": None}
        assert (await lab.get("/estop")).body["robots"] == {"robot_a": True, "robot_b": False}

    @pytest.mark.parametrize("body", [b"{", b"[]", b'{"reason": 7}', b'{"reason": "\xff"}'])
    async def test_estop__is_never_refused_for_its_body(self, lab: Lab, body: bytes) -> None:
        assert (await lab.post("/estop", body)).status == 200
        assert lab.engine.estop.latched

    async def test_estop__does_not_wait_for_a_body_that_does_not_come(self, lab: Lab) -> None:
        async def never() -> AsyncIterator[bytes]:
            yield b'{"reason": "'
            await asyncio.Event().wait()

        sending = asyncio.create_task(lab.ask("POST", "/estop?reason=smoke", data=never()))
        async with asyncio.timeout(2):
            while not lab.engine.estop.latched:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        assert lab.engine.holds.of("robot_a")[0].args["reason"] == "smoke"
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    async def test_stop__a_robot_that_is_not_known_is_named(self, lab: Lab) -> None:
        answer = await lab.post("/robots/robot_z/stop", b"{")
        assert (answer.status, answer["field"]) == (400, "robot_id")

    async def test_estop__tells_when_a_robot_did_not_take_it(
        self, lab: Lab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken() -> None:
            raise OSError("no such device")

        monkeypatch.setattr(lab.engine.robots["robot_b"].host.driver, "emergency_stop", broken)
        answer = await lab.post("/estop", headers={"Accept-Language": "en"})
        assert answer.status == 422
        assert (answer["success"], answer["latched"]) == (False, True)
        assert answer["robots"]["robot_a"] is None
        assert "no such device" in answer["robots"]["robot_b"]
        assert "red button" in answer["message"]


async def test_status__of_a_robot_that_does_not_answer_is_told(
    start_lab: StartLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await start_lab()
    lab.engine._parts.base.settings.timings = Timings(answer_s=0.5)
    gate = asyncio.Event()

    async def silent() -> None:
        await gate.wait()

    monkeypatch.setattr(lab.engine.robots["robot_a"].host, "status", silent)
    robots = (await lab.get("/robots")).body["robots"]
    assert robots[0]["place"] is None
    assert "robot_a" in robots[0]["status_error"]
    assert (robots[1]["place"], robots[1]["status_error"]) == ("SPLIT_STANDBY", None)
