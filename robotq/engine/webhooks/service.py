"""Webhooks: the end of every task that somebody wants to hear of, sent at least once.

A webhook is written in the transaction that ends its task, and it is sent until the receiver
acknowledges it or all attempts are used up, over restarts too. When the daemon dies between an
acknowledgement and its record, it is sent again, under the same id.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import msgspec

from robotq.config import WebhooksConfig
from robotq.config.receivers import AllowedHosts
from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.reads import Reads
from robotq.engine.settings import Settings
from robotq.engine.signals import Signals
from robotq.engine.webhooks.new import NewWebhooks, webhook_event
from robotq.engine.webhooks.sender import WebhookSender
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.delivery import Delivery, DeliveryState, Receiver, parsed_id
from robotq.model.errors import RobotqError
from robotq.model.task import Task
from robotq.store.port import (
    DeliveryQuery,
    Mutation,
    SaveDelivery,
)

_log = logging.getLogger(__name__)

_REMEMBERED = 1_000
"""Tasks whose webhooks are shown without asking the disk."""


class WebhookStatistics(msgspec.Struct, frozen=True, kw_only=True):
    pending: int
    """To be sent, or sent and not acknowledged."""
    attempts: int
    """Since the start, like those that follow."""
    delivered: int
    undelivered: int


class Webhooks:
    """Writes webhooks, has them sent, and shows them. Sending holds up nothing else."""

    def __init__(
        self,
        *,
        settings: Settings,
        reads: Reads,
        commit: Commit,
        clock: WallClock,
        new: NewWebhooks,
        signals: Signals,
    ) -> None:
        self._settings = settings
        self._reads = reads
        self._commit = commit
        self._clock = clock
        self._pending = new.pending
        self._of_task: OrderedDict[str, dict[Receiver, Delivery]] = OrderedDict()
        self._looked = False
        self._others_on_disk = False
        """Whether any are there besides those in memory; known once somebody has looked."""
        self._sender = WebhookSender(
            settings=settings,
            clock=clock,
            pending=self._pending,
            task_of=self._task,
            record=self._record,
        )
        self._delivered = self._undelivered = 0
        signals.webhook_written.subscribe(self._sent_soon)

    @property
    def allowed_hosts(self) -> AllowedHosts:
        """Where a `callback_url` may lead to."""
        return AllowedHosts(self._config.allowed_hosts)

    def _sent_soon(self, delivery: Delivery) -> None:
        """Send a webhook that was written with the end of its task."""
        crash_point(CrashPoint.WEBHOOK_RECORDED)
        self._of_task.setdefault(delivery.task_id, {})
        if len(self._of_task) > _REMEMBERED:
            self._of_task.popitem(last=False)
            self._others_on_disk = True
        self._take_over(delivery)

    # -- for people ----------------------------------------------------------------------------

    async def of(self, task: Task) -> Sequence[Delivery]:
        """The webhooks of a task. Raises RobotqError store_unavailable."""
        if (known := self._of_task.get(task.id)) is not None:
            return tuple(known.values())
        if not task.state.final:
            return ()
        if not self._looked:
            found = await self.list(DeliveryQuery(limit=1))
            self._others_on_disk = bool(found) or self._others_on_disk
            self._looked = True
        return await self.list(DeliveryQuery(task_id=task.id)) if self._others_on_disk else ()

    async def list(self, query: DeliveryQuery) -> Sequence[Delivery]:
        """Raises RobotqError store_unavailable."""
        return await self._reads.webhooks(query)

    @unbroken
    async def resend(self, webhook_id: str, *, actor: str) -> Delivery:
        """Send a webhook again that was delivered or given up, with all its attempts.

        Raises RobotqError webhook_not_found, wrong_state (it is still being sent),
        too_many_requests (`max_pending` others are), store_unavailable.
        """
        parts = parsed_id(webhook_id)
        found = await self.list(DeliveryQuery(task_id=parts[0])) if parts is not None else ()
        ended = next((delivery for delivery in found if delivery.id == webhook_id), None)
        if ended is None:
            raise RobotqError("webhook_not_found", webhook_id=webhook_id)
        if webhook_id in self._pending:
            raise RobotqError("wrong_state", task_id=webhook_id, state="pending", action="resend")
        limit = self._config.max_pending
        if len(self._pending) >= limit:
            raise RobotqError("too_many_requests", what="webhooks", limit=limit)
        again = replace(
            ended, state=DeliveryState.PENDING, attempts=0, problem=None, ended_at_ms=None
        )
        task = await self._task(again)
        event = webhook_event("webhook.resent", again, task, self._clock.now_ms(), actor=actor)
        then = partial(self._take_over, again)
        await self._commit.write([SaveDelivery(again), event], then=then)
        return again

    def statistics(self) -> WebhookStatistics:
        return WebhookStatistics(
            pending=len(self._pending),
            attempts=self._sender.attempts,
            delivered=self._delivered,
            undelivered=self._undelivered,
        )

    # -- sending -------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to send, with what the run before has left."""
        self._sender.start()

    async def stop(self) -> None:
        """Send nothing more. What is not acknowledged is sent when the daemon starts again."""
        await self._sender.stop()

    def _take_over(self, delivery: Delivery) -> None:
        """Remember a webhook as it was written, and do what is next with it."""
        if (known := self._of_task.get(delivery.task_id)) is not None:
            known[delivery.receiver] = delivery
        if delivery.state is DeliveryState.PENDING:
            self._pending[delivery.id] = delivery
            self._sender.put(delivery)
        else:
            self._pending.pop(delivery.id, None)
            self._delivered += delivery.state is DeliveryState.DELIVERED
            self._undelivered += delivery.state is DeliveryState.UNDELIVERED

    async def _record(self, delivery: Delivery, task: Task | None) -> None:
        """Write what became of an attempt; waits for the disk."""
        mutations: list[Mutation] = [SaveDelivery(delivery)]
        if delivery.state is not DeliveryState.PENDING:
            kind, now_ms = f"webhook.{delivery.state.value}", self._clock.now_ms()
            mutations.append(webhook_event(kind, delivery, task, now_ms))
        await self._commit.write_when_possible(mutations, partial(self._take_over, delivery))

    # -- helpers -------------------------------------------------------------------------------

    @property
    def _config(self) -> WebhooksConfig:
        return self._settings.config.webhooks

    async def _task(self, delivery: Delivery) -> Task | None:
        return await self._reads.task_if_any(delivery.task_id)
