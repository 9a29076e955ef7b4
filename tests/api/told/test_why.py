"""When nothing moves, every place where somebody looks says why, and what clears it."""

from __future__ import annotations

import re
from typing import Any

from tests.api.lab import GO_HOME, Lab

ENGLISH = {"Accept-Language": "en"}
TO_TABLE = {"cmd_type": "NAVIGATION", "params": {"area": "SCAN_TABLE"}}


async def idle_robot_on_the_table(lab: Lab) -> str:
    """robot_a stands at the table with nothing to do, and robot_b has to go there."""
    there = await lab.ended(await lab.submit({**TO_TABLE, "robot_id": "robot_a"}))
    assert there["state"] == "completed"
    return await lab.submit({**TO_TABLE, "robot_id": "robot_b"})


async def status(lab: Lab) -> Any:
    return (await lab.get("/queue/status", headers=ENGLISH)).body


async def test_idle_robot_on_a_place__is_named_everywhere_and_can_be_sent_away(lab: Lab) -> None:
    waiting = await idle_robot_on_the_table(lab)
    told = await status(lab)
    (reason,) = told["why"]
    assert told["robots"]["robot_b"]["why"] == [reason]
    assert told["robots"]["robot_a"]["why"] == []
    assert (reason["kind"], reason["code"], reason["queue"], reason["task_id"]) == (
        "wait",
        "resource",
        "robot_b",
        waiting,
    )
    assert reason["reason"] == "scan_table is occupied by robot_a"
    assert "robot_a stands there with nothing to do" in reason["clear"]["text"]
    task = (await lab.get(f"/task/{waiting}", headers=ENGLISH)).body
    assert task["why"] == [reason]
    assert (task["waits"][0]["since_ms"], task["waits"][0]["clear"]) == (
        reason["since_ms"],
        reason["clear"],
    )
    assert reason["since_ms"] >= task["submitted_at_ms"]
    robot = (await lab.get("/robots/robot_b", headers=ENGLISH)).body
    look = (await lab.get("/dashboard/look", headers=ENGLISH)).body
    assert [reason] == robot["why"] == look["why"] == look["robots"][1]["why"]
    assert (await lab.get("/health"))["queues_standing"] == {"robot_b": ["resource"]}
    metrics = (await lab.get("/metrics")).text
    assert 'robotq_queue_stands{queue="robot_b",reason="resource"} 1.0' in metrics
    assert re.search(
        r'robotq_queue_stands_seconds\{queue="robot_b",reason="resource"\} \d', metrics
    )
    assert 'robotq_queue_stands{queue="robot_a"' not in metrics

    sent = await lab.post(reason["clear"]["path"], reason["clear"]["body"])
    assert sent.status == 200
    assert (await lab.ended(waiting))["state"] == "completed"
    assert (await status(lab))["why"] == []
    assert (await lab.get("/health"))["queues_standing"] == {}


async def test_no_eta__where_nobody_knows_when_the_queue_goes_on(lab: Lab) -> None:
    """After a few runs the daemon knows how long such a command takes."""
    await lab.ended(await lab.submit({**GO_HOME, "robot_id": "robot_b"}))
    waiting = await idle_robot_on_the_table(lab)
    task = await lab.task(waiting)
    assert "eta" not in task
    assert "starts_in_s" not in task


async def test_question_and_manual_step__are_why_the_queue_stands(lab: Lab) -> None:
    asking = await lab.asking()
    behind = await lab.submit()
    (reason,) = (await status(lab))["why"]
    assert (reason["code"], reason["task_id"]) == ("question", asking)
    assert reason["reason"] == f"{asking} asks: Open the door"
    assert reason["clear"]["path"].partition("?")[0] == f"/task/{asking}/input"
    assert [one["code"] for one in (await lab.task(asking))["why"]] == ["question"]
    assert [one["code"] for one in (await lab.task(behind))["why"]] == ["question", "ahead"]
    await lab.post(reason["clear"]["path"], {})
    await lab.ended(behind)


async def test_polled_again_and_again__each_change_is_told_at_once(lab: Lab) -> None:
    asking = await lab.asking()
    first, second = await lab.submit(), await lab.submit()

    async def told(language: str = "en") -> list[tuple[str, str]]:
        answers = [
            (await lab.get(f"/task/{second}", headers={"Accept-Language": language})).body["why"]
            for _ in range(2)
        ]
        assert answers[0] == answers[1]
        return [(one["code"], one["reason"]) for one in answers[0]]

    question, ahead = await told()
    assert question == ("question", f"{asking} asks: Open the door")
    assert ahead[0] == "ahead"
    assert [code for code, _ in await told("zh")] == ["question", "ahead"]
    assert await told("zh") != [question, ahead]

    await lab.post(f"/task/{first}/cancel")
    question_again, nearer = await told()
    assert question_again == question
    assert nearer[0] == "ahead"
    assert nearer != ahead

    await lab.post("/queue/pause", {"robot_id": "robot_a", "reason": "lunch"})
    held, *rest = await told()
    assert (held[0], rest) == ("paused", [question, nearer])
    assert "lunch" in held[1]
    await lab.post("/queue/pause", {"robot_id": "robot_a", "reason": "tea"})
    assert "tea" in (await told())[0][1]
    await lab.post("/queue/resume", {"robot_id": "robot_a"})
    assert await told() == [question, nearer]

    (reason, _) = (await lab.get(f"/task/{second}", headers=ENGLISH)).body["why"]
    await lab.post(reason["clear"]["path"], {})
    assert (await lab.ended(second))["state"] == "completed"


async def test_batch_that_waits__its_reason_is_told_behind_it(lab: Lab) -> None:
    batch = [GO_HOME, {**GO_HOME, "not_before": "+1h"}]
    first, second = (await lab.post("/", batch))["task_ids"]
    await lab.ended(first)
    behind = await lab.submit()
    (reason,) = (await status(lab))["why"]
    assert (reason["code"], reason["task_id"]) == ("not_before", second)
    assert reason["until"] in reason["clear"]["text"]
    task = (await lab.get(f"/task/{behind}", headers=ENGLISH)).body
    (wait,) = task["waits"]
    assert (wait["code"], wait["blocked_by"]) == ("batch", second)
    assert [one["code"] for one in wait["because"]] == ["not_before"]
    assert wait["reason"] == (
        f"A batch in front goes first, and its next command {second} waits: Is not due yet"
    )
    await lab.post(f"/task/{second}/cancel")
    await lab.ended(behind)


async def test_workers__nobody_is_there_for_what_waits(lab: Lab) -> None:
    job = {"type": "x"}
    made = await lab.post("/apis/task-queue/api/tasks/create", job)
    assert made.status < 300, made.text
    (reason,) = (await status(lab))["why"]
    assert (reason["code"], reason["queue"]) == ("no_worker", "task_queue")
    queues = (await lab.get("/workers", headers=ENGLISH)).body["queues"]
    assert queues["task_queue"]["why"] == [reason]
