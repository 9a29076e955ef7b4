"""Shapes of why nothing moves."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from robotq.api.robot.models.base import Answer, LocalTime, Object
from robotq.model.hold import HoldCode, WaitCode


class Clear(Answer):
    """What clears a hold or a wait: a request, or waiting."""

    action: str
    method: str | None
    path: str | None
    body: Object | None
    asks: Object | None = Field(
        default=None,
        description="JSON Schema of what a person adds to `body`; null where the request can be "
        "sent as it is.",
    )
    text: str


class HeldMotion(Answer):
    """What a held motion is like at this moment."""

    by_robot: bool = Field(
        description="The robot has paused by itself: a pause in the program, a door, a button."
    )
    state: Literal["holding", "held", "ended"] = Field(
        description="holding: it has not come to rest yet. ended: a stop has ended the motion, "
        "and the queue still waits until a person resumes it."
    )
    planned_moves: int | None = Field(
        description="The most motions that are carried out before it rests; null where nobody "
        "can say."
    )


class HoldSet(Answer):
    """Somebody has set a hold."""

    actor: str
    reason: str = Field(description="Empty where none was given.")
    at: LocalTime
    at_ms: int


class Hold(Answer):
    id: str
    robot_id: str
    code: HoldCode
    reason: str
    since: LocalTime
    since_ms: int = Field(description="When it was set first.")
    actor: str = Field(description="Who has set it last.")
    by: list[HoldSet] = Field(
        description="Everybody who has set it, when and why, the latest first. A resume lifts all."
    )
    task_id: str | None
    clear: Clear
    motion: HeldMotion | None = Field(description="Of motion_held only.")


class WaitView(Answer):
    """Why one task is passed over for now; further keys say what it waits for."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    code: WaitCode
    reason: str
    queue: str
    task_id: str | None
    since: LocalTime
    since_ms: int
    clear: Clear


class ReasonView(Answer):
    """Why something does not move: a hold of its queue, or what a task waits for. Further keys
    are those of that kind."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    kind: Literal["hold", "wait"]
    code: str = Field(description="Of a hold, or of a wait.")
    queue: str
    task_id: str | None = Field(description="The task that waits, or that the hold is about.")
    reason: str = Field(description="In words.")
    since: LocalTime
    since_ms: int
    clear: Clear
