"""An event, and who was told of it, as clients see them."""

from __future__ import annotations

from aiohttp import web

from robotq.api.http.errors import encoded, part
from robotq.api.robot.answers.times import local_time
from robotq.config.receivers import shown_url
from robotq.model.delivery import Delivery
from robotq.model.event import Event
from robotq.model.texts import Language, text
from robotq.wire import service as wire

_FRAMES = 2_000


class EventFrames:
    """Events as they are sent, each made once for all listeners. Keeps the latest ones."""

    def __init__(self) -> None:
        self._frames: dict[int, bytes] = {}

    def of(self, event: Event) -> bytes:
        """The event as a message of a stream of server-sent events."""
        frame = self._frames.get(event.id)
        if frame is None:
            frame = b"id: %d\r\ndata: %b\r\n\r\n" % (event.id, encoded(event_view(event)))
            self._frames[event.id] = frame
            if len(self._frames) > _FRAMES:
                del self._frames[next(iter(self._frames))]
        return frame


FRAMES = web.AppKey("frames", EventFrames)


def event_view(event: Event) -> wire.Event:
    return wire.Event(
        id=event.id,
        kind=event.kind,
        time=local_time(event.at_ms),
        at_ms=event.at_ms,
        actor=event.actor,
        api=event.api,
        robot_id=event.robot,
        task_id=event.task_id,
        before=event.before,
        after=event.after,
        data=part(event.data),
    )


def webhook_view(delivery: Delivery, language: Language) -> wire.Webhook:
    problem = delivery.problem
    next_ms, ended_ms = delivery.next_attempt_at_ms, delivery.ended_at_ms
    return wire.Webhook(
        webhook_id=delivery.id,
        task_id=delivery.task_id,
        receiver=delivery.receiver.value,
        url=shown_url(delivery.url),
        state=delivery.state.value,
        attempts=delivery.attempts,
        created_at=local_time(delivery.created_at_ms),
        next_attempt_at=None if next_ms is None else local_time(next_ms),
        ended_at=None if ended_ms is None else local_time(ended_ms),
        problem=None if problem is None else problem.code,
        message=None if problem is None else text(problem.code, problem.args, language),
    )
