"""The webhooks that follow from the end of a task, and the rows of the journal about webhooks."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from robotq.config import WebhooksConfig
from robotq.config.receivers import shown_url
from robotq.engine.settings import Settings
from robotq.model.clock import WallClock
from robotq.model.delivery import Delivery, DeliveryState, Problem, Receiver
from robotq.model.event import Event
from robotq.model.task import FINAL_STATES, Task
from robotq.model.texts import Language, text
from robotq.store.port import AppendEvent, Mutation, SaveDelivery, SaveTask

_log = logging.getLogger(__name__)


class NewWebhooks:
    """Decides which webhooks an end makes; they are written with it."""

    def __init__(self, settings: Settings, clock: WallClock, pending: Iterable[Delivery]) -> None:
        """`pending`: what the run before has left to be sent."""
        self._settings = settings
        self._clock = clock
        self.pending = {delivery.id: delivery for delivery in pending}
        """By id, what is to be sent, or was sent and is not acknowledged."""

    def following(self, saving: SaveTask) -> Sequence[Mutation]:
        """The webhooks that follow from what is about to be written, to be written with it."""
        if saving.task.state not in FINAL_STATES or saving.before in FINAL_STATES:
            return ()
        if self._config.url is None and saving.task.command.callback_url is None:
            return ()
        return [
            mutation
            for receiver, url in self._receivers(saving.task)
            for mutation in self._new(saving.task, receiver, url)
        ]

    def _receivers(self, task: Task) -> Iterable[tuple[Receiver, str]]:
        site, caller = self._config.url, task.command.callback_url
        if site is not None:
            yield Receiver.SITE, site
        if caller is not None and caller != site:
            yield Receiver.CALLER, caller

    def _new(self, task: Task, receiver: Receiver, url: str) -> list[Mutation]:
        assert task.ended_at_ms is not None
        delivery = Delivery(
            task_id=task.id, receiver=receiver, url=url, created_at_ms=task.ended_at_ms
        )
        limit = self._config.max_pending
        if len(self.pending) < limit:
            return [SaveDelivery(delivery)]
        given_up = replace(
            delivery,
            state=DeliveryState.UNDELIVERED,
            problem=Problem(code="webhook.too_many", args={"limit": limit}),
            ended_at_ms=task.ended_at_ms,
        )
        return [
            SaveDelivery(given_up),
            webhook_event("webhook.undelivered", given_up, task, self._clock.now_ms()),
        ]

    @property
    def _config(self) -> WebhooksConfig:
        return self._settings.config.webhooks


def webhook_event(
    kind: str, delivery: Delivery, task: Task | None, now_ms: int, *, actor: str = "robotq"
) -> AppendEvent:
    """`task`: None where retention has removed it."""
    problem = delivery.problem
    data = {
        "webhook_id": delivery.id,
        "url": shown_url(delivery.url),
        "attempts": delivery.attempts,
    }
    if problem is not None:
        told = text(problem.code, problem.args, Language.EN)
        _log.warning("webhook %s is %s: %s", delivery.id, delivery.state.value, told)
        data |= {"problem": problem.code, **problem.args}
    return AppendEvent(
        Event(
            kind=kind,
            at_ms=now_ms,
            actor=actor,
            api=task.api if task is not None else None,
            robot=task.queue if task is not None else None,
            task_id=delivery.task_id,
            data=data,
        )
    )
