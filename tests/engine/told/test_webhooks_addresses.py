"""Where a webhook may be sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from robotq.model.delivery import DeliveryState
from robotq.model.errors import RobotqError
from tests.engine.conftest import Lab, StartLab
from tests.engine.webhooks import LOOPBACK, called_back, sending, told
from tests.receiver import Receiver

_NOT_ALLOWED: list[tuple[Any, str]] = [
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
]


async def test_callback_url__that_is_not_allowed_is_refused(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(webhooks=sending(allowed_hosts=["mes.lab", "10.0.0.0/24"]))
    for url, reason in _NOT_ALLOWED:
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
