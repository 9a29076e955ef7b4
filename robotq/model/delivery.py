"""The end of a task on its way to a receiver: one webhook."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from robotq.model.json import JsonObject


class Receiver(StrEnum):
    """Who wants to hear of the end of a task."""

    SITE = "site"
    """The `webhooks.url` of the configuration; hears of every task."""
    CALLER = "caller"
    """The `callback_url` that came with the command; hears of that one."""


class DeliveryState(StrEnum):
    """The last two are left only when somebody has it sent again."""

    PENDING = "pending"
    """Not acknowledged yet; it is sent now, or again later."""
    DELIVERED = "delivered"
    """The receiver has acknowledged it."""
    UNDELIVERED = "undelivered"
    """Given up; `problem` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a receiver has not acknowledged: a code of `model.texts` and its arguments."""

    code: str
    args: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is on record about one webhook. What it says follows from its task, which is final."""

    task_id: str
    receiver: Receiver
    url: str
    created_at_ms: int
    """When the task ended."""
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    """Times that it was sent, since it was recorded or asked for again."""
    problem: Problem | None = None
    """Of the last attempt; None once it is delivered."""
    next_attempt_at_ms: int | None = None
    """None unless an attempt failed and another one follows."""
    ended_at_ms: int | None = None
    """When it was acknowledged or given up."""

    @property
    def id(self) -> str:
        """The same at every attempt and over restarts, so that a receiver knows a repetition."""
        return delivery_id(self.task_id, self.receiver)


def delivery_id(task_id: str, receiver: Receiver) -> str:
    return f"{task_id}-{receiver.value}"


def parsed_id(text: str) -> tuple[str, Receiver] | None:
    """Task and receiver of an id; None for what is no id of a delivery."""
    task_id, _, receiver = text.rpartition("-")
    return (task_id, Receiver(receiver)) if task_id and receiver in tuple(Receiver) else None
