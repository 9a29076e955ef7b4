"""Shapes of commands, and of those that repeat by the clock."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from robotq.api.robot.models.base import Body, Moment, Object, Query, RobotId


class RepeatBody(BaseModel):
    """`count`, `interval_s`, or both. Each run is a task, made when the one before ends."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    count: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="Runs in all. Absent: until somebody cancels one."
    )
    interval_s: Annotated[float, Field(ge=1, le=31_622_400)] | None = Field(
        default=None, description="From the time of one run to that of the next."
    )
    on_failure: Literal["stop", "continue"] = Field(
        default="stop", description="Whether a run that failed is the last one."
    )


class CommandBody(BaseModel):
    """A command. Keys that nobody knows are kept with the task."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    cmd_type: str
    cmd_id: Annotated[str, Field(max_length=200)] | int | None = Field(
        default=None, description="The client's own name for it: searchable, need not be unique."
    )
    params: Object | list[Any] = Field(default_factory=dict)
    robot_id: RobotId | None = Field(
        default=None, description="Where params name no robot_id; else the default robot."
    )
    priority: Annotated[int, Field(ge=-10, le=10)] | Literal["low", "normal", "high"] = Field(
        default=0, description="-10 to 10, higher first; the words are -5, 0 and 5."
    )
    callback_url: str | None = Field(
        default=None,
        description="Where the end of this command is sent to, by POST; its host must be one of "
        "`webhooks.allowed_hosts`.",
    )
    not_before: Moment | None = Field(default=None, description="It is passed over until then.")
    expires_at: Moment | None = Field(
        default=None, description="It fails with `expired` where it was not started until then."
    )
    repeat: RepeatBody | Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="How often it runs again by itself; a number is a `count`."
    )


class SubmitQuery(Query):
    dry_run: bool = Field(default=False, description="Check only; nothing is done.")
    contiguous: bool | None = Field(
        default=None,
        description="Let no other command in between those of a batch. Default: where a robot "
        "gets more than one of them.",
    )
    cmd_type: str | None = Field(
        default=None,
        description="With `Content-Type: text/plain`, the body is a program for this command, "
        "such as RUN_GCODE, and what follows are the other keys of the command.",
    )
    robot_id: str | None = Field(default=None, description="Of a program: who carries it out.")
    cmd_id: str | None = Field(default=None, description="Of a program.")
    priority: str | None = Field(default=None, description="Of a program.")
    not_before: str | None = Field(default=None, description="Of a program.")
    expires_at: str | None = Field(default=None, description="Of a program.")


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class ByTheClockBody(Body):
    """A command and its time of day. The same once more is the one that there is already."""

    command: CommandBody = Field(
        description="As for a submit, without `not_before`, `expires_at` and `repeat`."
    )
    at: str = Field(
        description="`HH:MM` on the wall.",
        json_schema_extra={"pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
    )
    days: list[Day] | None = Field(
        default=None, min_length=1, max_length=7, description="Of the week. Absent: all."
    )
    zone: str | None = Field(
        default=None,
        max_length=100,
        description="A time zone such as Europe/Berlin. Absent: that of the daemon.",
    )
    within_s: int = Field(
        default=3600,
        ge=60,
        le=86_400,
        description="Seconds that a run has to begin; then it fails with `expired`.",
    )
