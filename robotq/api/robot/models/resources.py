"""Shapes of resources."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from robotq.api.robot.models.base import Answer, Body, LocalTime, Note


class ReleaseHow(Answer):
    method: Literal["POST"]
    path: str
    body: dict[str, str | int]


class Holder(Answer):
    robot_id: str
    state: Literal["running", "idle", "disconnected", "not_configured"]
    absent: bool = Field(description="It is not connected, or not configured any more.")
    since: LocalTime
    since_ms: int
    task_id: str | None = Field(description="The command for which it was taken.")
    release: ReleaseHow = Field(description="What takes it away, where the robot is not there.")


class Resource(Answer):
    resource: str
    places: list[str]
    held_by: Holder | None


class Resources(Answer):
    resources: list[Resource]


class ReleasePlaceBody(Body):
    """Who is meant: refused where somebody else holds it by now."""

    holder: str = Field(description="The robot that holds it, also one that is not configured.")
    since_ms: int | None = Field(
        default=None, description="Since when, as `GET /resources` says; it may be back by now."
    )
    note: Note = ""


class Released(Answer):
    success: Literal[True]
    message: str
    resource: str
    was_held_by: str
