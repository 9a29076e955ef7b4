"""Shapes of what the dashboard takes and gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from robotq.api.robot.models.base import Object, RobotId
from robotq.api.robot.models.holds import Hold, ReasonView, WaitView
from robotq.api.robot.models.tasks import Question
from robotq.model.task import TaskState


class _Query(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class _Answer(BaseModel):
    # answers are described and never checked, so a start does not wait for their validators
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class You(_Answer):
    """The caller."""

    name: str = Field(description="Of the key; anonymous without one.")
    scopes: list[str] = Field(description="What they may do.")
    keys: bool = Field(description="Whether the daemon has keys at all.")


class QueueLine(_Answer):
    """A task in a list of the dashboard, with times in milliseconds since 1970."""

    task_id: str
    state: TaskState
    cmd_type: str
    cmd_id: str | None
    about: str = Field(description="What it is about, in words of its params.")
    robot_id: str
    api: str
    actor: str
    priority: int
    batch_id: str | None
    submitted_at_ms: int
    started_at_ms: int | None
    ended_at_ms: int | None
    revision: int = Field(description="What a confirmation about it names.")
    error_code: str | None = None
    message: str | None = Field(default=None, description="How it ended, in words.")
    unknown: bool = Field(default=False, description="Whether a person has to resolve it.")
    position: int | None = None
    starts_in_s: float | None = None
    starts_after_resume_s: float | None = None
    eta_ms: int | None = None
    waits: list[WaitView] = []


class LookStep(_Answer):
    """A step with times in milliseconds since 1970."""

    name: str
    state: str
    started_at_ms: int
    duration_s: float | None
    detail: Object


class RunningLook(QueueLine):
    """A running command at one look."""

    params: Any
    progress: float | None
    remaining_s: float | None
    steps: list[LookStep] = Field(description="The latest ones.")
    steps_before: int = Field(description="Steps before those.")
    waiting_for: Question | None


class NextLook(_Answer):
    """What starts next where a queue goes on."""

    task_id: str
    cmd_type: str
    cmd_id: str | None
    about: str


class ApprovalLook(_Answer):
    """What a person has to decide about."""

    task: QueueLine = Field(description="The command, or the first one of a contiguous batch.")
    params: Any = Field(description="Null where they are long: `GET /task/<task_id>` has them.")
    commands: int = Field(description="How many are decided about as one.")
    cmd_types: list[str] = Field(description="Of the first of them.")
    starts_next: NextLook | None = Field(description="What its robot starts once it is approved.")


class RobotLook(_Answer):
    """A robot at one look."""

    robot_id: str
    driver: str
    default: bool
    simulated: bool
    connected: bool
    state: Literal["idle", "running", "held", "disconnected"]
    can_hold: bool
    motion_held: bool
    place: str | None
    details: Object
    status_error: str | None
    holds: list[Hold]
    why: list[ReasonView] = Field(
        description="Why nothing of it moves; empty where something does, or nothing waits."
    )
    waiting: int
    starts_next: NextLook | None = Field(
        description="As soon as nothing holds the queue and nothing runs; null where all that "
        "waits has to wait."
    )
    running: RunningLook | None
    next: list[QueueLine]
    undecided: int = Field(description="Decisions of a person that commands wait for.")
    approvals: list[ApprovalLook] = Field(description="The oldest of them.")


class Look(_Answer):
    """Everything that one look at the lab has to answer."""

    at_ms: int
    last_event_id: int
    version: str
    time_scale: float
    you: You
    stop_label: Literal["stop", "emergency"] = Field(description="How the page calls its stop.")
    estop: bool = Field(description="Whether the emergency stop is latched.")
    estop_holds: list[Hold]
    counts: dict[str, int]
    interfaces: list[str] = Field(description="Served besides that of the robots.")
    queue_revision: int = Field(description="For If-Match of `/queue/reorder`.")
    why: list[ReasonView] = Field(
        description="Of every queue that is not empty and of which nothing moves, why; also of "
        "queues for workers, and of robots that are not configured any more."
    )
    robots: list[RobotLook]
    ended: list[QueueLine] = Field(description="Those that ended last.")


class QueueWindowQuery(_Query):
    robot_id: RobotId
    offset: int = Field(default=0, ge=0, le=10_000_000)
    limit: int = Field(default=50, ge=1, le=200)
    cmd_type: str | None = Field(default=None, description="Only commands of this kind.")
    kinds: bool = Field(default=False, description="Count the commands of each kind, too.")


class QueueWindow(_Answer):
    """A part of one robot's waiting tasks, in their order."""

    at_ms: int
    waiting: int = Field(description="Of this kind, where one was asked for.")
    queue_revision: int
    offset: int
    tasks: list[QueueLine]
    kinds: dict[str, int] | None = Field(
        default=None, description="Of all that waits, how many of each kind, most first."
    )


class ChartQuery(_Query):
    after_ms: int = Field(
        default=0, ge=0, le=2**62, description="Only tasks that ended later than this."
    )


class ChartTask(_Answer):
    task_id: str
    robot_id: str
    cmd_type: str
    cmd_id: str | None
    state: TaskState
    started_at_ms: int | None
    ended_at_ms: int | None
    error_code: str | None


class Charts(_Answer):
    """What is drawn: the latest ended tasks that the daemon has in memory, and running ones."""

    at_ms: int
    ended: list[ChartTask] = Field(description="The one that ended last first.")
    running: list[ChartTask]
    complete: bool = Field(description="False where older ended tasks are on disk only.")


class Picture(_Answer):
    """A lab to be drawn, in millimetres; null where no driver tells of one."""

    at_ms: int
    lab: Object | None
    robots: list[Object] = Field(description="Each robot with its place and coordinates.")


class RequestLine(_Answer):
    id: int
    at_ms: int
    method: str
    path: str
    status: int
    duration_ms: float
    caller: str


class RequestsQuery(_Query):
    after: int = Field(default=0, ge=0, le=2**62, description="Only requests after this one.")


class Requests(_Answer):
    requests: list[RequestLine] = Field(description="Oldest first; the latest few hundred.")
