"""GET /webhooks, POST /webhooks/{id}/resend, and what a task says of its webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.conftest import StartLab
from tests.api.lab import BY_HAND, GO_HOME, Lab
from tests.receiver import Receiver, running_receiver, status

QUICKLY = {"webhooks__timeout_s": 2, "webhooks__retries": 0, "webhooks__retry_s": 0.02}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as receiver:
        yield receiver


async def in_state(lab: Lab, state: str, number: int = 1) -> list[dict[str, Any]]:
    """The webhooks in this state, as soon as there are so many."""
    async with asyncio.timeout(5):
        while True:
            answer = await lab.get(f"/webhooks?state={state}")
            found: list[dict[str, Any]] = answer["webhooks"]
            if len(found) >= number:
                return found
            await asyncio.sleep(0.005)


async def test_task__shows_who_was_told_of_its_end(start_lab: StartLab, receiver: Receiver) -> None:
    lab = await start_lab(
        webhooks__url=receiver.url("/mes?token=1"),
        webhooks__allowed_hosts=["127.0.0.1"],
        **QUICKLY,
    )
    receiver.answers.append(status(500))
    command = {**GO_HOME, "callback_url": receiver.url("/mine?token=2")}
    task_id = await lab.submit(command)
    assert "webhooks" not in await lab.task(await lab.asking())
    (lost,) = await in_state(lab, "undelivered")
    (sent,) = await in_state(lab, "delivered")
    task = await lab.task(task_id)
    assert {shown["webhook_id"]: shown for shown in task["webhooks"]} == {
        lost["webhook_id"]: lost,
        sent["webhook_id"]: sent,
    }
    assert task["callback_url"] == receiver.url("/mine")
    assert {shown["url"] for shown in task["webhooks"]} == {
        receiver.url("/mes"),
        receiver.url("/mine"),
    }
    assert (lost["problem"], lost["attempts"]) == ("webhook.status", 1)
    assert lost["message"] == "接收方返回状态 500"
    english = await lab.get("/webhooks?state=undelivered", headers={"Accept-Language": "en"})
    assert english["webhooks"][0]["message"] == "the receiver answered with status 500"
    assert (sent["problem"], sent["message"]) == (None, None)


async def test_resend__delivers_what_was_given_up(start_lab: StartLab, receiver: Receiver) -> None:
    lab = await start_lab(webhooks__url=receiver.url(), **QUICKLY)
    receiver.answers.append(status(503))
    task_id = await lab.submit()
    (lost,) = await in_state(lab, "undelivered")
    answer = await lab.post(f"/webhooks/{lost['webhook_id']}/resend")
    assert answer.status == 200
    assert (answer["webhook"]["state"], answer["webhook"]["attempts"]) == ("pending", 0)
    (sent,) = await in_state(lab, "delivered")
    assert sent["task_id"] == task_id
    first, second = receiver.requests
    assert first.raw == second.raw


async def test_resend__is_refused_where_there_is_nothing_to_send(lab: Lab) -> None:
    answer = await lab.post("/webhooks/task_20231215_143022_abc123-site/resend")
    assert (answer.status, answer["error_code"]) == (404, "webhook_not_found")
    answer = await lab.post("/webhooks/%2F/resend", {"force": True})
    assert (answer.status, answer["error_code"]) == (400, "bad_parameter")


async def test_list__newest_first_in_pages(start_lab: StartLab, receiver: Receiver) -> None:
    lab = await start_lab(webhooks__url=receiver.url(), **QUICKLY)
    ids = [await lab.submit() for _ in range(5)]
    await in_state(lab, "delivered", 5)
    found: list[str] = []
    cursor = ""
    while True:
        page = await lab.get(f"/webhooks?limit=2{cursor}")
        found += [webhook["task_id"] for webhook in page["webhooks"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(found) == sorted(ids)
    assert len(found) == 5
    one = await lab.get(f"/webhooks?task_id={ids[2]}")
    assert [webhook["task_id"] for webhook in one["webhooks"]] == [ids[2]]


@pytest.mark.parametrize(
    "query", ["state=lost", "limit=0", "cursor=5", "cursor=5.x", f"cursor={'9' * 20}.a-site"]
)
async def test_list__a_query_that_is_wrong_is_refused(lab: Lab, query: str) -> None:
    answer = await lab.get(f"/webhooks?{query}")
    assert (answer.status, answer["error_code"]) == (400, "bad_parameter")


async def test_callback_url__that_is_not_allowed_is_refused_and_nothing_is_queued(
    lab: Lab,
) -> None:
    before = await lab.facts()
    answer = await lab.post("/", {**GO_HOME, "callback_url": "http://127.0.0.1:8090/estop"})
    assert (answer.status, answer["error_code"]) == (400, "bad_parameter")
    assert answer["field"] == "callback_url"
    assert await lab.facts() == before


async def test_metrics__count_webhooks(start_lab: StartLab, receiver: Receiver) -> None:
    lab = await start_lab(webhooks__url=receiver.url(), **QUICKLY)
    receiver.answers.append(status(503))
    await lab.ended(await lab.submit())
    await in_state(lab, "undelivered")
    await lab.ended(await lab.submit())
    await in_state(lab, "delivered")
    receiver.usual = receiver.never
    task_id = await lab.submit({**BY_HAND, "robot_id": "robot_b"})
    await lab.post(f"/task/{task_id}/cancel")
    await receiver.got(3)
    lines = (await lab.get("/metrics")).text.splitlines()
    assert {line for line in lines if line.startswith("robotq_webhook")} >= {
        "robotq_webhooks_pending 1.0",
        "robotq_webhook_attempts_total 3.0",
        "robotq_webhooks_delivered_total 1.0",
        "robotq_webhooks_undelivered_total 1.0",
    }
