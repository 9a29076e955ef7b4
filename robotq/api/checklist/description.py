"""What the OpenAPI document of the checklist interface says besides its routes."""

from __future__ import annotations

from robotq.api.http.interface import OpenApiInfo
from robotq.model.json import JsonObject
from robotq.wire import checklist as wire

_UUID: JsonObject = {"type": "string", "format": "uuid"}

ABOUT = OpenApiInfo(
    title="robotq checklist",
    summary="Items that people work on.",
    description="Items, batches of them, sessions. An item with a `robot_task_id` is a step in a "
    "robot's queue: the robot waits until its status becomes `completed`, and until then it "
    "cannot be deleted. Every answer carries `X-Request-ID`, which is the client's own where it "
    "sent one, and `X-Process-Time` in seconds.",
    error=wire.Error,
    schemas=lambda _engine: {"TaskId": _UUID, "BatchId": _UUID},
)
