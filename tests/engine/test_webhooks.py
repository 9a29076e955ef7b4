"""Whoever wants to hear of the end of a task hears of it, at least once."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from examples.webhook_receiver import Receiver as ExampleReceiver
from robotq.config import QueueConfig, WebhooksConfig
from robotq.engine import webhooks
from robotq.model.crashpoints import CrashPoint, at_crash_points
from robotq.model.delivery import Delivery, DeliveryState
from robotq.model.errors import RobotqError
from robotq.model.task import Task, TaskState
from robotq.store.port import DeliveryQuery
from tests.receiver import Receiver, running_receiver, says, status

from .conftest import Lab, StartLab
from .disk import writes

NOBODY = "http://127.0.0.1:1/done"


def sending(url: str | None = None, **changes: Any) -> WebhooksConfig:
    """Webhooks that do not take long to try again and to give up."""
    return replace(WebhooksConfig(url=url, timeout_s=5, retries=3, retry_s=0.02), **changes)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def no_crash_points_left() -> Iterator[None]:
    yield
    at_crash_points(None)


async def told(lab: Lab, task: Task, state: DeliveryState = DeliveryState.DELIVERED) -> Delivery:
    """The only webhook of a task, once it is in this state."""
    async with asyncio.timeout(5):
        while True:
            (delivery,) = await lab.engine.webhooks.of(task)
            if delivery.state is state:
                return delivery
            await asyncio.sleep(0.001)


async def called_back(lab: Lab, url: str, cmd_id: str = "c", **params: Any) -> Task:
    """The end of a command that came with this `callback_url`."""
    body = {"cmd_type": "WORK", "cmd_id": cmd_id, "params": params, "callback_url": url}
    accepted = await lab.accept([lab.engine.intake.read(body)])
    return await lab.ended(accepted.task_ids[0])


# what is told


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
    order = replace(lab.order("late"), expires_at_ms=1)
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


# until it is acknowledged


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


# over restarts and outages


async def test_restart__goes_on_where_it_was(start_lab: StartLab, receiver: Receiver) -> None:
    receiver.usual = status(503)
    config = sending(receiver.url(), retry_s=30)
    lab = await start_lab(webhooks=config)
    task = await lab.run("c")
    await receiver.got()
    await lab.until(lambda: lab.engine.webhooks._pending[f"{task.id}-site"].problem)
    await lab.end()
    receiver.usual = status(200)
    lab = await start_lab(data=lab.disk.data, webhooks=replace(config, retry_s=0.01))
    assert [request.attempt for request in await receiver.got(2)] == [1, 2]
    assert (await told(lab, task)).attempts == 2


@pytest.mark.usefixtures("no_crash_points_left")
async def test_daemon_dies_before_it_is_sent__the_next_one_sends_it(
    start_lab: StartLab, receiver: Receiver
) -> None:
    lab = await start_lab(webhooks=sending(receiver.url()))
    lab.disk.dies_at = writes(TaskState.COMPLETED)
    task_id = await lab.submit("c")
    await lab.until(lambda: lab.disk.dead)
    lab = await start_lab(data=await lab.kill(), webhooks=sending(receiver.url()))
    (request,) = await receiver.got()
    assert request.body["task_id"] == task_id
    await told(lab, await lab.find(task_id))
    assert len(receiver.requests) == 1


@pytest.mark.usefixtures("no_crash_points_left")
async def test_daemon_dies_before_the_acknowledgement_is_noted__it_is_sent_twice(
    start_lab: StartLab, receiver: Receiver
) -> None:
    lab = await start_lab(webhooks=sending(receiver.url()))

    def die(point: CrashPoint) -> None:
        lab.disk.dead |= point is CrashPoint.WEBHOOK_SENT

    at_crash_points(die)
    task = await lab.run("c")
    await lab.until(lambda: lab.disk.dead)
    at_crash_points(None)
    lab = await start_lab(data=await lab.kill(), webhooks=sending(receiver.url()))
    first, second = await receiver.got(2)
    assert first.body == second.body
    assert (await told(lab, task)).attempts == 1


@pytest.mark.usefixtures("no_crash_points_left")
async def test_disk_full_when_it_is_acknowledged__is_noted_later_and_not_sent_twice(
    start_lab: StartLab, receiver: Receiver
) -> None:
    lab = await start_lab(webhooks=sending(receiver.url()))

    def fill(point: CrashPoint) -> None:
        if point is CrashPoint.WEBHOOK_SENT:
            lab.disk.full = "no space left on device"

    at_crash_points(fill)
    task = await lab.run("c")
    await lab.until(lambda: not lab.engine.journal.available)
    at_crash_points(None)
    lab.disk.full = None
    await told(lab, task)
    assert len(receiver.requests) == 1


async def test_task_that_cannot_be_read__is_sent_when_it_can(
    start_lab: StartLab, receiver: Receiver
) -> None:
    receiver.answers.append(status(503))
    lab = await start_lab(webhooks=sending(allowed_hosts=LOOPBACK, retry_s=30))
    task = await called_back(lab, receiver.url())
    await lab.until(lambda: lab.engine.webhooks._pending[f"{task.id}-caller"].problem)
    others = QueueConfig(finished_in_memory=20)
    for number in range(others.finished_in_memory):
        await lab.run(str(number))
    await lab.end()
    lab = await start_lab(
        data=lab.disk.data,
        queue=others,
        webhooks=sending(allowed_hosts=LOOPBACK),
        unreadable=True,
    )
    assert lab.engine.queue.memory.get(task.id) is None, "it ended too long ago"
    await lab.until(lambda: lab.disk.unread >= 3)
    assert [request.attempt for request in receiver.requests] == [1]
    lab.disk.unreadable = False
    assert [request.attempt for request in await receiver.got(2)] == [1, 2]
    assert (await told(lab, task)).attempts == 2


async def test_task_removed_by_retention__is_given_up(start_lab: StartLab) -> None:
    lab = await start_lab(webhooks=sending(NOBODY, retry_s=30))
    task = await lab.run("c")
    await lab.until(lambda: lab.engine.webhooks._pending[f"{task.id}-site"].problem)
    data = lab.disk.data
    await lab.end()
    await data.open(finished=10)
    future_ms = (task.ended_at_ms or 0) + 1
    assert await data.prune(
        tasks_before_ms=future_ms, events_before_ms=0, answers_before_ms=0, limit=10
    )
    lab = await start_lab(data=data, webhooks=sending(NOBODY))
    given_up = await told(lab, task, DeliveryState.UNDELIVERED)
    assert given_up.problem is not None
    assert (given_up.problem.code, given_up.attempts) == ("webhook.task_gone", 1)


# nothing is held up


async def test_hanging_receiver__holds_up_neither_robots_nor_others(
    start_lab: StartLab, receiver: Receiver
) -> None:
    async with running_receiver() as dead:
        dead.usual = dead.never
        config = sending(dead.url(), timeout_s=30, allowed_hosts=LOOPBACK)
        lab = await start_lab(webhooks=config)
        ids = [await lab.submit(str(number)) for number in range(30)]
        for task_id in ids:
            await lab.ended(task_id)
        await called_back(lab, receiver.url())
        await lab.until(lambda: lab.engine.webhooks.statistics().delivered == 1)
        assert len(await dead.got(4)) == 4, "few at once for one receiver"
        assert lab.engine.webhooks.statistics().pending == 31


async def test_too_many_waiting__the_next_is_given_up_and_the_robot_goes_on(
    start_lab: StartLab, receiver: Receiver
) -> None:
    receiver.usual = receiver.never
    lab = await start_lab(webhooks=sending(receiver.url(), timeout_s=30, max_pending=2))
    tasks = [await lab.run(str(number)) for number in range(3)]
    given_up = await told(lab, tasks[2], DeliveryState.UNDELIVERED)
    assert given_up.problem is not None
    assert (given_up.problem.code, given_up.attempts) == ("webhook.too_many", 0)
    assert [event.kind for event in await lab.events("webhook.")] == ["webhook.undelivered"]
    with pytest.raises(RobotqError, match="Too many webhooks"):
        await lab.engine.webhooks.resend(given_up.id, actor="ann")
    assert lab.engine.webhooks.statistics().pending == 2


async def test_older_ones__are_shown_from_the_disk(
    start_lab: StartLab, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_REMEMBERED", 1)
    lab = await start_lab(webhooks=sending(receiver.url()))
    old, new = await lab.run("old"), await lab.run("new")
    assert (await told(lab, old)).task_id == old.id
    assert (await told(lab, new)).task_id == new.id


# where a client may have it sent

LOOPBACK = ["127.0.0.1", "::1"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:9000/done", "host 127.0.0.1 is not in webhooks.allowed_hosts"),
        ("http://[::1]:9000/", "host ::1 is not in webhooks.allowed_hosts"),
        ("http://169.254.169.254/latest", "host 169.254.169.254 is not in"),
        ("http://10.0.1.5/", "host 10.0.1.5 is not in"),
        ("http://elsewhere.lab/", "host elsewhere.lab is not in"),
        ("http://ann:secret@mes.lab/", "a user or password in a URL is not taken"),
        ("ftp://mes.lab/", "expected a URL such as"),
        ("mes.lab", "expected a URL such as"),
        ("http:///done", "expected a URL such as"),
        ("http://mes.lab:99999/", "expected a URL such as"),
        ("http://mes.lab/a b", "expected a URL such as"),
        ("", "expected a URL of at most"),
        ("http://mes.lab/" + "x" * 2_000, "expected a URL of at most"),
        (7, "expected a URL of at most"),
    ],
)
async def test_callback_url__that_is_not_allowed_is_refused(
    start_lab: StartLab, url: Any, reason: str
) -> None:
    lab = await start_lab(webhooks=sending(allowed_hosts=["mes.lab", "10.0.0.0/24"]))
    with pytest.raises(RobotqError) as refused:
        lab.engine.intake.read({"cmd_type": "WORK", "callback_url": url})
    assert refused.value.code.name == "bad_parameter"
    assert refused.value.args_["field"] == "callback_url"
    assert reason in refused.value.args_["reason"]


async def test_callback_url__without_a_word_in_the_configuration_is_refused(lab: Lab) -> None:
    with pytest.raises(RobotqError, match=r"callback_url: the host mes\.lab is not in"):
        lab.engine.intake.read({"cmd_type": "WORK", "callback_url": "http://mes.lab/"})


async def test_callback_url__in_the_wrapped_form_and_in_a_batch(start_lab: StartLab) -> None:
    lab = await start_lab(webhooks=sending(allowed_hosts=["mes.lab", "10.0.0.0/24"]))
    named = {"cmd_type": "WORK", "callback_url": "http://mes.lab:8000/done"}
    order = lab.engine.intake.read({"params": {"take_s": 1}, "data": named})
    assert order.command.callback_url == "http://mes.lab:8000/done"
    assert order.command.extra == {}
    by_address = {"cmd_type": "WORK", "callback_url": "https://10.0.0.7/done"}
    other = {"cmd_type": "WORK", "callback_url": "http://other.lab"}
    with pytest.raises(RobotqError) as refused:
        lab.engine.intake.read_batch([by_address, other])
    assert refused.value.args_["field"] == "[1].callback_url"


async def test_callback_url__of_a_command_that_acts_at_once_is_refused(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(webhooks=sending(allowed_hosts=["mes.lab"]))
    with pytest.raises(RobotqError, match="ASK_STATE is answered at once"):
        lab.engine.intake.read({"cmd_type": "ASK_STATE", "callback_url": "http://mes.lab/"})


@pytest.mark.parametrize(("addresses", "arrives"), [([], False), (LOOPBACK, True)])
async def test_name__that_stands_for_this_machine_needs_the_address_allowed_too(
    start_lab: StartLab, receiver: Receiver, addresses: list[str], arrives: bool
) -> None:
    """The address that the name stands for at the moment of sending counts, so a name that is
    allowed cannot be turned on what listens on this machine."""
    config = sending(retries=0, allowed_hosts=["localhost", *addresses])
    lab = await start_lab(webhooks=config)
    task = await called_back(lab, receiver.url(host="localhost"))
    state = DeliveryState.DELIVERED if arrives else DeliveryState.UNDELIVERED
    delivery = await told(lab, task, state)
    assert len(receiver.requests) == arrives
    if not arrives:
        assert delivery.problem is not None
        assert "is not in webhooks.allowed_hosts" in delivery.problem.args["reason"]


async def test_name__that_nobody_knows_is_given_up(start_lab: StartLab) -> None:
    # too long to be a name, so that no name server is asked
    lab = await start_lab(webhooks=sending(f"http://{'mes' * 30}.lab/", retries=0))
    given_up = await told(lab, await lab.run("c"), DeliveryState.UNDELIVERED)
    assert given_up.problem is not None
    assert given_up.problem.code == "webhook.unreachable"
    assert "no such name" in given_up.problem.args["reason"]


async def test_host__that_is_not_allowed_any_more_gets_nothing(
    start_lab: StartLab, receiver: Receiver
) -> None:
    lab = await start_lab(webhooks=sending(allowed_hosts=LOOPBACK))
    gate = {"cmd_type": "WORK", "params": {"gate": True}, "callback_url": receiver.url()}
    accepted = await lab.accept([lab.engine.intake.read(gate)])
    narrower = replace(lab.engine.config, webhooks=sending(retries=0))
    reloaded = lab.engine.prepare_reload(narrower, lab.engine.catalog)
    await lab.engine.reload(reloaded, actor="test")
    lab.driver.gate.set()
    task = await lab.ended(accepted.task_ids[0])
    given_up = await told(lab, task, DeliveryState.UNDELIVERED)
    assert given_up.problem is not None
    assert given_up.problem.code == "webhook.not_allowed"
    assert not receiver.requests


async def test_webhook__that_is_sent_to_a_daemon_moves_nothing(
    start_lab: StartLab, receiver: Receiver
) -> None:
    lab = await start_lab(webhooks=sending(receiver.url()))
    await lab.run("c")
    (request,) = await receiver.got()
    with pytest.raises(RobotqError, match="a webhook is not a command"):
        lab.engine.intake.read(request.body)


# with the example


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
