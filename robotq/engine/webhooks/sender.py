"""Sends webhooks: each when it is due, and again until it is acknowledged or given up."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Protocol

from yarl import URL

from robotq.config import WebhooksConfig
from robotq.config.receivers import AllowedHosts
from robotq.engine.settings import Settings
from robotq.engine.webhooks.http import Poster
from robotq.engine.webhooks.message import body_of, headers_of
from robotq.engine.webhooks.slots import ReceiverSlots
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.delivery import Delivery, DeliveryState, Problem, Receiver
from robotq.model.errors import RobotqError
from robotq.model.task import Task
from robotq.model.texts import Language

_log = logging.getLogger(__name__)

_PER_RECEIVER = 4
"""Webhooks on their way to one receiver at once, so that a slow one leaves room for others."""

_AT_ONCE = 32
"""The same over all receivers."""


class Record(Protocol):
    """Writes what became of a webhook; waits for the disk. No task where retention has removed
    it."""

    def __call__(self, delivery: Delivery, task: Task | None) -> Awaitable[None]: ...


class WebhookSender:
    """Holds up nothing else, however slow a receiver is."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: WallClock,
        pending: Mapping[str, Delivery],
        task_of: Callable[[Delivery], Awaitable[Task | None]],
        record: Record,
    ) -> None:
        """`pending`: what is to be sent, by id, as it is at any time."""
        self._settings = settings
        self._clock = clock
        self._pending = pending
        self._task_of = task_of
        self._record = record
        self._poster: Poster | None = None
        self._receivers = ReceiverSlots(self._attempt, per_receiver=_PER_RECEIVER, at_once=_AT_ONCE)
        self.attempts = 0
        """Since the start."""

    def start(self) -> None:
        """Begin to send."""
        self._poster = Poster(lambda: AllowedHosts(self._config.allowed_hosts))
        for delivery in list(self._pending.values()):
            self.put(delivery)

    async def stop(self) -> None:
        """Send nothing more. What is not acknowledged is sent when the daemon starts again."""
        await self._receivers.stop(self._settings.timings.webhooks_at_end_s)
        if self._poster is not None:
            await self._poster.close()

    def put(self, delivery: Delivery) -> None:
        """Send it at its time; before `start` nothing happens."""
        if self._poster is None:
            return
        # never later than the configuration says: somebody may have set the clock
        due_ms = (delivery.next_attempt_at_ms or 0) - self._clock.now_ms()
        due_s = min(max(0.0, due_ms / 1000), self._config.retry_s)
        self._receivers.put(delivery.id, str(URL(self._url_of(delivery)).origin()), due_s)

    async def _attempt(self, webhook_id: str) -> None:
        delivery = self._pending.get(webhook_id)
        if delivery is None:
            return
        try:
            task = await self._task_of(delivery)
        except RobotqError as error:
            _log.warning("webhook %s has to wait: %s", webhook_id, error)
            self.put(replace(delivery, next_attempt_at_ms=self._next_ms()))
            return
        if task is None:
            await self._record(self._given_up(delivery, Problem(code="webhook.task_gone")), None)
            return
        attempt = replace(
            delivery,
            url=self._url_of(delivery),
            attempts=delivery.attempts + 1,
            next_attempt_at_ms=None,
        )
        self.attempts += 1
        problem = await self._post(attempt, task)
        if problem is None:
            crash_point(CrashPoint.WEBHOOK_SENT)
            now_ms = self._clock.now_ms()
            await self._record(
                replace(attempt, state=DeliveryState.DELIVERED, problem=None, ended_at_ms=now_ms),
                task,
            )
            crash_point(CrashPoint.WEBHOOK_DELIVERED)
        elif attempt.attempts > self._config.retries:
            await self._record(self._given_up(attempt, problem), task)
        else:
            next_ms = self._next_ms()
            await self._record(replace(attempt, problem=problem, next_attempt_at_ms=next_ms), task)

    async def _post(self, delivery: Delivery, task: Task) -> Problem | None:
        assert self._poster is not None
        config = self._config
        body = body_of(delivery, task, Language(self._settings.config.language))
        return await self._poster.post(
            delivery.url,
            body,
            headers_of(delivery, body, config.secret),
            from_client=delivery.receiver is Receiver.CALLER,
            timeout_s=config.timeout_s,
            expect_received=config.expect_received,
        )

    def _given_up(self, delivery: Delivery, problem: Problem) -> Delivery:
        return replace(
            delivery,
            state=DeliveryState.UNDELIVERED,
            problem=problem,
            next_attempt_at_ms=None,
            ended_at_ms=self._clock.now_ms(),
        )

    @property
    def _config(self) -> WebhooksConfig:
        return self._settings.config.webhooks

    def _url_of(self, delivery: Delivery) -> str:
        """Where to send it now: the site may have moved its receiver since."""
        site = self._config.url if delivery.receiver is Receiver.SITE else None
        return site or delivery.url

    def _next_ms(self) -> int:
        return self._clock.now_ms() + int(self._config.retry_s * 1000)
