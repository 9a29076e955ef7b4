"""Robots and their queues, the emergency stop, and places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from robotq.wire.base import Answer, LocalTime, Object, Open, Success, like, missing, one_of
from robotq.wire.holds import Hold, Reason
from robotq.wire.task_lists import StartsNext, TaskLine

Motion = Annotated[str, one_of("no_command", "stopping", "stopped", "unknown")]
"""Whether a robot stands after a stop."""


class Capabilities(Answer, kw_only=True):
    simulated: bool = missing(False)
    acknowledgement: str = missing("")
    stop_out_of_band: bool = missing(False)
    position_survives_stop: bool = missing(False)
    immediate_while_busy: bool = missing(False)
    can_hold: bool = missing(False)
    raw_lines: bool = missing(False)


class Device(Answer, kw_only=True):
    """A device beside a robot."""

    connected: bool
    reason: str | None = missing()
    """Why it is not there."""
    safe_state: str | None = missing()
    """What became of its last safe state: sent, confirmed, or why it is not. Null where none was
    sent."""


class JogLimits(Answer, kw_only=True):
    """How a robot may be moved by hand now, with `GET /robots/{robot_id}/jog`."""

    axes: tuple[str, ...]
    most_mm_s: float
    most_mm: float | None = missing()
    """How far one jog leads at most, where it is not known where the robot stands. Null: as far as
    its work area."""


class Robot(Answer, kw_only=True):
    robot_id: str
    driver: str
    default: bool = missing(False)
    state: Annotated[str, one_of("idle", "running", "held", "disconnected")]
    """held: its queue starts nothing, and nothing runs."""
    connected: bool
    simulated: bool
    motion_held: bool | None = missing()
    """Null where the driver gave no status."""
    motion_state: Annotated[str, one_of("holding", "held")] | None = missing()
    """holding: held, and not at rest yet. Null where nothing is held."""
    planned_moves: int | None = missing()
    """While holding: the most motions that are carried out before it rests."""
    position_known: bool | None = missing()
    jog: JogLimits | None = missing()
    """Null where it cannot be moved by hand."""
    place: str | None = missing()
    """Null between two places, or when unknown."""
    devices: Mapping[str, Device] = missing({})
    """Those beside it, by name."""
    details: Object = missing({})
    status_error: str | None = missing()
    """Why the driver gave no status."""
    capabilities: Annotated[Object, like(Capabilities)] = missing({})
    queue_size: int
    running_task: str | None = missing()
    resources: tuple[str, ...] = missing(())
    """Resources that it holds."""
    holds: tuple[Hold, ...] = missing(())
    why: tuple[Reason, ...] = missing(())
    """Why nothing of its queue moves; empty where something does, or nothing waits."""


class AbsentRobot(Answer, kw_only=True):
    """What is left of a robot that the configuration does not have any more."""

    robot_id: str
    queue_size: int
    """Commands that wait for it."""
    resources: tuple[str, ...]
    """Resources that it holds."""
    holds: tuple[Hold, ...]


class Robots(Answer, kw_only=True):
    robots: tuple[Robot, ...]
    not_configured: tuple[AbsentRobot, ...]


class RobotDone(Answer, kw_only=True):
    success: Success
    message: str
    robot_id: str
    recorded: bool
    """Whether the holds of its queue are on disk; they count either way."""
    holds: tuple[Hold, ...]
    starts_next: StartsNext | None
    """What its robot begins with next, at once or as soon as nothing holds its queue."""
    not_told: tuple[str, ...] = ()
    """Robots with a `standby` of which a second machine may not know this, and may do otherwise:
    the database of the fleet did not answer in time, or that machine drives already. It counts
    here."""


class RawLineDone(RobotDone, kw_only=True):
    """The line was sent, unless `outcome` is held; the queue stays paused, and where the robot
    stands is unknown."""

    success: bool
    """Whether the controller has taken the line, and carried it out."""
    line: str
    outcome: Annotated[
        str,
        one_of(
            "answered",
            "refused",
            "timeout",
            "stopped",
            "estop",
            "held",
            "link_lost",
            "uncertain",
        ),
    ]
    answer: tuple[str, ...]
    """What the controller has said, line by line."""
    error: str | None = missing()
    """What went wrong, in the words of the controller or its driver."""


class RobotStopped(RobotDone, kw_only=True):
    motion: Motion
    """`stopping`: its command has not ended, and it may still move. `stopped`: it has said that it
    stands. `unknown`: nobody can say. `no_command`: none of robotq's ran."""


