"""Shapes of queues, and of the order of what waits in them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from robotq.api.robot.models.base import (
    Answer,
    Body,
    NamingBody,
    Note,
    Query,
    Reason,
    RobotId,
    Then,
)
from robotq.api.robot.models.holds import Hold, ReasonView
from robotq.api.robot.models.tasks import StartsNext, TaskLine
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


class RobotQueue(Answer):
    queue_size: int
    running_task: str | None
    holds: list[Hold]
    why: list[ReasonView] = Field(
        description="Why nothing of it moves; empty where something does, or nothing waits."
    )
    starts_next: StartsNext | None = Field(
        description="What a resume or a resolution sets in motion; null if nothing waits, or "
        "everything that waits does so for a person, a time or a place."
    )


class QueueStatus(Answer):
    """total_tasks = queue_size + completed_tasks + failed_tasks + cancelled_tasks."""

    queue_size: int = Field(description="Waiting and running.")
    total_tasks: int
    completed_tasks: int
    failed_tasks: int
    cancelled_tasks: int
    running_task: str | None
    holds: list[Hold]
    why: list[ReasonView] = Field(
        description="Of every queue that is not empty and of which nothing moves, why; also of "
        "queues for workers, and of robots that are not configured any more."
    )
    robots: dict[str, RobotQueue]
    tasks: list[TaskLine] = Field(description="Running, next and latest ended ones.")
    revision: int = Field(
        description="Raised by every edit of the order; also in the header ETag, for `If-Match`."
    )


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


class QueuesDone(Answer):
    success: Literal[True]
    message: str
    robots: list[str]
    recorded: bool = Field(
        description="Whether the holds are on disk. One that is not counts all the same, and is "
        "written as soon as the disk takes it; a restart before that would not know it."
    )
    holds: list[Hold] = Field(description="What still holds these robots.")
    starts_next: dict[str, StartsNext | None] = Field(
        description="By robot, what starts next, at once or as soon as nothing holds it."
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


class MovedTask(Answer):
    """A task stands elsewhere in its queue, or stood there already; it is on disk."""

    success: Literal[True]
    message: str
    task_id: str
    robot_id: str
    task_ids: list[str] = Field(
        description="What stands there now, in order: the task, or its contiguous batch."
    )
    position: int | None = Field(
        description="Of the first of them, 1 at the head; null where it runs by now."
    )
    priority: int
    revision: int = Field(description="Of the queue of this robot; also in the header ETag.")
