"""`not_before`, `expires_at` and `repeat` of a submitted command."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.api.conftest import StartLab
from tests.api.lab import BY_HAND, GO_HOME, Lab
from tests.slices import each

LATER_MS = 3_600_000


async def test_not_before__the_task_says_what_it_waits_for_and_when_it_starts(lab: Lab) -> None:
    at_ms = int(time.time() * 1000) + LATER_MS
    later = await lab.submit({**GO_HOME, "not_before": at_ms})
    await lab.ended(await lab.submit(GO_HOME))
    task = await lab.task(later)
    assert (task["state"], task["position"], task["not_before_ms"]) == ("pending", 1, at_ms)
    (wait,) = task["waits"]
    assert wait["code"] == "not_before"
    assert wait["until"] == task["not_before"]
    assert task["starts_in_s"] == pytest.approx(3_600, abs=5)
    assert task["eta_ms"] == pytest.approx(at_ms, abs=5_000)


async def test_not_before__is_no_obstacle_to_what_stands_behind(lab: Lab) -> None:
    await lab.ended(await lab.submit(GO_HOME))
    await lab.submit({**GO_HOME, "not_before": "+1h", "priority": 5})
    await lab.post("/queue/pause")
    behind = await lab.task(await lab.submit(GO_HOME))
    assert (behind["position"], behind["starts_after_resume_s"]) == (2, 0.0)


async def test_expires_at__the_task_ends_with_a_code_of_its_own(lab: Lab) -> None:
    await lab.post("/queue/pause")
    task_id = await lab.submit({**GO_HOME, "expires_at": "+0.05"})
    task = await lab.ended(task_id)
    assert (task["status"], task["state"], task["error_code"], task["code"]) == (
        "failed",
        "failed",
        "expired",
        3025,
    )
    assert task["end_time"] >= task["expires_at"]


async def test_expires_at__a_repeated_submit_gets_the_first_answer_after_the_time_too(
    lab: Lab,
) -> None:
    command = {**GO_HOME, "expires_at": time.time() + 0.05}
    key = {"Idempotency-Key": "once"}
    first = await lab.submit(command, headers=key)
    await lab.ended(first)
    assert await lab.submit(command, headers=key) == first


async def test_synchronous__a_command_that_expires_is_answered_with_that(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(mode="sync")
    answer = await lab.post("/", {**GO_HOME, "expires_at": "+0"})
    assert (answer.status, answer["error_code"]) == (410, "expired")


async def test_repeat__each_run_is_a_task_and_leads_to_the_others(lab: Lab) -> None:
    first = await lab.submit({**GO_HOME, "cmd_id": "R", "repeat": {"count": 3}})
    async with asyncio.timeout(5):
        # what the last run is, nobody knows before it is made
        while len(tasks := (await lab.get("/tasks?cmd_id=R&state=completed"))["tasks"]) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    third, second, found = [await lab.task(task["task_id"]) for task in tasks]
    assert found["task_id"] == first
    assert "repeat_of" not in found
    assert (second["repeat_of"], third["repeat_of"]) == (first, first)
    assert [task["repeat"]["run"] for task in (found, second, third)] == [1, 2, 3]
    assert third["repeat"] == {"count": 3, "interval_s": None, "on_failure": "stop", "run": 3}
    assert "current_run" not in found
    other = await lab.submit(GO_HOME)
    for run in (first, third["task_id"]):
        runs = (await lab.get(f"/tasks?repeat_of={run}"))["tasks"]
        assert [task["task_id"] for task in runs] == [task["task_id"] for task in tasks]
    (alone,) = (await lab.get(f"/tasks?repeat_of={other}"))["tasks"]
    assert alone["task_id"] == other
    assert (await lab.get("/tasks?repeat_of=task_20000101_000000_aaaaaa"))["tasks"] == []
    page = await lab.get(f"/tasks?repeat_of={first}&limit=2")
    rest = await lab.get(f"/tasks?repeat_of={first}&cursor={page['next_cursor']}")
    assert [task["task_id"] for task in rest["tasks"]] == [first]


async def test_repeat__goes_on_until_the_current_run_is_cancelled(lab: Lab) -> None:
    first = await lab.submit({**GO_HOME, "repeat": {"interval_s": 3_600}})
    ended = await lab.ended(first)
    waiting = await lab.task(ended["current_run"])
    assert waiting["state"] == "pending"
    assert waiting["not_before_ms"] == ended["submitted_at_ms"] + LATER_MS
    assert (await lab.post(f"/task/{waiting['task_id']}/cancel")).status == 200
    assert "current_run" not in await lab.task(first)


async def test_dry_run__shows_when_and_how_often(lab: Lab) -> None:
    body = {**GO_HOME, "not_before": "+90", "expires_at": "+2h", "repeat": 5}
    (command,) = (await lab.post("/?dry_run=1", body))["commands"]
    assert command["expires_at_ms"] - command["not_before_ms"] == 7_200_000 - 90_000
    assert command["repeat"]["count"] == 5
    assert command["extra"] == {}


@each(
    ("keys", "field"),
    [
        ({"not_before": 30}, "not_before"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"not_before": "+400d"}, "not_before"),
        ({"not_before": "+2h", "expires_at": "+1h"}, "expires_at"),
        ({"repeat": 0}, "repeat"),
        ({"repeat": {"every": 5}}, "repeat.every"),
        ({"repeat": {"count": 2, "interval_s": 0}}, "repeat.interval_s"),
    ],
)
async def test_schedule__that_is_wrong_names_the_field_and_nothing_is_queued(
    lab: Lab, keys: dict[str, Any], field: str
) -> None:
    before = await lab.facts()
    answer = await lab.post("/", {**GO_HOME, **keys})
    assert (answer.status, answer["error_code"], answer["field"]) == (400, "bad_parameter", field)
    assert await lab.facts() == before


async def test_schedule__is_not_for_what_acts_at_once(lab: Lab) -> None:
    answer = await lab.post("/", {"cmd_type": "GET_BATTERY_STATE", "not_before": "+90"})
    assert (answer.status, answer["field"]) == (400, "not_before")
    answer = await lab.post("/", [BY_HAND, {**GO_HOME, "repeat": 2}])
    assert (answer.status, answer["field"], answer["index"]) == (400, "[1].repeat", 1)