class EmergencyStop(Answer, kw_only=True):
    """What an emergency stop, or leaving it, did: what the answers about it have in common."""

    latched: bool
    robots: Object
    """Robot -> None, or what went wrong there."""
    holds: tuple[Hold, ...] = ()


class EStopState(Answer, kw_only=True):
    latched: bool
    robots: Mapping[str, bool]
    holds: tuple[Hold, ...]


class StoppedPeer(Open, kw_only=True):
    """What another daemon of the fleet has said to an emergency stop."""

    confirmed: bool
    """Whether every robot of it has taken the stop, and it is on disk there. False: it may come
    there all the same, through the database; look at the robots."""
    robots: Mapping[str, str | None] = missing({})
    error: str | None = missing()


class EStopDone(Answer, kw_only=True):
    success: bool
    """Whether every robot has taken it."""
    message: str
    latched: bool
    robots: Mapping[str, str | None]
    """Null, or what went wrong there."""
    motion: Mapping[str, Motion]
    """`stopping`: its command has not ended, and it may still move. `stopped`: it has said that it
    stands. `unknown`: nobody can say. `no_command`: none of robotq's ran."""
    recorded: bool
    """Whether it is on disk."""
    latency_ms: float
    fleet: Mapping[str, StoppedPeer] | None = None
    """The other daemons of the fleet, by name. Only where there are some; `success` says it of
    these too."""


class EStopResetDone(Answer, kw_only=True):
    success: bool
    message: str
    latched: bool
    robots: Mapping[str, str | None]
    holds: tuple[Hold, ...]
    starts_next: Mapping[str, StartsNext | None]
    """By robot, what starts as soon as somebody resumes it."""


class ReleaseHow(Answer, kw_only=True):
    method: Annotated[str, one_of("POST")] = missing("")
    path: str = missing("")
    body: Mapping[str, str | int] = missing({})


class Holder(Answer, kw_only=True):
    robot_id: str
    state: Annotated[str, one_of("running", "idle", "disconnected", "not_configured")]
    absent: bool
    """It is not connected, or not configured any more."""
    since: LocalTime = missing("")
    since_ms: int
    task_id: str | None = missing()
    """The command for which it was taken."""
    release: Annotated[Object, like(ReleaseHow)] = missing({})
    """What takes it away, where the robot is not there."""


class Resource(Answer, kw_only=True):
    resource: str
    places: tuple[str, ...] = missing(())
    held_by: Holder | None = missing()


class Resources(Answer, kw_only=True):
    resources: tuple[Resource, ...]


class Released(Answer, kw_only=True):
    success: Success
    message: str
    resource: str
    was_held_by: str


class RobotQueue(Answer, kw_only=True):
    queue_size: int
    running_task: str | None
    holds: tuple[Hold, ...] = missing(())
    why: tuple[Reason, ...] = missing(())
    """Why nothing of it moves; empty where something does, or nothing waits."""
    starts_next: StartsNext | None = missing()
    """What a resume or a resolution sets in motion; null if nothing waits, or everything that waits
    does so for a person, a time or a place."""


class QueueStatus(Answer, kw_only=True):
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
    robots: Mapping[str, RobotQueue]
    tasks: tuple[TaskLine, ...] = missing(())
    """Running, next and latest ended ones."""
    revision: int = missing(0)
    """Raised by every edit of the order; also in the header ETag, for `If-Match`."""


class QueuesDone(Answer, kw_only=True):
    success: Success
    message: str
    robots: tuple[str, ...]
    recorded: bool
    """Whether the holds are on disk. One that is not counts all the same, and is written as soon as
    the disk takes it; a restart before that would not know it."""
    holds: tuple[Hold, ...]
    """What still holds these robots."""
    starts_next: Mapping[str, StartsNext | None]
    """By robot, what starts next, at once or as soon as nothing holds it."""
    not_told: tuple[str, ...] = ()
    """Robots with a `standby` of which a second machine may not know this, and may do otherwise:
    the database of the fleet did not answer in time, or that machine drives already. It counts
    here."""


class MovedTask(Answer, kw_only=True):
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
    not_told: tuple[str, ...] = ()
    """Robots with a `standby` of which a second machine may not know this, and may do otherwise:
    the database of the fleet did not answer in time, or that machine drives already. It counts
    here."""
