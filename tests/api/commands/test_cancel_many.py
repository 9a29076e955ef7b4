"""POST /tasks/cancel: how many match, then exactly these."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.lab import GO_HOME, Lab
from tests.slices import each

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
async def waiting(lab: Lab) -> list[str]:
    await lab.post("/queue/pause")
    return [await lab.submit({**GO_HOME, "cmd_id": name}) for name in "aabb"]


async def test_cancel_many__tells_how_many_then_cancels_them(lab: Lab, waiting: list[str]) -> None:
    wanted = {"robot_id": "robot_a", "cmd_id": "a"}
    found = await lab.post("/tasks/cancel", wanted, headers=ENGLISH)
    assert found.status == 200
    assert (found["dry_run"], found["matching"], found["states"]) == (True, 2, {"pending": 2})
    assert found["robots"] == {"robot_a": 2}
    assert (await lab.get("/queue/status"))["queue_size"] == 4
    seen = {"count": found["matching"], "up_to": found["up_to"]}
    done = await lab.post("/tasks/cancel", {**wanted, **seen}, headers=ENGLISH)
    assert (done["message"], done["states"]) == ("2 of 2 tasks are cancelled.", {"cancelled": 2})
    assert [(await lab.task(one))["state"] for one in waiting] == [
        *["cancelled"] * 2,
        *["pending"] * 2,
    ]
    again = await lab.post("/tasks/cancel", {**wanted, **seen})
    assert (again.status, again["states"]) == (200, {"cancelled": 2})
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_cancel_many__by_the_tag_of_the_first_answer(lab: Lab, waiting: list[str]) -> None:
    wanted = {"task_ids": waiting[1:3]}
    found = await lab.post("/tasks/cancel", wanted)
    tag = {"If-Match": found.headers["ETag"]}
    done = await lab.post("/tasks/cancel", wanted, headers=tag)
    assert done["states"] == {"cancelled": 2}


async def test_cancel_many__another_count_is_409_and_nothing_is_done(
    lab: Lab, waiting: list[str]
) -> None:
    found = await lab.post("/tasks/cancel", {"all": True})
    await lab.post(f"/task/{waiting[0]}/cancel")
    seen = {"count": found["matching"], "up_to": found["up_to"]}
    refused = await lab.post("/tasks/cancel", {"all": True, **seen}, headers=ENGLISH)
    assert (refused.status, refused["error_code"]) == (409, "count_differs")
    assert "4 were meant, and 3 match now" in refused["message"]
    assert (await lab.get("/queue/status"))["queue_size"] == 3


@each(
    ("body", "field"),
    [
        ({}, "all"),
        ({"all": True, "robot_id": "robot_a"}, "all"),
        ({"all": True, "count": 4}, "up_to"),
        ({"all": True, "up_to": 4}, "count"),
        ({"robot": "robot_a"}, "robot"),
        ({"all": True, "state": "completed"}, "state"),
    ],
)
async def test_cancel_many__what_is_not_clear_cancels_nothing(
    lab: Lab, waiting: list[str], body: Any, field: str
) -> None:
    refused = await lab.post("/tasks/cancel", body, headers=ENGLISH)
    assert (refused.status, refused["error_code"]) == (400, "bad_parameter")
    assert field in refused["message"]
    assert (await lab.get("/queue/status"))["queue_size"] == 4


@each("tag", ["7", '"7"', "*", '"x-1"', '"1-5"'])
async def test_cancel_many__a_tag_of_something_else_cancels_nothing(
    lab: Lab, waiting: list[str], tag: str
) -> None:
    refused = await lab.post("/tasks/cancel", {"all": True}, headers={"If-Match": tag})
    assert refused.status in (400, 409)
    assert (await lab.get("/queue/status"))["queue_size"] == 4
