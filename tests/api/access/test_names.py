"""Who did it, where nobody has a key: a name that people say themselves, and that gives nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest

from robotq.api.access.guard import said_name
from robotq.api.access.keys import KeyFile
from tests.api.conftest import StartLab
from tests.api.lab import BY_HAND, GO_HOME, Lab

LI = {"X-Robotq-Name": "Li%2C%20bench%202"}


async def test_name__stands_with_everything_that_somebody_does(lab: Lab) -> None:
    task_id = await lab.submit(BY_HAND, headers=LI)
    await lab.post("/queue/pause", {"reason": "lunch"}, headers={"X-Robotq-Name": "Wu"})
    await lab.post(f"/task/{task_id}/cancel", {}, headers={"X-Robotq-Name": quote("李明")})
    stopped = await lab.post("/estop", {"reason": "a bottle fell"}, headers=LI)
    assert stopped.status == 200
    events = (await lab.get("/journal?last=100")).body["events"]
    assert {"Li, bench 2", "Wu", "李明"} <= {event["actor"] for event in events}
    assert (await lab.get("/dashboard/look", headers=LI))["you"]["name"] == "Li, bench 2"


@pytest.mark.parametrize(
    "told",
    [
        "", " ", "%20", "%ff%fe", "a%1b[31m", "x" * 65, "a\udcff",
        "anonymous", "Agent", "ROBOTQ", "robotq restore",
    ],
)  # fmt: skip
def test_name__that_is_none_is_no_name(told: str) -> None:
    assert said_name(told) is None


async def test_name__that_is_none_keeps_nothing_from_being_done(lab: Lab) -> None:
    for told in ("%ff", "robotq", "x" * 65):
        task_id = await lab.submit(GO_HOME, headers={"X-Robotq-Name": told})
        events = (await lab.get(f"/journal?task_id={task_id}&last=20")).body["events"]
        assert {event["actor"] for event in events} <= {"anonymous", "robotq"}
    assert (await lab.post("/estop", headers={"X-Robotq-Name": "%ff"})).status == 200


async def test_name__of_a_key_is_taken_by_nobody_and_a_key_keeps_its_own(
    start_lab: StartLab, tmp_path: Path
) -> None:
    def make() -> str:
        return KeyFile(tmp_path).new("wall", ("read", "submit"))

    text = await asyncio.to_thread(make)
    lab = await start_lab(trusted_networks=["127.0.0.0/8"])
    bearer = {"Authorization": f"Bearer {text}"}
    for told, headers, name in (
        ("WALL", {}, "anonymous"),
        ("Li", {}, "Li"),
        ("Li", bearer, "wall"),
    ):
        look = await lab.get("/dashboard/look", headers={"X-Robotq-Name": told, **headers})
        assert look["you"]["name"] == name


async def test_name__makes_nobody_another_one(lab: Lab) -> None:
    """The same key of idempotency is the same task, whoever says to have sent it."""
    once = {"Idempotency-Key": "order-17"}
    first = await lab.submit(GO_HOME, headers={**once, **LI})
    again = await lab.submit(GO_HOME, headers={**once, "X-Robotq-Name": "Wu"})
    assert first == again == await lab.submit(GO_HOME, headers=once)
    # an agent stays one, whatever it is called
    look = await lab.get("/dashboard/look", headers={**LI, "X-Robotq-Agent": "1"})
    assert look["you"]["name"] == "agent"
