"""Shapes of robots and of the emergency stop."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from robotq.api.robot.models.base import Answer, Body, NamingBody, Object, Query, Reason, Then
from robotq.api.robot.models.holds import Hold, ReasonView
from robotq.api.robot.models.tasks import STARTS_NEXT, StartsNext


class Capabilities(Answer):
    simulated: bool
    acknowledgement: str
    stop_out_of_band: bool
    position_survives_stop: bool
    immediate_while_busy: bool
    can_hold: bool


class Robot(Answer):
    robot_id: str
    driver: str
    default: bool
    state: Literal["idle", "running", "held", "disconnected"] = Field(
        description="held: its queue starts nothing, and nothing runs."
    )
    connected: bool
    simulated: bool
    motion_held: bool | None = Field(description="Null where the driver gave no status.")
    motion_state: Literal["holding", "held"] | None = Field(
        description="holding: held, and not at rest yet. Null where nothing is held."
    )
    planned_moves: int | None = Field(
        description="While holding: the most motions that are carried out before it rests."
    )
    position_known: bool | None
    place: str | None = Field(description="Null between two places, or when unknown.")
    details: Object
    status_error: str | None = Field(description="Why the driver gave no status.")
    capabilities: Capabilities
    queue_size: int
    running_task: str | None
    resources: list[str] = Field(description="Resources that it holds.")
    holds: list[Hold]
    why: list[ReasonView] = Field(
        description="Why nothing of its queue moves; empty where something does, or nothing waits."
    )


class AbsentRobot(Answer):
    """What is left of a robot that the configuration does not have any more."""

    robot_id: str
    queue_size: int = Field(description="Commands that wait for it.")
    resources: list[str] = Field(description="Resources that it holds.")
    holds: list[Hold]


class Robots(Answer):
    robots: list[Robot]
    not_configured: list[AbsentRobot]


Motion = Literal["no_command", "stopping", "stopped", "unknown"]
"""Whether a robot stands after a stop."""
_MOTION = (
    "`stopping`: its command has not ended, and it may still move. `stopped`: it has said that it "
    "stands. `unknown`: nobody can say. `no_command`: none of robotq's ran."
)


class StopQuery(Query):
    reason: str = Field(default="", description="Counts where the body gives none.")


class StopBody(Body):
    """A stop is never refused for its body: one that is late, broken or too long counts for
    nothing."""

    reason: Reason = ""


class ResumeMotionBody(NamingBody):
    """One that names nothing is taken where the hold was set with the same key, or is
    older than ten seconds."""

    then: Then = Field(
        default="continue",
        description="stay_paused: the motion goes on, and after its command nothing starts.",
    )


class RobotDone(Answer):
    success: Literal[True]
    message: str
    robot_id: str
    recorded: bool = Field(
        description="Whether the holds of its queue are on disk; they count either way."
    )
    holds: list[Hold]
    starts_next: StartsNext | None = Field(description=STARTS_NEXT)


class RobotStopped(RobotDone):
    motion: Motion = Field(description=_MOTION)


class EStopState(Answer):
    latched: bool
    robots: dict[str, bool]
    holds: list[Hold]


class EStopDone(Answer):
    success: bool = Field(description="Whether every robot has taken it.")
    message: str
    latched: bool
    robots: dict[str, str | None] = Field(description="Null, or what went wrong there.")
    motion: dict[str, Motion] = Field(description=_MOTION)
    recorded: bool = Field(description="Whether it is on disk.")
    latency_ms: float


class EStopResetDone(Answer):
    success: bool
    message: str
    latched: bool
    robots: dict[str, str | None]
    holds: list[Hold]
    starts_next: dict[str, StartsNext | None] = Field(
        description="By robot, what starts as soon as somebody resumes it."
    )
