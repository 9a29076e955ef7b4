"""What is asked of robots, places and the emergency stop."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from robotq.api.robot.models.base import Body, NamingBody, Note, Query, Reason, Then


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


class ValuesQuery(Query):
    points: int = Field(
        default=360, ge=1, le=360, description="Most points of each value over the last hour."
    )


class JogQuery(Query):
    axis: Literal["x", "y", "z"] = Field(description="Which axis.")
    direction: Literal["plus", "minus"] = Field(description="To greater or to smaller numbers.")
    speed_mm_s: float = Field(
        gt=0, le=1_000, allow_inf_nan=False, description="Up to `jog.most_mm_s` of the robot."
    )


class ReleasePlaceBody(Body):
    """Who is meant: refused where somebody else holds it by now."""

    holder: str = Field(description="The robot that holds it, also one that is not configured.")
    since_ms: int | None = Field(
        default=None, description="Since when, as `GET /resources` says; it may be back by now."
    )
    note: Note = ""


class ShelveBody(Body):
    minutes: int = Field(
        ge=0, le=480, description="How long it makes no sound; 0 ends that at once."
    )


class RawLineBody(Body):
    """Sent as it is, and moves what it moves: no limit of robotq holds for it."""

    line: str = Field(
        min_length=1, max_length=256, description="One line in the controller's own language."
    )
    limit_s: float = Field(
        default=60,
        ge=1,
        le=600,
        allow_inf_nan=False,
        description="Seconds, held ones too, after which the robot is stopped.",
    )
