"""What the daemon answers, as frozen records. A key that an older client does not know is only
in `raw`; one that is missing has its default."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self, TypeVar

from robotq.client.errors import ClientError
from robotq.model.json import JsonObject
from robotq.model.task import OUTCOME_UNKNOWN, StepState, TaskState

_T = TypeVar("_T")


def _by(read: Callable[[Any], Any]) -> Mapping[str, Any]:
    """Metadata of a field that is read by `read`, where it is not null."""
    return {"read": lambda value: None if value is None else read(value)}


def _all_by(read: Callable[[Any], Any]) -> Mapping[str, Any]:
    """Metadata of a field that is a list of other records."""
    return {"read": lambda value: tuple(read(one) for one in value)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The base of all of them."""

    raw: JsonObject = field(default_factory=dict, repr=False, compare=False)
    """The answer as it came."""

    @classmethod
    def read(cls, answer: JsonObject) -> Self:
        """Raises LookupError, TypeError, ValueError for what does not have this shape."""
        values: dict[str, Any] = {}
        for one in fields(cls):
            key = one.metadata.get("key", one.name)
            if one.name == "raw":
                values["raw"] = answer
            elif key in answer:
                values[one.name] = one.metadata.get("read", _same)(answer[key])
            elif one.default is MISSING and one.default_factory is MISSING:
                raise LookupError(f"{cls.__name__} without {key}")
        return cls(**values)


def _same(value: _T) -> _T:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Shape):
    """A reason why a robot's queue starts nothing."""

    robot_id: str
    code: str
    reason: str
    """In words."""
    since_ms: int
    """When it was set first."""
    actor: str
    """Who has set it last."""
    by: tuple[JsonObject, ...] = field(default=(), metadata=_by(tuple))
    """Everybody who has set it, the latest first: `actor`, `reason`, `at`, `at_ms`."""
    task_id: str | None = None
    id: str = ""
    """What a reset, resume or resolve can name; a new one whenever the hold is set again. Empty
    from a daemon that does not tell it."""
    clear: JsonObject = field(default_factory=dict)
    """What clears it: `action`, `method`, `path`, `body`, `asks`, `text`."""
    motion: JsonObject | None = None
    """Of motion_held: `by_robot`, `state` (holding, held, ended), `planned_moves`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Shape):
    """A reason why one waiting task is passed over for now."""

    code: str
    """approval, not_before, resource, batch."""
    reason: str
    since_ms: int = 0
    clear: JsonObject = field(default_factory=dict)
    """What clears it, as of a hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason(Shape):
    """Why something does not move: a hold of its queue, or what a task waits for."""

    kind: str
    """hold or wait."""
    code: str
    queue: str
    reason: str
    """In words."""
    since_ms: int
    task_id: str | None = None
    clear: JsonObject = field(default_factory=dict)
    """What clears it: `action`, `method`, `path`, `body`, `asks`, `text`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Shape):
    """A named part of a command."""

    name: str
    state: StepState = field(metadata=_by(StepState))
    started_at_ms: int
    duration_s: float | None = None
    """Motion time; None while it runs."""
    detail: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Shape):
    """What a running command asks; `answer_task` answers it."""

    prompt: str
    schema: JsonObject
    """JSON Schema of the answer."""
    deadline_ms: int
    asked_at_ms: int | None = None
    """Names it, for `answer_task`."""
    args: JsonObject = field(default_factory=dict)
    answered_by: str | None = None
    """The immediate command that answers it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLine(Shape):
    """A task in a list: enough to find it."""

    task_id: str
    state: TaskState = field(metadata=_by(TaskState))
    cmd_type: str
    robot_id: str
    cmd_id: str | None = None
    batch_id: str | None = None
    progress: float | None = None
    error_code: str | None = None
    position: int | None = None
    awaits_approval: bool = False

    @property
    def ended(self) -> bool:
        return self.state.final


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Shape):
    """One accepted command and its life."""

    task_id: str
    state: TaskState = field(metadata=_by(TaskState))
    cmd_type: str
    robot_id: str
    cmd_id: str | None = None
    params: Any = field(default_factory=dict)
    result: JsonObject | None = None
    """None until it has ended; then at least `success` and `message`."""
    actor: str = ""
    api: str = "robot"
    attempt: int = 0
    priority: int = 0
    simulated: bool = False
    submitted_at_ms: int
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    batch_id: str | None = None
    retry_of: str | None = None
    retried_as: str | None = None
    progress: float | None = None
    """0 to 1, None where the robot cannot say."""
    current_step: str | None = None
    steps: tuple[Step, ...] = field(default=(), metadata=_all_by(Step.read))
    partial: JsonObject | None = None
    """What a running command has found so far."""
    position: int | None = None
    """1 at the head of the queue."""
    starts_in_s: float | None = None
    starts_after_resume_s: float | None = None
    """While its queue is held: from the moment at which that is over."""
    remaining_s: float | None = None
    waits: tuple[Wait, ...] = field(default=(), metadata=_all_by(Wait.read))
    holds: tuple[Hold, ...] = field(default=(), metadata=_all_by(Hold.read))
    why: tuple[Reason, ...] = field(default=(), metadata=_all_by(Reason.read))
    """Why it does not run yet, its place in line among it; for a running one, why it does not
    get on. Empty from a daemon that does not tell it."""
    waiting_for: Question | None = field(default=None, metadata=_by(Question.read))
    code: int | None = None
    """0, or the number of the error."""
    error_code: str | None = None
    message: str | None = None
    resolution: JsonObject | None = None
    revision: int | None = None
    """Raised by every change: what a confirmation names."""

    @property
    def ended(self) -> bool:
        return self.state.final

    @property
    def completed(self) -> bool:
        return self.state is TaskState.COMPLETED

    @property
    def cancelled(self) -> bool:
        return self.state is TaskState.CANCELLED

    @property
    def outcome_unknown(self) -> bool:
        """Nobody knows how it ended, and nobody has resolved it yet."""
        return self.error_code == OUTCOME_UNKNOWN and self.resolution is None

    def check(self) -> Self:
        """Itself where it completed or has not ended.

        Raises OutcomeUnknown, TaskCancelled, else TaskFailed.
        """
        if not self.ended or self.completed:
            return self
        if self.error_code == OUTCOME_UNKNOWN:
            raise OutcomeUnknown(self)
        raise TaskCancelled(self) if self.cancelled else TaskFailed(self)


