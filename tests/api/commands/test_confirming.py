"""A confirmation over HTTP says what it is about, or is about one thing that everybody has seen."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from robotq.catalog import Catalog, load_catalog
from robotq.system.clocks import SystemClock
from tests.api.conftest import lab_config
from tests.api.lab import GO_HOME, PICK_UP_NOTHING, Answer, Lab, running_lab

OLD_S = 11
"""Everybody who looks has seen what is older than ten seconds."""
AGENT = {"X-Robotq-Agent": "mcp"}


class LaterClock(SystemClock):
    """The clock of this machine, moved on by a test."""

    later_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.later_ms


@dataclass
class Watched:
    """A lab and its clock. Requests go out as they are: nothing is named for the caller."""

    lab: Lab
    clock: LaterClock

    async def post(self, path: str, body: Any = None) -> Answer:
        data = {} if body is None else {"data": json.dumps(body)}
        return await self.lab.ask("POST", path, headers={"Accept-Language": "en"}, **data)

    def pass_s(self, seconds: float) -> None:
        self.clock.later_ms += int(seconds * 1000)

    async def held(self) -> list[str]:
        holds = (await self.lab.get("/queue/status")).body["holds"]
        return [f"{hold['robot_id']} {hold['code']}" for hold in holds]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Agents have to ask before a robot drives."""
    file = tmp_path_factory.mktemp("specs") / "own.yaml"
    file.write_text("commands:\n  NAVIGATION: {approval: true}\n", encoding="utf-8")
    return load_catalog([file])


@pytest.fixture
async def watched(catalog: Catalog, tmp_path: Path) -> AsyncIterator[Watched]:
    clock = LaterClock()
    config = await asyncio.to_thread(lab_config, tmp_path)
    async with running_lab(config, catalog, clock) as lab:
        yield Watched(lab, clock)


async def held_motion(watched: Watched) -> None:
    await watched.post("/robots/robot_a/hold")


async def paused(watched: Watched) -> None:
    await watched.post("/queue/pause", {"robot_id": "robot_a", "reason": "hands in the cell"})


async def stopped(watched: Watched) -> None:
    await watched.post("/estop")


ONE_HOLD = [
    pytest.param(paused, "/queue/resume", "robotq resume", id="resume"),
    pytest.param(
        held_motion, "/robots/robot_a/resume", "robotq resume-motion robot_a", id="resume-motion"
    ),
    pytest.param(stopped, "/robots/robot_a/reset", "robotq estop --reset", id="reset"),
]


@pytest.mark.parametrize(("happens", "path", "_line"), ONE_HOLD)
async def test_one_old_hold__is_what_a_request_that_names_nothing_is_about(
    watched: Watched, happens: Any, path: str, _line: str
) -> None:
    await happens(watched)
    before = await watched.held()
    watched.pass_s(OLD_S)
    answer = await watched.post(path)
    assert answer.status == 200, answer.text
    assert await watched.held() != before


@pytest.mark.parametrize(("happens", "path", "line"), ONE_HOLD)
async def test_hold_of_a_moment_ago__has_to_be_named_and_the_line_to_send_is_told(
    watched: Watched, happens: Any, path: str, line: str
) -> None:
    await happens(watched)
    before = await watched.held()
    watched.pass_s(OLD_S - 2)
    refused = await watched.post(path)
    assert (refused.status, refused["error_code"]) == (409, "not_named")
    assert f"{line} --hold hold_" in refused["message"]
    assert await watched.held() == before
    # the very line that was told does it
    words = shlex.split(refused["lines"]["curl"])
    assert words[words.index("POST") + 1].endswith(path)
    assert (await watched.post(path, json.loads(words[-1]))).status == 200
    assert await watched.held() != before


@pytest.mark.parametrize(
    ("pause", "path"),
    [
        pytest.param("/queue/pause", "/queue/resume", id="resume"),
        pytest.param("/estop", "/estop/reset", id="reset"),
    ],
)
async def test_two_holds__have_to_be_named_however_old_they_are(
    watched: Watched, pause: str, path: str
) -> None:
    await watched.post(pause)
    before = await watched.held()
    assert len(before) == 2
    watched.pass_s(3_600)
    refused = await watched.post(path)
    assert (refused.status, refused["error_code"]) == (409, "not_named")
    assert refused["message"].count("--hold hold_") == 2
    assert await watched.held() == before


