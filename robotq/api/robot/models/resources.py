"""Shapes of resources."""

from __future__ import annotations

from pydantic import Field

from robotq.api.robot.models.base import Body, Note


class ReleasePlaceBody(Body):
    """Who is meant: refused where somebody else holds it by now."""

    holder: str = Field(description="The robot that holds it, also one that is not configured.")
    since_ms: int | None = Field(
        default=None, description="Since when, as `GET /resources` says; it may be back by now."
    )
    note: Note = ""
