"""A command, and the task that it becomes once it is accepted."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from robotq.model.carried.artifact import Artifact
from robotq.model.json import JsonObject, JsonValue


class TaskState(StrEnum):
    """The life of a task. The last three are final."""

    PENDING = "pending"
    """Accepted and on disk; waits for its turn."""
    RUNNING = "running"
    """Claimed; from here on the robot may have moved for it."""
    COMPLETED = "completed"
    """The driver said that it is done."""
    FAILED = "failed"
    """It ended otherwise; `error` says how. Also an unknown outcome."""
    CANCELLED = "cancelled"
    """Somebody or something called it off, and the robot confirmed where it was running."""

    @property
    def final(self) -> bool:
        return self in FINAL_STATES


FINAL_STATES = frozenset({TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED})


class Kind(StrEnum):
    """How a command is carried out."""

    QUEUED = "queued"
    """Becomes a task and waits for its turn."""
    QUERY = "query"
    """Answered inline with its result; no task, in no count, not in the journal."""
    INPUT = "input"
    """Answers the question of a running command; journalled, no task."""
    CONTROL = "control"
    """A signal that acts at once outside the queue; journalled, no task."""


class Command(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a client asks for."""

    cmd_type: str
    params: JsonValue = msgspec.field(default_factory=dict)
    """An object or a list; defaults of the spec's schema are filled in."""
    cmd_id: str | None = None
    """The client's own name for it: searchable, never unique."""
    callback_url: str | None = None
    """Where the client wants the end of it sent to."""
    extra: JsonObject = msgspec.field(default_factory=dict)
    """Every other key that came with the command, kept as it was."""