async def test_nothing_was_seen__lifts_nothing_that_has_come_since(watched: Watched) -> None:
    await paused(watched)
    watched.pass_s(OLD_S)
    refused = await watched.post("/queue/resume", {"holds": []})
    assert (refused.status, refused["error_code"]) == (409, "not_what_was_meant")
    assert await watched.held() == ["robot_a paused"]


async def test_motion_that_was_held_again__is_not_let_go_by_who_saw_the_first_hold(
    watched: Watched,
) -> None:
    await held_motion(watched)
    seen = (await watched.lab.get("/queue/status")).body["holds"][0]["clear"]
    await watched.post(seen["path"], seen["body"])
    await held_motion(watched)
    watched.pass_s(OLD_S)
    refused = await watched.post(seen["path"], seen["body"])
    assert (refused.status, refused["error_code"]) == (409, "not_what_was_meant")
    robot = (await watched.lab.get("/robots/robot_a")).body
    assert robot["motion_held"] is True
    assert await watched.held() == ["robot_a motion_held"]


async def test_motion_goes_on__and_the_queue_stays_paused_where_that_is_asked_for(
    watched: Watched,
) -> None:
    await held_motion(watched)
    waiting = await watched.lab.submit(GO_HOME)
    seen = (await watched.lab.get("/queue/status")).body["holds"][0]["clear"]
    body = {**seen["body"], "then": "stay_paused", "note": "the bottle is upright"}
    answer = await watched.post(seen["path"], body)
    assert answer["starts_next"]["task_id"] == waiting
    assert await watched.held() == ["robot_a paused"]
    assert (await watched.lab.task(waiting))["state"] == "pending"


async def test_decisions__tell_what_starts_next_and_pass_over_what_has_to_wait(
    watched: Watched,
) -> None:
    lab = watched.lab
    failed = await lab.submit(PICK_UP_NOTHING)
    await lab.ended(failed)
    await paused(watched)
    await lab.submit({**GO_HOME, "not_before": "+1h"})
    due = await lab.submit({**GO_HOME, "cmd_id": "due"})
    status = (await lab.get("/queue/status")).body["robots"]["robot_a"]
    assert status["starts_next"] == {"task_id": due, "cmd_type": "NAVIGATION", "cmd_id": "due"}

    retried = await watched.post(f"/task/{failed}/retry", {"then": "stay_paused"})
    assert retried["starts_next"]["task_id"] == retried["task_id"]
    await watched.post("/estop")
    stops = [hold["id"] for hold in (await lab.get("/estop")).body["holds"]]
    reset = await watched.post("/estop/reset", {"holds": stops})
    assert reset["starts_next"]["robot_a"]["task_id"] == retried["task_id"]
    assert reset["starts_next"]["robot_b"] is None
    assert (await lab.task(due))["state"] == "pending"


async def test_two_people__and_one_question_of_an_agent(watched: Watched) -> None:
    lab = watched.lab
    await paused(watched)
    asked = await lab.submit(GO_HOME, headers=AGENT)
    (robot, _) = (await lab.get("/dashboard/look")).body["robots"]
    assert robot["starts_next"] is None
    assert robot["approvals"][0]["starts_next"]["task_id"] == asked
    revision = robot["approvals"][0]["task"]["revision"]
    for action in ("approve", "reject"):
        other = await watched.post(f"/task/{asked}/{action}", {"revision": revision + 1})
        assert (other.status, other["error_code"]) == (409, "task_changed")
    approved = await watched.post(f"/task/{asked}/approve", {"revision": revision})
    assert approved["starts_next"]["task_id"] == asked
    late = await watched.post(f"/task/{asked}/reject", {"revision": revision})
    assert (late.status, late["error_code"]) == (409, "wrong_state")
