"""Shapes of queues, and of the order of what waits in them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from robotq.api.robot.models.base import Body, NamingBody, Note, Query, Reason, RobotId, Then
from robotq.engine.intake.read_command import PRIORITY_WORDS

Priority = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": -10, "maximum": 10},
                {"enum": list(PRIORITY_WORDS)},
            ]
        }
    ),
]


class QueueStatusQuery(Query):
    limit: int = Field(default=20, ge=0, le=200, description="Most tasks in the list.")
    robot_id: RobotId | None = Field(default=None, description="Of this robot only.")


class RobotQuery(Query):
    robot_id: RobotId | None = Field(default=None, description="Counts as in the body.")


class PauseBody(Body):
    robot_id: RobotId | None = Field(default=None, description="Absent: all robots.")
    reason: Reason = ""


class ResumeBody(NamingBody):
    robot_id: RobotId | None = Field(
        default=None, description="Absent: all robots, or those whose holds are named."
    )
    then: Then = Field(
        default="continue",
        description="stay_paused: what was named is lifted, and a pause takes its place.",
    )


class ReorderBody(Body):
    """One of `before`, `after` and `to` says where."""

    task_id: str = Field(description="A waiting task; a contiguous batch moves as one.")
    before: str | None = Field(
        default=None, description="Right before this task, which waits for the same robot."
    )
    after: str | None = Field(default=None, description="Right after this one.")
    to: Literal["head", "end"] | None = Field(
        default=None, description="Before all that waits, or behind it."
    )


class MoveBody(Body):
    robot_id: RobotId = Field(description="Who is to do it; it has to be able to.")
    note: Note = ""


class PriorityBody(Body):
    """Where a task of this priority stands that arrived when it did."""

    priority: Priority = Field(description="-10 to 10, higher first; the words are -5, 0 and 5.")