class StepState(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class Step(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A named part of a command, as the driver reported it."""

    name: str
    state: StepState
    started_at_ms: int
    duration_s: float | None = None
    """Motion time, None while it runs."""
    detail: JsonObject = msgspec.field(default_factory=dict)
    """What the step is about, e.g. `{"bottle_id": "bottle_001"}`."""


class Question(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a running command asks a person or a scanner."""

    prompt: str
    """Code of the text (see `model.texts`), or the text itself for drivers from elsewhere."""
    args: JsonObject = msgspec.field(default_factory=dict)
    schema: JsonObject = msgspec.field(default_factory=dict)
    """JSON Schema that an answer must meet."""
    answered_by: str | None = None
    """The `cmd_type` of the immediate command that answers it, if there is one."""
    asked_at_ms: int
    deadline_ms: int


class TaskError(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why a task did not complete: a code of `model.errors` and its arguments."""

    code: str
    args: JsonObject = msgspec.field(default_factory=dict)
    step: str | None = None
    """The step during which it happened."""


class Resolution(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a person decided about a task with unknown outcome."""

    outcome: str
    """completed, failed or retry."""
    actor: str
    at_ms: int
    note: str = ""
    retried_as: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What somebody wanted of a running task, whatever became of it."""

    cause: str
    """cancel, stop or estop."""
    actor: str
    at_ms: int
    reason: str = ""


class DeviceRun(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One run of a command as its device knows it: what a device is asked by when nobody has
    watched that run to its end."""

    id: str
    """The run's own id at the device."""
    driver: str
    """By which driver it was begun; another one does not know the id."""
    boot: str = ""
    """By what the device tells whether it has kept its memory since. Empty: by nothing."""
    details: JsonObject = msgspec.field(default_factory=dict)
    """What else the driver wants to know when it asks."""
    at_ms: int
    """When this was written down last."""
    worked_s: float = 0.0
    """Motion time that the command had had by then."""
    paused: bool = False
    """It was held then, or waited for an answer: no motion time passes."""
    left_until_ms: int | None = None
    """The daemon has ended and left it running, and nobody is to find it so later than this."""


class Work(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Under which terms workers get a task. Fixed when it is accepted."""

    match: str = ""
    """Only a worker that asks with the same key gets it: a work directory, a group."""
    lease_s: float | None = None
    """Seconds that a worker has without a sign of life. None: until it answers or leaves."""
    max_retries: int | None = None
    """Leases that may run out before the task fails. None: it is offered again for ever."""
    deadline_ms: int | None = None
    """When it fails, whether it waits or runs."""


class Repeat(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a command runs again by itself. Each run is a task, made when the one before ends."""

    count: int | None = None
    """Runs in all. None: until somebody calls it off."""
    interval_s: float | None = None
    """Wall seconds from the time of one run to that of the next. None: right after its end."""
    on_failure: str = "stop"
    """stop: the first run that does not complete is the last one; continue: another follows."""
    run: int = 1
    """Which one this is."""


class Task(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One accepted command and its life. Changed only by `model.transitions.transition`.

    A Struct, as everything that each submit makes: measured, it is made in a sixth of the time
    of a frozen dataclass, and changed in a fiftieth.
    """

    id: str
    seq: int
    """Number of arrival over all queues, from 1, never used again."""
    api: str
    """The interface it came through, and which lists it: robot, task_queue, ..."""
    queue: str
    """The name of its robot, or of its kind of workers."""
    command: Command
    actor: str
    """Who submitted it: the name of a key, `anonymous`, or a part of the daemon."""
    submitted_at_ms: int

    priority: int = 0
    """-10 to 10, higher first."""
    rank: float
    """Place among tasks of the same priority, smaller first; the sequence number unless moved."""
    not_before_ms: int | None = None
    """It is passed over until then."""
    expires_at_ms: int | None = None
    """It fails where it was not started until then."""
    batch_id: str | None = None
    contiguous: bool = False
    """No foreign command may run between the tasks of this batch."""
    awaits_approval: bool = False
    """An agent submitted it, and no person has approved it yet."""
    retry_of: str | None = None
    retried_as: str | None = None
    """The task that does it once more; there is one at most."""
    from_line: int | None = None
    """A person has decided that its program begins at this line of the first one."""
    repeat: Repeat | None = None
    repeat_of: str | None = None
    """The first run, for those that follow it by themselves."""

    state: TaskState = TaskState.PENDING
    revision: int = 1
    """Raised by every transition; the store refuses to write over a revision it does not know."""
    fence: int = 0
    """Raised by every claim; a result that carries an older one is refused."""
    attempt: int = 0
    """Claims that were not given back."""
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    steps: tuple[Step, ...] = ()
    progress: float | None = None
    """0 to 1, None when the driver cannot say."""
    partial: JsonObject | None = None
    """What a running command has found so far."""
    waiting_for: Question | None = None
    result: JsonObject | None = None
    artifacts: tuple[Artifact, ...] = ()
    """Files that it has left behind, in the order in which they came."""
    error: TaskError | None = None
    resolution: Resolution | None = None
    asked: Asked | None = None
    """It was called off while it ran. Kept beside its end, so that what follows from that wish
    follows also where nobody knows how it ended, and after a restart."""
    simulated: bool = False
    run: DeviceRun | None = None
    """How its device knows it, where the driver can ask for it by that. On disk before the start
    is sent, or as soon as the device has told its id."""
    settled: bool = False
    """Its end is what the device has said when it was asked afterwards."""

    work: Work | None = None
    """The terms of a task for workers; None for a command of a robot."""
    worker: str | None = None
    """Who has it; after an end or a lease that ran out, who had it last."""
    lease_until_ms: int | None = None
    """When it is taken from its worker. None: it has none, or no limit."""
    several_workers: bool = False
    """Another's lease ran out: a result without a name could be of either."""
    retries: int = 0
    """How often it went back to waiting after a lease that ran out or a failure."""
    retried_at_ms: int | None = None

    @property
    def order(self) -> tuple[int, float, int]:
        """Key by which waiting tasks of a queue are sorted, next first."""
        return (-self.priority, self.rank, self.seq)

    @property
    def outcome_unknown(self) -> bool:
        """True while a person has yet to say how this task ended."""
        return self.error is not None and self.error.code == OUTCOME_UNKNOWN and not self.resolution


OUTCOME_UNKNOWN = "outcome_unknown"
HANDED_OVER = "handed_over"
"""The error of a task that another daemon has now, under the same id or another."""
