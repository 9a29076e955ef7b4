"""What the dashboard asks for."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from robotq.api.robot.models.base import RobotId


class _Query(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class QueueWindowQuery(_Query):
    robot_id: RobotId
    offset: int = Field(default=0, ge=0, le=10_000_000)
    limit: int = Field(default=50, ge=1, le=200)
    cmd_type: str | None = Field(default=None, description="Only commands of this kind.")
    text: str | None = Field(
        default=None,
        max_length=200,
        description="Only commands whose own name, task id or type has this in it, or with this "
        "place in the queue.",
    )
    kinds: bool = Field(default=False, description="Count the commands of each kind, too.")


class ChartQuery(_Query):
    after_ms: int = Field(
        default=0, ge=0, le=2**62, description="Only tasks that ended later than this."
    )


class RequestsQuery(_Query):
    after: int = Field(default=0, ge=0, le=2**62, description="Only requests after this one.")
