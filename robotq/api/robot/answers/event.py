"""An event as clients see it."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from robotq.api.robot.answers.times import local_time
from robotq.model.event import Event

_FRAMES = 2_000


class EventFrames:
    """Events as they are sent, each made once for all listeners. Keeps the latest ones."""

    def __init__(self) -> None:
        self._frames: dict[int, bytes] = {}

    def of(self, event: Event) -> bytes:
        """The event as a message of a stream of server-sent events."""
        frame = self._frames.get(event.id)
        if frame is None:
            frame = b"id: %d\r\ndata: %b\r\n\r\n" % (event.id, orjson.dumps(event_view(event)))
            self._frames[event.id] = frame
            if len(self._frames) > _FRAMES:
                del self._frames[next(iter(self._frames))]
        return frame


FRAMES = web.AppKey("frames", EventFrames)


def event_view(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "kind": event.kind,
        "time": local_time(event.at_ms),
        "at_ms": event.at_ms,
        "actor": event.actor,
        "api": event.api,
        "robot_id": event.robot,
        "task_id": event.task_id,
        "before": event.before,
        "after": event.after,
        "data": event.data,
    }
