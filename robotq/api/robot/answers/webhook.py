"""A webhook as clients see it."""

from __future__ import annotations

from typing import Any

from robotq.api.robot.answers.times import local_time
from robotq.config.receivers import shown_url
from robotq.model.delivery import Delivery
from robotq.model.texts import Language, text


def webhook_view(delivery: Delivery, language: Language) -> dict[str, Any]:
    problem = delivery.problem
    next_ms, ended_ms = delivery.next_attempt_at_ms, delivery.ended_at_ms
    return {
        "webhook_id": delivery.id,
        "task_id": delivery.task_id,
        "receiver": delivery.receiver.value,
        "url": shown_url(delivery.url),
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "created_at": local_time(delivery.created_at_ms),
        "next_attempt_at": None if next_ms is None else local_time(next_ms),
        "ended_at": None if ended_ms is None else local_time(ended_ms),
        "problem": None if problem is None else problem.code,
        "message": None if problem is None else text(problem.code, problem.args, language),
    }
