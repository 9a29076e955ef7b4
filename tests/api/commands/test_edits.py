"""POST /queue/reorder and POST /task/{id}/priority."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.lab import GO_HOME, Lab
from tests.slices import each

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
async def waiting(lab: Lab) -> list[str]:
    """Four commands that wait for robot_a, which is paused."""
    await lab.post("/queue/pause")
    return [await lab.submit({**GO_HOME, "cmd_id": name}) for name in "abcd"]


async def line(lab: Lab) -> list[str]:
    """What waits, next first."""
    tasks = (await lab.get("/queue/status?limit=200"))["tasks"]
    pending = [task for task in tasks if task["state"] == "pending"]
    assert [task["position"] for task in pending] == list(range(1, len(pending) + 1))
    return [task["task_id"] for task in pending]


async def test_reorder__puts_a_task_where_it_was_asked_to_stand(
    lab: Lab, waiting: list[str]
) -> None:
    a, b, c, d = waiting
    answer = await lab.post("/queue/reorder", {"task_id": d, "before": b}, headers=ENGLISH)
    assert answer.body == {
        "success": True,
        "message": "The order of the queue is changed.",
        "task_id": d,
        "robot_id": "robot_a",
        "task_ids": [d],
        "position": 2,
        "priority": 0,
        "revision": 1,
    }
    assert await line(lab) == [a, d, b, c]
    await lab.post("/queue/reorder", {"task_id": a, "after": c})
    await lab.post("/queue/reorder", {"task_id": b, "to": "head"})
    await lab.post("/queue/reorder", {"task_id": d, "to": "end"})
    assert await line(lab) == [b, c, a, d]


async def test_priority__in_numbers_and_words(lab: Lab, waiting: list[str]) -> None:
    a, b, c, d = waiting
    answer = await lab.post(f"/task/{c}/priority", {"priority": "high"})
    assert (answer["priority"], answer["position"]) == (5, 1)
    await lab.post(f"/task/{a}/priority", {"priority": -3.0})
    assert await line(lab) == [c, b, d, a]
    assert (await lab.task(a))["priority"] == -3


async def test_batch__moves_as_one(lab: Lab, waiting: list[str]) -> None:
    batch = (await lab.post("/", [GO_HOME, GO_HOME]))["task_ids"]
    answer = await lab.post("/queue/reorder", {"task_id": batch[1], "to": "head"})
    assert (answer["task_id"], answer["task_ids"]) == (batch[1], batch)
    assert answer["position"] == 1
    assert await line(lab) == [*batch, *waiting]


async def test_if_match__the_second_of_two_operators_is_told_to_look_again(
    lab: Lab, waiting: list[str]
) -> None:
    status = await lab.get("/queue/status")
    tag = status.headers["ETag"]
    assert tag == f'"{status["revision"]}"'
    first = await lab.post(
        "/queue/reorder", {"task_id": waiting[3], "to": "head"}, headers={"If-Match": tag}
    )
    assert first.status == 200
    second = await lab.post(
        "/queue/reorder", {"task_id": waiting[2], "to": "head"}, headers={"If-Match": tag}
    )
    assert (second.status, second["error_code"], second["revision"]) == (
        412,
        "precondition_failed",
        1,
    )
    refused = await lab.post(
        f"/task/{waiting[2]}/priority", {"priority": 5}, headers={"If-Match": tag}
    )
    assert refused.status == 412
    assert await line(lab) == [waiting[3], *waiting[:3]]
    again = await lab.post(
        "/queue/reorder",
        {"task_id": waiting[2], "to": "head"},
        headers={"If-Match": first.headers["ETag"]},
    )
    assert again.status == 200
    assert (await lab.get("/queue/status?robot_id=robot_a")).headers["ETag"] == '"2"'
    assert (await lab.get("/queue/status?robot_id=robot_b")).headers["ETag"] == '"0"'


@pytest.mark.parametrize(
    ("tag", "status"),
    [("*", 200), ('W/"0"', 200), ("0", 200), ('"1"', 412), ('"abc"', 412), ("", 412)],
)
async def test_if_match__other_forms(lab: Lab, waiting: list[str], tag: str, status: int) -> None:
    body = {"task_id": waiting[2], "to": "head"}
    answer = await lab.post("/queue/reorder", body, headers={"If-Match": tag})
    assert answer.status == status


@each(
    ("body", "field"),
    [
        ({"to": "head"}, "task_id"),
        ({"task_id": "{a}"}, "to"),
        ({"task_id": "{a}", "to": "middle"}, "to"),
        ({"task_id": "{a}", "to": "head", "before": "{b}"}, "to"),
        ({"task_id": "{a}", "after": "{b}", "before": "{b}"}, "after"),
        ({"task_id": "{a}", "after": "{a}"}, "after"),
        ({"task_id": "{a}", "before": "task_20260101_000000_abc123"}, "before"),
        ({"task_id": "{a}", "to": "head", "robot_id": "robot_a"}, "robot_id"),
        ({"task_id": 5, "to": "head"}, "task_id"),
    ],
)
async def test_reorder__that_is_wrong_names_the_field_and_changes_nothing(
    lab: Lab, waiting: list[str], body: dict[str, Any], field: str
) -> None:
    names = dict(zip("abcd", waiting, strict=True))
    named = {
        key: value.format_map(names) if isinstance(value, str) else value
        for key, value in body.items()
    }
    before = await lab.facts()
    answer = await lab.post("/queue/reorder", named)
    assert (answer.status, answer["field"]) == (400, field)
    assert await lab.facts() == before


@each("priority", [11, "urgent", 1.5, True, None, []])
async def test_priority__that_is_wrong_is_refused(
    lab: Lab, waiting: list[str], priority: Any
) -> None:
    answer = await lab.post(f"/task/{waiting[0]}/priority", {"priority": priority})
    assert (answer.status, answer["field"]) == (400, "priority")


async def test_ended_unknown_and_running__cannot_be_moved(lab: Lab) -> None:
    ended = await lab.submit()
    await lab.ended(ended)
    running = await lab.asking()
    for task_id, status, code in (
        (running, 409, "wrong_state"),
        (ended, 409, "wrong_state"),
        ("task_20260101_000000_abc123", 404, "task_not_found"),
    ):
        answer = await lab.post("/queue/reorder", {"task_id": task_id, "to": "end"})
        assert (answer.status, answer["error_code"]) == (status, code)
        answer = await lab.post(f"/task/{task_id}/priority", {"priority": 1})
        assert (answer.status, answer["error_code"]) == (status, code)


async def test_journal__says_who_moved_what_where(lab: Lab, waiting: list[str]) -> None:
    await lab.post("/queue/reorder", {"task_id": waiting[1], "before": waiting[0]})
    await lab.post(f"/task/{waiting[2]}/priority", {"priority": 4})
    events = await lab.engine.reads.events(0, limit=1_000)
    moved = [event for event in events if event.kind == "task.moved"]
    assert [(event.task_id, event.actor, event.data["place"]) for event in moved] == [
        (waiting[1], "anonymous", {"before": waiting[0]}),
        (waiting[2], "anonymous", {"priority": 4}),
    ]
    assert (moved[1].data["was_priority"], moved[1].data["revision"]) == (0, 2)
