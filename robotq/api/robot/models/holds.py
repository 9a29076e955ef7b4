"""Shapes of why nothing moves."""

from __future__ import annotations

from pydantic import ConfigDict

from robotq.api.robot.models.base import Answer, LocalTime, Object
from robotq.model.hold import HoldCode, WaitCode


class Clear(Answer):
    """What clears a hold: a request, or waiting."""

    action: str
    method: str | None
    path: str | None
    body: Object | None
    text: str


class Hold(Answer):
    id: str
    robot_id: str
    code: HoldCode
    reason: str
    since: LocalTime
    since_ms: int
    actor: str
    task_id: str | None
    clear: Clear


class WaitView(Answer):
    """Why one task is passed over for now; further keys say what it waits for."""

    model_config = ConfigDict(extra="allow", frozen=True)

    code: WaitCode
    reason: str
