"""Who an agent is, what waits for a person then, and who may decide."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from robotq.api.access.keys import KeyFile
from robotq.catalog import Catalog, load_catalog
from tests.api.conftest import StartLab
from tests.api.lab import GO_HOME, Lab

AGENT = {"X-Robotq-Agent": "mcp", "Accept-Language": "en"}
SPECS = "commands:\n  NAVIGATION: {approval: true}\n  START_WORKING: {approval: true}\n"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    file = tmp_path_factory.mktemp("specs") / "own.yaml"
    file.write_text(SPECS, encoding="utf-8")
    return load_catalog([file])


async def test_agent__waits_and_the_answer_says_what_clears_it(lab: Lab) -> None:
    task_id = await lab.submit(GO_HOME, headers=AGENT)
    task = (await lab.get(f"/task/{task_id}", headers=AGENT)).body
    (wait,) = task["waits"]
    assert (wait["code"], wait["reason"]) == ("approval", "Waits for approval")
    assert wait["clear"]["path"] == f"/task/{task_id}/approve"
    assert task["actor"] == "agent"
    (line,) = (await lab.get("/tasks?state=pending")).body["tasks"]
    assert line["awaits_approval"]
    done = await lab.ended(await lab.submit())
    assert done["actor"] == "anonymous"

    approved = await lab.post(wait["clear"]["path"], wait["clear"]["body"])
    assert approved.status == 200
    assert (await lab.ended(task_id))["status"] == "completed"
    again = await lab.post(f"/task/{task_id}/approve", {})
    assert (again.status, again["error_code"]) == (409, "wrong_state")


async def test_look__tells_what_a_person_has_to_decide(lab: Lab) -> None:
    async def decisions() -> list[tuple[str, int, Any]]:
        (robot,) = (
            robot
            for robot in (await lab.get("/dashboard/look")).body["robots"]
            if robot["robot_id"] == "robot_a"
        )
        assert robot["undecided"] == len(robot["approvals"])
        return [
            (one["task"]["task_id"], one["commands"], one["params"]) for one in robot["approvals"]
        ]

    assert await decisions() == []
    task_id = await lab.submit(GO_HOME, headers=AGENT)
    batch = (await lab.post("/", [GO_HOME, GO_HOME], headers=AGENT))["task_ids"]
    params = GO_HOME["params"]
    assert await decisions() == [(task_id, 1, params), (batch[0], 2, params)]
    # whoever is moved is decided about all the same
    await lab.post(f"/task/{task_id}/priority", {"priority": 5})
    assert sorted(await decisions()) == sorted([(task_id, 1, params), (batch[0], 2, params)])
    await lab.post(f"/task/{batch[1]}/reject", {})
    assert await decisions() == [(task_id, 1, params)]
    await lab.post(f"/task/{task_id}/approve", {})
    assert await decisions() == []


async def test_rejected__ends_with_the_reason(lab: Lab) -> None:
    task_id = await lab.submit(GO_HOME, headers=AGENT)
    rejected = await lab.post(
        f"/task/{task_id}/reject", {"reason": "not today"}, headers={"Accept-Language": "en"}
    )
    assert rejected["task"]["state"] == "cancelled"
    assert rejected["task"]["error_code"] == "rejected"
    assert "not today" in rejected["task"]["message"]


@pytest.mark.parametrize("action", ["approve", "reject", "resolve"])
async def test_agent__does_not_decide(lab: Lab, action: str) -> None:
    task_id = await lab.submit(GO_HOME, headers=AGENT)
    body = {"outcome": "completed"} if action == "resolve" else {}
    answer = await lab.post(f"/task/{task_id}/{action}", body, headers=AGENT)
    assert (answer.status, answer["error_code"]) == (403, "person_needed")
    assert (await lab.task(task_id))["state"] == "pending"


async def test_agent__cannot_send_at_once_what_needs_a_person(lab: Lab) -> None:
    answer = await lab.post("/", {"cmd_type": "START_WORKING"}, headers=AGENT)
    assert (answer.status, answer["error_code"]) == (403, "person_needed")
    assert (await lab.post("/", {"cmd_type": "START_WORKING"})).status == 200


async def test_retry_of_an_agent__waits_too(lab: Lab) -> None:
    done = await lab.ended(await lab.submit())
    again = await lab.post(f"/task/{done['task_id']}/retry", headers=AGENT)
    assert again["task"]["waits"][0]["code"] == "approval"


async def test_key_of_an_agent__is_one_whatever_it_says(
    start_lab: StartLab, tmp_path: Path
) -> None:
    def make_keys() -> dict[str, dict[str, str]]:
        file = KeyFile(tmp_path)
        scopes = {"claude": ["read", "agent"], "ann": ["read", "submit", "control"]}
        return {
            name: {"Authorization": f"Bearer {file.new(name, given)}"}
            for name, given in scopes.items()
        }

    keys = await asyncio.to_thread(make_keys)
    lab = await start_lab()
    task_id = await lab.submit(GO_HOME, headers=keys["claude"])
    task = (await lab.get(f"/task/{task_id}", headers=keys["ann"])).body
    assert (task["actor"], task["waits"][0]["code"]) == ("claude", "approval")
    path = f"/task/{task_id}/approve"
    assert (await lab.post(path, {}, headers=keys["claude"]))["error_code"] == "forbidden"
    paused = await lab.post("/queue/pause", {}, headers=keys["claude"])
    assert paused["error_code"] == "forbidden"
    assert (await lab.post(path, {}, headers=keys["ann"])).status == 200