class NotFinished(ClientError, TimeoutError):
    """A wait ended before its task did. The task goes on."""

    def __init__(self, task: Task, timeout_s: float) -> None:
        super().__init__(f"{task.task_id} has not ended after {timeout_s:g} s; it goes on")
        self.task = task
        """As it was at the last look."""


class TaskFailed(ClientError):
    """A task did not complete."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.code = task.error_code or "internal_error"
        """The stable name, e.g. `device_error`."""
        self.number = task.code
        self.message = task.message or self.code
        super().__init__(f"{task.task_id} {task.cmd_type}: {self.message} ({self.code})")


class TaskCancelled(TaskFailed):
    """Somebody or something called the task off."""


class OutcomeUnknown(TaskFailed):
    """Nobody knows how the task ended, so the queue of its robot is held. Look at the robot,
    then `resolve` the task; never just run it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Shape):
    """A command that is on the daemon's disk."""

    task_id: str
    queue_size: int
    """Waiting and running tasks over all robots."""
    idempotency_key: str = ""
    """The one that it was submitted with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedBatch(Shape):
    """A batch that is on the daemon's disk, all of it."""

    batch_id: str
    task_ids: tuple[str, ...] = field(metadata=_by(tuple))
    """In the order of the commands."""
    queue_size: int
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCancel(Shape):
    """What a selection of tasks has now. Give it to `cancel_many`."""

    matching: int
    up_to: int
    """What is submitted later is not meant."""
    states: Mapping[str, int] = field(default_factory=dict)
    robots: Mapping[str, int] = field(default_factory=dict)
    """How many of which robot or worker queue."""
    selection: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledMany(Shape):
    """What has become of the tasks that were meant."""

    matching: int
    states: Mapping[str, int] = field(default_factory=dict)
    """How many are in which state now."""

    @property
    def cancelled(self) -> int:
        return self.states.get("cancelled", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Shape):
    """A waiting task, or its contiguous batch, has gone to another robot."""

    task_id: str
    robot_id: str
    task_ids: tuple[str, ...] = field(metadata=_by(tuple))
    """What was moved, in order."""
    position: int | None = None
    """Of the first of them there; None where it runs by now."""
    revision: int = 0
    """Of the queue of that robot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage(Shape):
    """Tasks, newest first."""

    tasks: tuple[TaskLine, ...] = field(default=(), metadata=_all_by(TaskLine.read))
    next_cursor: str | None = None
    """None on the last page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotQueue(Shape):
    queue_size: int
    running_task: str | None
    holds: tuple[Hold, ...] = field(default=(), metadata=_all_by(Hold.read))


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus(Shape):
    """How much waits and runs, and why nothing moves."""

    queue_size: int
    total_tasks: int
    completed_tasks: int
    failed_tasks: int
    cancelled_tasks: int
    running_task: str | None
    holds: tuple[Hold, ...] = field(default=(), metadata=_all_by(Hold.read))
    why: tuple[Reason, ...] = field(default=(), metadata=_all_by(Reason.read))
    """Of every queue that is not empty and of which nothing moves, why."""
    robots: Mapping[str, RobotQueue] = field(
        metadata=_by(lambda robots: {name: RobotQueue.read(one) for name, one in robots.items()})
    )
    tasks: tuple[TaskLine, ...] = field(default=(), metadata=_all_by(TaskLine.read))


