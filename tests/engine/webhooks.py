"""What tests of webhooks have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from robotq.config import WebhooksConfig
from robotq.config.receivers import read_host_rule
from robotq.model.delivery import Delivery, DeliveryState
from robotq.model.task import Task

from .conftest import Lab

NOBODY = "http://127.0.0.1:1/done"
LOOPBACK = ["127.0.0.1", "::1"]


def sending(
    url: str | None = None, *, allowed_hosts: Sequence[str] = (), **changes: Any
) -> WebhooksConfig:
    """Webhooks that do not take long to try again and to give up."""
    usual = WebhooksConfig(url=url, timeout_s=5, retries=3, retry_s=0.02)
    return replace(usual, allowed_hosts=[read_host_rule(one) for one in allowed_hosts], **changes)


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
