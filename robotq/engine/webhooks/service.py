"""Webhooks: the end of every task that somebody wants to hear of, sent at least once.

A webhook is written in the transaction that ends its task, and it is sent until the receiver
acknowledges it or all attempts are used up, over restarts too. When the daemon dies between an
acknowledgement and its record, it is sent again, under the same id.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from robotq.config import WebhooksConfig
from robotq.config.receivers import AllowedHosts, shown_url
from robotq.engine.commit.journal import Journal
from robotq.engine.commit.unbroken import unbroken
from robotq.engine.reads import Reads
from robotq.engine.settings import Settings
from robotq.engine.webhooks.sender import WebhookSender
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.delivery import Delivery, DeliveryState, Problem, Receiver, parsed_id
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.task import FINAL_STATES, Task
from robotq.model.texts import Language, text
from robotq.store.port import (
    AppendEvent,
    DeliveryQuery,
    Mutation,
    SaveDelivery,
    SaveTask,
)

_log = logging.getLogger(__name__)

_REMEMBERED = 1_000
"""Tasks whose webhooks are shown without asking the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookStatistics:
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
        journal: Journal,
        clock: WallClock,
        pending: Iterable[Delivery],
    ) -> None:
        """`pending`: what the run before has left to be sent."""
        self._settings = settings
        self._reads = reads
        self._journal = journal
        self._clock = clock
        self._pending = {delivery.id: delivery for delivery in pending}
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

    @property
    def allowed_hosts(self) -> AllowedHosts:
        """Where a `callback_url` may lead to."""
        return AllowedHosts(self._config.allowed_hosts)

    # -- with the end of a task ----------------------------------------------------------------

    def following(self, saving: SaveTask) -> Sequence[Mutation]:
        """The webhooks that follow from what is about to be written, to be written with it."""
        if not _ends(saving):
            return ()
        return [
            mutation
            for receiver, url in self._receivers(saving.task)
            for mutation in self._new(saving.task, receiver, url)
        ]

    def take_over(self, delivery: Delivery) -> None:
        """Send a webhook that was written."""
        crash_point(CrashPoint.WEBHOOK_RECORDED)
        self._of_task.setdefault(delivery.task_id, {})
        if len(self._of_task) > _REMEMBERED:
            self._of_task.popitem(last=False)
            self._others_on_disk = True
        self._take_over(delivery)

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
        if len(self._pending) < limit:
            return [SaveDelivery(delivery)]
        given_up = replace(
            delivery,
            state=DeliveryState.UNDELIVERED,
            problem=Problem(code="webhook.too_many", args={"limit": limit}),
            ended_at_ms=task.ended_at_ms,
        )
        return [SaveDelivery(given_up), self._event("webhook.undelivered", given_up, task)]

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
        event = self._event("webhook.resent", again, task, actor=actor)
        await self._journal.write([SaveDelivery(again), event], partial(self._take_over, again))
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
            mutations.append(self._event(f"webhook.{delivery.state.value}", delivery, task))
        await self._journal.write_when_possible(mutations, partial(self._take_over, delivery))

    # -- helpers -------------------------------------------------------------------------------

    @property
    def _config(self) -> WebhooksConfig:
        return self._settings.config.webhooks

    async def _task(self, delivery: Delivery) -> Task | None:
        return await self._reads.task_if_any(delivery.task_id)

    def _event(
        self, kind: str, delivery: Delivery, task: Task | None, *, actor: str = "robotq"
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
                at_ms=self._clock.now_ms(),
                actor=actor,
                api=task.api if task is not None else None,
                robot=task.queue if task is not None else None,
                task_id=delivery.task_id,
                data=data,
            )
        )


def _ends(saving: SaveTask) -> bool:
    return saving.task.state in FINAL_STATES and saving.before not in FINAL_STATES