@dataclass(frozen=True, slots=True, kw_only=True)
class Robot(Shape):
    """One robot: its link, its position, its queue."""

    robot_id: str
    driver: str
    state: str
    """idle, running, held, disconnected."""
    connected: bool
    simulated: bool
    queue_size: int
    default: bool = False
    running_task: str | None = None
    motion_held: bool | None = None
    motion_state: str | None = None
    """holding (not at rest yet) or held; None where nothing is held."""
    planned_moves: int | None = None
    """While holding: the most motions that are carried out before it rests."""
    position_known: bool | None = None
    place: str | None = None
    """None between two places, or when unknown."""
    resources: tuple[str, ...] = field(default=(), metadata=_by(tuple))
    holds: tuple[Hold, ...] = field(default=(), metadata=_all_by(Hold.read))


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder(Shape):
    """The robot that has a resource."""

    robot_id: str
    state: str
    """running, idle, disconnected, not_configured."""
    absent: bool
    since_ms: int
    task_id: str | None = None
    """The command for which it was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Shape):
    """A place, or several, that only one robot may occupy at once."""

    resource: str
    places: tuple[str, ...] = field(default=(), metadata=_by(tuple))
    held_by: Holder | None = field(
        default=None, metadata=_by(lambda held: None if held is None else Holder.read(held))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyStop(Shape):
    """What an emergency stop, or leaving it, did."""

    latched: bool
    robots: JsonObject
    """Robot -> None, or what went wrong there."""
    holds: tuple[Hold, ...] = field(default=(), metadata=_all_by(Hold.read))


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec(Shape):
    """What is known about one `cmd_type`."""

    cmd_type: str
    kind: str
    """queued, query, input, control."""
    title: Mapping[str, str] = field(default_factory=dict)
    schema: JsonObject = field(default_factory=dict)
    """JSON Schema of its params."""
    timeout_s: float
    idempotent: bool
    approval: bool
    """Waits for a person's approval where an agent submits it."""
    robots: tuple[str, ...] = field(default=(), metadata=_by(tuple))
    example: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Shape):
    """Something that happened: a row of the daemon's journal."""

    id: int
    kind: str
    """E.g. `task.completed`, `hold.set`."""
    at_ms: int
    actor: str
    robot_id: str | None = None
    task_id: str | None = None
    before: str | None = None
    """State of the task before."""
    after: str | None = None
    data: JsonObject = field(default_factory=dict)


def shapes(read: Callable[[JsonObject], _T], key: str) -> Callable[[JsonObject], tuple[_T, ...]]:
    """Reads the list that stands in an answer under `key`."""

    def read_all(answer: JsonObject) -> tuple[_T, ...]:
        found: Iterable[JsonObject] = answer[key]
        return tuple(read(one) for one in found)

    return read_all
