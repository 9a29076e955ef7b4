"""What repeats by the clock."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from robotq.api.robot.models.base import Body
from robotq.api.robot.models.submit import CommandBody

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
