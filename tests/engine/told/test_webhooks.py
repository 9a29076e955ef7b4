"""Whoever wants to hear of the end of a task hears of it, at least once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from examples.webhook_receiver import Receiver as ExampleReceiver
from robotq.model.delivery import DeliveryState
from robotq.model.errors import RobotqError
from robotq.store.port import DeliveryQuery
from tests.engine.conftest import Lab, StartLab
from tests.engine.webhooks import LOOPBACK, NOBODY, called_back, sending, told
from tests.receiver import Receiver, says, status


async def test_end__is_told_to_the_site(start_lab: StartLab, receiver: Receiver) -> None:
    lab = await start_lab(webhooks=sending(receiver.url("/done?line=3")))
    task = await lab.run("NAV_7", take_s=12)
    (request,) = await receiver.got()
    assert request.path == "/done?line=3"
    assert request.body == {
        "webhook_id": f"{task.id}-site",
        "cmd_id": "NAV_7",
        "cmd_type": "WORK",
        "success": True,
        "message": "WORK完成",
        "code": 0,
        "error_code": None,
        "task_id": task.id,
        "robot_id": "robot_a",
        "state": "completed",
        "result": {"success": True, "message": "WORK完成", "worked": True},
        "api": "robot",
        "batch_id": None,
        "retry_of": None,
        "repeat_of": None,
        "simulated": True,
        "submitted_at_ms": task.submitted_at_ms,
        "started_at_ms": task.started_at_ms,
        "ended_at_ms": task.ended_at_ms,
    }
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-Robotq-Webhook"] == f"{task.id}-site"
    assert "X-Robotq-Signature" not in request.headers
    delivery = await told(lab, task)
    assert (delivery.attempts, delivery.problem) == (1, None)
    (event,) = await lab.events("webhook.")
    assert (event.kind, event.task_id) == ("webhook.delivered", task.id)
    assert (event.robot, event.api) == ("robot_a", "robot")
    assert event.data == {
        "webhook_id": delivery.id,
        "url": receiver.url("/done"),
        "attempts": 1,
    }


async def test_every_kind_of_end__is_told(start_lab: StartLab, receiver: Receiver) -> None:
    lab = await start_lab(webhooks=sending(receiver.url()))
    await lab.run("failed", fail="no bottle")
    gate = await lab.at_gate("gate")
    waiting = await lab.submit("cancelled")
    first, second = await lab.batch("first", "second", **{"raise": "boom"})
    await lab.engine.queue.cancel(waiting, actor="test")
    lab.driver.gate.set()
    unknown = await lab.ended(first)
    bodies = {request.body["task_id"]: request.body for request in await receiver.got(5)}
    assert bodies[waiting]["error_code"] == "cancelled"
    assert bodies[gate]["success"]
    assert (bodies[first]["code"], bodies[first]["error_code"]) == (3021, "outcome_unknown")
    assert bodies[second]["error_code"] == "batch_failed"
    assert {body["cmd_id"]: body["state"] for body in bodies.values()} == {
        "failed": "failed",
        "gate": "completed",
        "cancelled": "cancelled",
        "first": "failed",
        "second": "cancelled",
    }
    assert await lab.engine.webhooks.of(await lab.find(second))
    # what a person finds out afterwards is no second end
    await lab.engine.resolve(unknown.id, "completed", actor="test")
    await lab.quiet()
    assert len(receiver.requests) == 5


async def test_expired__is_told(start_lab: StartLab, receiver: Receiver) -> None:
    lab = await start_lab(webhooks=sending(receiver.url()))
    order = msgspec.structs.replace(lab.order("late"), expires_at_ms=1)
    await lab.accept([order])
    (request,) = await receiver.got()
    assert request.body["error_code"] == "expired"


async def test_running_when_the_daemon_died__is_told_by_the_next_one(
    start_lab: StartLab, receiver: Receiver
) -> None:
    lab = await start_lab(webhooks=sending(receiver.url()))
    cut_short = await lab.at_gate("c")
    lab = await start_lab(data=await lab.kill(), webhooks=sending(receiver.url()))
    (request,) = await receiver.got()
    assert (request.body["task_id"], request.body["success"]) == (cut_short, False)
    assert request.body["error_code"] == "outcome_unknown"
    await told(lab, await lab.find(cut_short))


async def test_site_and_caller__are_both_told_and_one_that_is_both_only_once(
    start_lab: StartLab, receiver: Receiver
) -> None:
    lab = await start_lab(webhooks=sending(receiver.url("/mes"), allowed_hosts=LOOPBACK))
    both = await called_back(lab, receiver.url("/mine"))
    paths = {request.path: request.body["webhook_id"] for request in await receiver.got(2)}
    assert paths == {"/mes": f"{both.id}-site", "/mine": f"{both.id}-caller"}
    await called_back(lab, receiver.url("/mes"), "once")
    await receiver.got(3)
    await lab.quiet()
    assert len(receiver.requests) == 3


async def test_nobody_wants_to_hear__nothing_is_written(lab: Lab) -> None:
    task = await lab.run("quiet")
    assert await lab.engine.webhooks.of(task) == ()
    assert await lab.disk.data.deliveries(DeliveryQuery()) == []


async def test_refused__is_sent_again_under_the_same_id(
    start_lab: StartLab, receiver: Receiver
) -> None:
    lab = await start_lab(webhooks=sending(receiver.url()))
    receiver.answers = deque([status(503), status(404)])
    task = await lab.run("c")
    requests = await receiver.got(3)
    assert [request.attempt for request in requests] == [1, 2, 3]
    assert len({request.raw for request in requests}) == 1
    assert (await told(lab, task)).attempts == 3


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (status(500), "webhook.status"),
        (status(304), "webhook.status"),
        (None, "webhook.timeout"),
        (says('{"received": false}'), "webhook.not_received"),
        (says('{"received": "true"}'), "webhook.not_received"),
        (says("[true]"), "webhook.not_received"),
        (says("thanks"), "webhook.not_received"),
        (says(""), "webhook.not_received"),
        (says('{"received": true}' + " " * 100_000), "webhook.not_received"),
    ],
)
async def test_not_acknowledged__is_given_up_and_says_why(
    start_lab: StartLab, receiver: Receiver, answer: Any, problem: str
) -> None:
    receiver.usual = answer or receiver.never
    timeout_s = 5 if answer else 0.05
    config = sending(receiver.url(), retries=1, timeout_s=timeout_s, expect_received=True)
    lab = await start_lab(webhooks=config)
    task = await lab.run("c")
    given_up = await told(lab, task, DeliveryState.UNDELIVERED)
    assert given_up.problem is not None
    assert (given_up.problem.code, given_up.attempts) == (problem, 2)
    assert len(receiver.requests) == 2
    (event,) = await lab.events("webhook.")
    assert (event.kind, event.data["problem"]) == ("webhook.undelivered", problem)
    await lab.quiet()
    assert len(receiver.requests) == 2


async def test_any_success__acknowledges_unless_the_site_wants_more(
    start_lab: StartLab, receiver: Receiver
) -> None:
    receiver.usual = status(204)
    lab = await start_lab(webhooks=sending(receiver.url()))
    assert (await told(lab, await lab.run("c"))).attempts == 1


async def test_redirect__is_not_followed(start_lab: StartLab, receiver: Receiver) -> None:
    receiver.usual = status(307, Location=receiver.url("/elsewhere"))
    lab = await start_lab(webhooks=sending(receiver.url(), retries=0))
    given_up = await told(lab, await lab.run("c"), DeliveryState.UNDELIVERED)
    assert given_up.problem is not None
    assert given_up.problem.args == {"status": 307}
    assert [request.path for request in receiver.requests] == ["/done"]


async def test_nobody_listens__is_given_up_and_sent_again_when_somebody_asks(
    start_lab: StartLab, receiver: Receiver
) -> None:
    lab = await start_lab(webhooks=sending(NOBODY))
    task = await lab.run("c")
    given_up = await told(lab, task, DeliveryState.UNDELIVERED)
    assert given_up.problem is not None
    assert (given_up.problem.code, given_up.attempts) == ("webhook.unreachable", 4)
    # the wrong address is mended, and the configuration read again
    config = replace(lab.engine.config, webhooks=sending(receiver.url()))
    reloaded = lab.engine.prepare_reload(config, lab.engine.catalog)
    await lab.engine.reload(reloaded, actor="test")
    again = await lab.engine.webhooks.resend(given_up.id, actor="ann")
    assert (again.state, again.attempts) == (DeliveryState.PENDING, 0)
    delivered = await told(lab, task)
    assert (delivered.attempts, delivered.url) == (1, receiver.url())
    kinds = [(event.kind, event.actor) for event in await lab.events("webhook.")]
    assert kinds == [
        ("webhook.undelivered", "robotq"),
        ("webhook.resent", "ann"),
        ("webhook.delivered", "robotq"),
    ]
    # a receiver that has lost its records can ask for what it had
    await lab.engine.webhooks.resend(given_up.id, actor="ann")
    first, second = await receiver.got(2)
    assert first.raw == second.raw
    await told(lab, task)


async def test_resend__of_what_is_being_sent_or_is_not_there_is_refused(
    start_lab: StartLab, receiver: Receiver
) -> None:
    receiver.usual = receiver.never
    lab = await start_lab(webhooks=sending(receiver.url(), timeout_s=10))
    task = await lab.run("c")
    await receiver.got()
    with pytest.raises(RobotqError, match="is pending, so it cannot resend"):
        await lab.engine.webhooks.resend(f"{task.id}-site", actor="ann")
    for webhook_id in (f"{task.id}-caller", task.id, "", "-site", "nothing"):
        with pytest.raises(RobotqError, match="No such webhook"):
            await lab.engine.webhooks.resend(webhook_id, actor="ann")


@pytest.fixture
def example() -> Iterator[ExampleReceiver]:
    with ExampleReceiver("127.0.0.1", 0, refuse=2, delay_s=0.01, secret="s3cret") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def test_example__checks_the_signature_refuses_twice_and_takes_it_once(
    start_lab: StartLab, example: ExampleReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{example.server_port}/"
    config = sending(url, secret="s3cret", expect_received=True)
    lab = await start_lab(webhooks=config)
    task = await lab.run("c", fail="no bottle")
    delivery = await told(lab, task)
    await lab.engine.webhooks.resend(delivery.id, actor="ann")
    await told(lab, task, DeliveryState.DELIVERED)
    lines = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == ["refused", "refused", "received"]
    assert list(example.received) == [delivery.id]


async def test_example__refuses_what_another_has_signed(
    start_lab: StartLab, example: ExampleReceiver
) -> None:
    url = f"http://127.0.0.1:{example.server_port}/"
    lab = await start_lab(webhooks=sending(url, secret="guessed", retries=0))
    given_up = await told(lab, await lab.run("c"), DeliveryState.UNDELIVERED)
    assert given_up.problem is not None
    assert given_up.problem.args == {"status": 401}
    assert not example.received
