"""What the dashboard gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from robotq.model.task import TaskState
from robotq.wire.base import Answer, Object, one_of
from robotq.wire.holds import Hold, Reason, Wait
from robotq.wire.robots import Device
from robotq.wire.tasks import Question
from robotq.wire.watching import Alarm, MaintenanceItem, ValueLook


class You(Answer, kw_only=True):
    """The caller."""

    name: str
    """Of the key; anonymous without one."""
    scopes: tuple[str, ...]
    """What they may do."""
    keys: bool
    """Whether the daemon has keys at all."""


class QueueLine(Answer, kw_only=True):
    """A task in a list of the dashboard, with times in milliseconds since 1970."""

    task_id: str
    state: TaskState
    cmd_type: str
    cmd_id: str | None
    about: str
    """What it is about, in words of its params."""
    robot_id: str
    api: str
    actor: str
    priority: int
    batch_id: str | None
    submitted_at_ms: int
    started_at_ms: int | None
    ended_at_ms: int | None
    revision: int
    """What a confirmation about it names."""
    error_code: str | None = None
    message: str | None = None
    """How it ended, in words."""
    unknown: bool | None = None
    """Whether a person has to resolve it."""
    position: int | None = None
    starts_in_s: float | None = None
    starts_after_resume_s: float | None = None
    eta_ms: int | None = None
    waits: tuple[Wait, ...] = ()


class LookStep(Answer, kw_only=True):
    """A step with times in milliseconds since 1970."""

    name: str
    state: str
    started_at_ms: int
    duration_s: float | None
    detail: Object


class RunningLook(QueueLine, kw_only=True):
    """A running command at one look."""

    params: Any
    progress: float | None
    remaining_s: float | None
    steps: tuple[LookStep, ...]
    """The latest ones."""
    steps_before: int
    """Steps before those."""
    waiting_for: Question | None


class NextLook(Answer, kw_only=True):
    """What starts next where a queue goes on."""

    task_id: str
    cmd_type: str
    cmd_id: str | None
    about: str


class ApprovalLook(Answer, kw_only=True):
    """What a person has to decide about."""

    task: QueueLine
    """The command, or the first one of a contiguous batch."""
    params: Any
    """Null where they are long: `GET /task/<task_id>` has them."""
    commands: int
    """How many are decided about as one."""
    cmd_types: tuple[str, ...]
    """Of the first of them."""
    starts_next: NextLook | None
    """What its robot starts once it is approved."""


class RobotLook(Answer, kw_only=True):
    """A robot at one look."""

    robot_id: str
    driver: str
    default: bool
    simulated: bool
    connected: bool
    state: Annotated[str, one_of("idle", "running", "held", "disconnected")]
    can_hold: bool
    raw_lines: bool
    """An admin can send it lines in its controller's own language."""
    motion_held: bool
    place: str | None
    places: tuple[str, ...]
    """Where it can be sent, as far as anybody knows."""
    details: Object
    values: tuple[ValueLook, ...]
    """What it measures, those that it began to tell first; a dozen at most."""
    devices: Mapping[str, Device]
    """Beside it, by name."""
    maintenance: tuple[MaintenanceItem, ...]
    """What is to be seen to; `GET /maintenance` has that of all robots."""
    status_error: str | None
    holds: tuple[Hold, ...]
    why: tuple[Reason, ...]
    """Why nothing of it moves; empty where something does, or nothing waits."""
    waiting: int
    starts_next: NextLook | None
    """As soon as nothing holds the queue and nothing runs; null where all that waits has to
    wait."""
    running: RunningLook | None
    next: tuple[QueueLine, ...]
    undecided: int
    """Decisions of a person that commands wait for."""
    approvals: tuple[ApprovalLook, ...]
    """The oldest of them."""


class Look(Answer, kw_only=True):
    """Everything that one look at the lab has to answer."""

    at_ms: int
    last_event_id: int
    version: str
    time_scale: float
    you: You
    stop_label: Annotated[str, one_of("stop", "emergency")]
    """How the page calls its stop."""
    estop: bool
    """Whether the emergency stop is latched."""
    estop_holds: tuple[Hold, ...]
    counts: Mapping[str, int]
    interfaces: tuple[str, ...]
    """Served besides that of the robots."""
    queue_revision: int
    """For If-Match of `/queue/reorder`."""
    why: tuple[Reason, ...]
    """Of every queue that is not empty and of which nothing moves, why; also of queues for workers,
    and of robots that are not configured any more."""
    alarms: tuple[Alarm, ...]
    """What somebody has to act on, most urgent first; its words are those of its hold or wait."""
    robots: tuple[RobotLook, ...]
    ended: tuple[QueueLine, ...]
    """Those that ended last."""


class QueueWindow(Answer, kw_only=True):
    """A part of one robot's waiting tasks, in their order."""

    at_ms: int
    waiting: int
    """Of this kind, where one was asked for."""
    queue_revision: int
    offset: int
    tasks: tuple[QueueLine, ...]
    kinds: Mapping[str, int] | None
    """Of all that waits, how many of each kind, most first."""


class History(Answer, kw_only=True):
    """A page of tasks, newest first."""

    tasks: tuple[QueueLine, ...]
    next_cursor: str | None


class FormRobot(Answer, kw_only=True):
    """What a form has to know of a robot."""

    commands: tuple[str, ...]
    """That it can do, as far as anybody knows."""
    programs: tuple[str, ...]
    """Of these, those that carry out a program of G-code."""
    places: tuple[str, ...] | None
    """Null where nobody has said which places it has."""


class FormFacts(Answer, kw_only=True):
    """What a form for a new command has to know."""

    robots: Mapping[str, FormRobot]


class ChartTask(Answer, kw_only=True):
    task_id: str
    robot_id: str
    cmd_type: str
    cmd_id: str | None
    state: TaskState
    started_at_ms: int | None
    ended_at_ms: int | None
    error_code: str | None
    message: str | None
    """How it failed, in words; null where it did not fail."""


class Charts(Answer, kw_only=True):
    """What is drawn: the latest ended tasks that the daemon has in memory, and running ones."""

    at_ms: int
    ended: tuple[ChartTask, ...]
    """The one that ended last first."""
    running: tuple[ChartTask, ...]
    complete: bool
    """False where older ended tasks are on disk only."""


class Picture(Answer, kw_only=True):
    """A lab to be drawn, in millimetres; null where no driver tells of one."""

    at_ms: int
    lab: Object | None
    robots: tuple[Object, ...]
    """Each robot with its place and coordinates."""


class RequestLine(Answer, kw_only=True):
    id: int
    at_ms: int
    method: str
    path: str
    status: int
    duration_ms: float
    caller: str


class Requests(Answer, kw_only=True):
    requests: tuple[RequestLine, ...]
    """Oldest first; the latest few hundred."""
