"""Queues, and the order of what waits in them."""

from __future__ import annotations

from robotq.wire.base import Answer, Success, missing
from robotq.wire.holds import Hold, Reason
from robotq.wire.tasks import StartsNext, TaskLine


class RobotQueue(Answer):
    queue_size: int
    running_task: str | None
    holds: tuple[Hold, ...] = missing(())
    why: tuple[Reason, ...] = missing(())
    """Why nothing of it moves; empty where something does, or nothing waits."""
    starts_next: StartsNext | None = missing()
    """What a resume or a resolution sets in motion; null if nothing waits, or everything that waits
    does so for a person, a time or a place."""


class QueueStatus(Answer):
    """total_tasks = queue_size + completed_tasks + failed_tasks + cancelled_tasks."""

    queue_size: int
    """Waiting and running."""
    total_tasks: int
    completed_tasks: int
    failed_tasks: int
    cancelled_tasks: int
    running_task: str | None
    holds: tuple[Hold, ...] = missing(())
    why: tuple[Reason, ...] = missing(())
    """Of every queue that is not empty and of which nothing moves, why; also of queues for workers,
    and of robots that are not configured any more."""
    robots: dict[str, RobotQueue]
    tasks: tuple[TaskLine, ...] = missing(())
    """Running, next and latest ended ones."""
    revision: int = missing(0)
    """Raised by every edit of the order; also in the header ETag, for `If-Match`."""


class QueuesDone(Answer):
    success: Success
    message: str
    robots: tuple[str, ...]
    recorded: bool
    """Whether the holds are on disk. One that is not counts all the same, and is written as soon as
    the disk takes it; a restart before that would not know it."""
    holds: tuple[Hold, ...]
    """What still holds these robots."""
    starts_next: dict[str, StartsNext | None]
    """By robot, what starts next, at once or as soon as nothing holds it."""


class MovedTask(Answer):
    """A task stands elsewhere in its queue, or stood there already; it is on disk."""

    success: Success = missing(True)
    message: str = missing("")
    task_id: str
    robot_id: str
    task_ids: tuple[str, ...]
    """What stands there now, in order: the task, or its contiguous batch."""
    position: int | None = missing()
    """Of the first of them, 1 at the head; null where it runs by now."""
    priority: int = missing(0)
    revision: int = missing(0)
    """Of the queue of this robot; also in the header ETag."""
