"""Shapes of what the robot interface takes and gives. Small bodies are checked by them; the
two hot paths, `POST /` and `GET /task/{id}`, are only described by them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, RootModel
from typing_extensions import TypeAliasType

from robotq.catalog import Kind
from robotq.model.delivery import DeliveryState, Receiver
from robotq.model.hold import HoldCode, WaitCode
from robotq.model.task import StepState, TaskState

Status = Literal["pending", "running", "completed", "failed"]
LocalTime = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")]
"""`YYYY-MM-DD HH:MM:SS` in the time zone of the daemon."""
Moment = str | float
"""ISO 8601, without a zone that of the daemon; seconds from now, such as `+90`, `+15m`, `+8h`,
`+2d`; seconds or milliseconds since 1970. Within 366 days from now."""
Reason = Annotated[str, Field(max_length=500)]
RobotId = TypeAliasType("RobotId", str)
"""The name of a robot of this daemon; any other is refused."""
Object = dict[str, Any]


class _Query(BaseModel):
    """A query; parameters that nobody knows are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Body(BaseModel):
    """A body; a key that nobody knows is refused, since a misspelt `robot_id` would mean all."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Answer(BaseModel):
    # answers are described and never checked, so a start does not wait for their validators
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


# -- commands --------------------------------------------------------------------------------


class RepeatBody(BaseModel):
    """`count`, `interval_s`, or both. Each run is a task, made when the one before ends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="Runs in all. Absent: until somebody cancels one."
    )
    interval_s: Annotated[float, Field(ge=1, le=31_622_400)] | None = Field(
        default=None, description="From the time of one run to that of the next."
    )
    on_failure: Literal["stop", "continue"] = Field(
        default="stop", description="Whether a run that failed is the last one."
    )


class CommandBody(BaseModel):
    """A command. Keys that nobody knows are kept with the task."""

    model_config = ConfigDict(extra="allow", frozen=True)

    cmd_type: str
    cmd_id: Annotated[str, Field(max_length=200)] | int | None = Field(
        default=None, description="The client's own name for it: searchable, need not be unique."
    )
    params: Object | list[Any] = Field(default_factory=dict)
    robot_id: RobotId | None = Field(
        default=None, description="Where params name no robot_id; else the default robot."
    )
    priority: Annotated[int, Field(ge=-10, le=10)] | Literal["low", "normal", "high"] = Field(
        default=0, description="-10 to 10, higher first; the words are -5, 0 and 5."
    )
    callback_url: str | None = Field(
        default=None,
        description="Where the end of this command is sent to, by POST; its host must be one of "
        "`webhooks.allowed_hosts`.",
    )
    not_before: Moment | None = Field(default=None, description="It is passed over until then.")
    expires_at: Moment | None = Field(
        default=None, description="It fails with `expired` where it was not started until then."
    )
    repeat: RepeatBody | Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="How often it runs again by itself; a number is a `count`."
    )


class SubmitQuery(_Query):
    dry_run: bool = Field(default=False, description="Check only; nothing is done.")
    contiguous: bool | None = Field(
        default=None,
        description="Let no other command in between those of a batch. Default: where a robot "
        "gets more than one of them.",
    )


class Accepted(_Answer):
    """The answer in queue mode: everything in it is on disk."""

    success: Literal[True]
    message: str
    task_id: str
    queue_size: int = Field(description="Waiting and running tasks over all robots.")
    note: str


class Work(_Answer):
    """What a task for workers has besides."""

    match: str = Field(description="Only a worker that asks with the same key gets it.")
    worker: str | None = Field(description="Who has it, or had it last.")
    lease_until_ms: int | None
    deadline_ms: int | None
    retries: int


class Task(_Answer):
    """A task."""

    task_id: str
    status: Status = Field(description="A cancelled task is `failed` here; see `state`.")
    state: TaskState
    cmd_type: str
    cmd_id: str | None
    robot_id: str
    api: str = Field(description="The interface through which it came.")
    submit_time: LocalTime
    start_time: LocalTime | None
    end_time: LocalTime | None = Field(default=None, description="Only when it has ended.")
    result: Object | None = Field(description="Null until it has ended.")
    params: Object | list[Any]
    extra: Object
    priority: int
    actor: str = Field(description="Who submitted it: the name of a key, or anonymous.")
    attempt: int
    simulated: bool
    submitted_at_ms: int
    started_at_ms: int | None
    ended_at_ms: int | None
    batch_id: str | None
    retry_of: str | None
    not_before: LocalTime | None = Field(default=None, description="Passed over until then.")
    not_before_ms: int | None = None
    expires_at: LocalTime | None = Field(
        default=None, description="It fails where it was not started until then."
    )
    expires_at_ms: int | None = None
    repeat: Repeat | None = Field(default=None, description="Only where it runs again by itself.")
    repeat_of: str | None = Field(default=None, description="The first run, for the others.")
    current_run: str | None = Field(
        default=None, description="Of a run that has ended: the one that waits or runs now."
    )
    progress: float | None = Field(description="0 to 1; null when the robot cannot say.")
    work: Work | None = Field(default=None, description="Only of tasks for workers.")
    current_step: str | None = None
    completed_steps: list[StepDuration] = []
    steps: list[Step] = []
    partial: Object | None = Field(default=None, description="What was found so far.")
    remaining_s: float | None = Field(
        default=None,
        description="What a running command still takes, in seconds, judged by earlier ones.",
    )
    starts_in_s: float | None = Field(
        default=None,
        description="Seconds until a waiting command starts if nothing holds the queue, judged by "
        "earlier ones.",
    )
    eta: LocalTime | None = Field(default=None, description="When it will be done at that rate.")
    eta_ms: int | None = None
    position: int | None = Field(default=None, description="1 at the head of the queue.")
    waits: list[WaitView] = Field(default=[], description="Why this task is passed over for now.")
    holds: list[Hold] = Field(default=[], description="Why its queue starts nothing.")
    waiting_for: Question | None = None
    code: int | None = Field(default=None, description="0, or the number of the error.")
    error_code: str | None = None
    message: str | None = None
    error: TaskError | None = None
    resolution: Resolution | None = None
    retried_as: str | None = None
    callback_url: str | None = Field(
        default=None, description="Where the client wants the end of it sent to."
    )
    webhooks: list[Webhook] = Field(
        default=[], description="Who is told of its end; see `/webhooks`."
    )


class Repeat(_Answer):
    """How often a command runs again by itself."""

    count: int | None = Field(description="Runs in all; null: until somebody cancels one.")
    interval_s: float | None = Field(
        description="From the time of one run to that of the next; null: right after its end."
    )
    on_failure: Literal["stop", "continue"]
    run: int = Field(description="Which one this is, from 1.")


class StepDuration(_Answer):
    name: str
    duration_s: float | None


class Step(_Answer):
    name: str
    state: StepState
    start_time: LocalTime
    started_at_ms: int
    duration_s: float | None = Field(description="Motion time; null while it runs.")
    detail: Object


class Question(_Answer):
    """What a running command asks."""

    prompt: str
    args: Object
    answer_schema: Object = Field(alias="schema", description="JSON Schema of the answer.")
    answered_by: str | None = Field(description="The immediate command that answers it too.")
    asked_at: LocalTime
    deadline: LocalTime
    deadline_ms: int
    answer: Object


class TaskError(_Answer):
    code: int
    error_code: str
    message: str
    step: str | None = Field(description="The step during which it happened.")
    args: Object


class Resolution(_Answer):
    outcome: str
    actor: str
    at: LocalTime
    note: str


class Clear(_Answer):
    """What clears a hold: a request, or waiting."""

    action: str
    method: str | None
    path: str | None
    body: Object | None
    text: str


class Hold(_Answer):
    robot_id: str
    code: HoldCode
    reason: str
    since: LocalTime
    since_ms: int
    actor: str
    task_id: str | None
    clear: Clear


class WaitView(_Answer):
    """Why one task is passed over for now; further keys say what it waits for."""

    model_config = ConfigDict(extra="allow", frozen=True)

    code: WaitCode
    reason: str


# -- tasks -----------------------------------------------------------------------------------


class TaskQueryParameters(_Query):
    wait: float = Field(
        default=0, ge=0, le=60, description="Seconds to wait for the end of the task."
    )


def _words_between_commas(words: Iterable[str]) -> dict[str, Any]:
    # described and not checked here, since the handler tells it better
    word = f"({'|'.join(words)})"
    return {"pattern": f"^({word}(,{word})*)?$"}


class TasksQuery(_Query):
    api: str | None = None
    robot_id: str | None = None
    state: str | None = Field(
        default=None,
        description="One or more, between commas.",
        json_schema_extra=_words_between_commas(TaskState),
    )
    status: str | None = Field(
        default=None,
        description="The documented words, between commas.",
        json_schema_extra=_words_between_commas(get_args(Status)),
    )
    cmd_type: str | None = None
    cmd_id: str | None = None
    batch_id: str | None = None
    error_code: str | None = None
    from_: str | None = Field(
        default=None,
        alias="from",
        description="Submitted at or after: a time as in answers, ISO 8601, or milliseconds "
        "since 1970.",
    )
    to: str | None = Field(default=None, description="Submitted before.")
    limit: int = Field(default=50, ge=1, le=500)
    cursor: int | None = Field(
        default=None, ge=1, le=2**62, description="`next_cursor` of the page before."
    )


class TaskLine(_Answer):
    """A task in a list."""

    task_id: str
    status: Status
    state: TaskState
    cmd_type: str
    cmd_id: str | None
    robot_id: str
    api: str
    submit_time: LocalTime
    start_time: LocalTime | None
    end_time: LocalTime | None = None
    batch_id: str | None
    progress: float | None
    error_code: str | None = None
    position: int | None = None
    awaits_approval: bool = Field(
        default=False, description="Only where a person has to approve it before it runs."
    )


class Tasks(_Answer):
    tasks: list[TaskLine] = Field(description="Newest first.")
    count: int
    next_cursor: str | None = Field(description="Null on the last page.")


class CancelBody(_Body):
    reason: Reason = ""


class ResolveBody(_Body):
    outcome: Literal["completed", "failed", "retry"]
    note: Annotated[str, Field(max_length=2_000)] = ""


class ApproveBody(_Body):
    note: Reason = ""


class AnswerBody(RootModel[Any]):
    """Whatever the question's schema asks for."""


class TaskDone(_Answer):
    """Something was done to a task."""

    success: Literal[True]
    message: str
    task_id: str
    task: Task


# -- webhooks --------------------------------------------------------------------------------


class Webhook(_Answer):
    """The end of a task on its way to a receiver."""

    webhook_id: str = Field(description="Stays the same; the receiver knows repetitions by it.")
    task_id: str
    receiver: Receiver = Field(description="site: `webhooks.url`. caller: `callback_url`.")
    url: str = Field(description="Without the parts that may be secret: user, query.")
    state: DeliveryState
    attempts: int = Field(description="Since it was recorded or sent again by somebody.")
    created_at: LocalTime = Field(description="When the task ended.")
    next_attempt_at: LocalTime | None = Field(description="Only after an attempt that failed.")
    ended_at: LocalTime | None = Field(description="When it was acknowledged or given up.")
    problem: str | None = Field(description="Why the last attempt failed, as a code.")
    message: str | None = Field(description="The same in words.")


class WebhooksQuery(_Query):
    state: DeliveryState | None = None
    task_id: str | None = None
    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")


class Webhooks(_Answer):
    webhooks: list[Webhook] = Field(description="Newest first.")
    count: int
    next_cursor: str | None = Field(description="Null on the last page.")


class WebhookDone(_Answer):
    success: Literal[True]
    message: str
    webhook: Webhook


# -- queues ----------------------------------------------------------------------------------


class QueueStatusQuery(_Query):
    limit: int = Field(default=20, ge=0, le=200, description="Most tasks in the list.")
    robot_id: RobotId | None = Field(default=None, description="Of this robot only.")


class RobotQueue(_Answer):
    queue_size: int
    running_task: str | None
    holds: list[Hold]


class QueueStatus(_Answer):
    """total_tasks = queue_size + completed_tasks + failed_tasks + cancelled_tasks."""

    queue_size: int = Field(description="Waiting and running.")
    total_tasks: int
    completed_tasks: int
    failed_tasks: int
    cancelled_tasks: int
    running_task: str | None
    holds: list[Hold]
    robots: dict[str, RobotQueue]
    tasks: list[TaskLine] = Field(description="Running, next and latest ended ones.")
    revision: int = Field(
        description="Raised by every edit of the order; also in the header ETag, for `If-Match`."
    )


class RobotQuery(_Query):
    robot_id: RobotId | None = Field(default=None, description="Counts as in the body.")


class PauseBody(_Body):
    robot_id: RobotId | None = Field(default=None, description="Absent: all robots.")
    reason: Reason = ""


class ResumeBody(_Body):
    robot_id: RobotId | None = Field(default=None, description="Absent: all robots.")


class QueuesDone(_Answer):
    success: Literal[True]
    message: str
    robots: list[str]
    holds: list[Hold] = Field(description="What still holds these robots.")


# -- robots ----------------------------------------------------------------------------------


class Capabilities(_Answer):
    simulated: bool
    acknowledgement: str
    stop_out_of_band: bool
    position_survives_stop: bool
    immediate_while_busy: bool
    can_hold: bool


class Robot(_Answer):
    robot_id: str
    driver: str
    default: bool
    state: Literal["idle", "running", "held", "disconnected"] = Field(
        description="held: its queue starts nothing, and nothing runs."
    )
    connected: bool
    simulated: bool
    motion_held: bool | None = Field(description="Null where the driver gave no status.")
    position_known: bool | None
    place: str | None = Field(description="Null between two places, or when unknown.")
    details: Object
    status_error: str | None = Field(description="Why the driver gave no status.")
    capabilities: Capabilities
    queue_size: int
    running_task: str | None
    resources: list[str] = Field(description="Resources that it holds.")
    holds: list[Hold]


class Robots(_Answer):
    robots: list[Robot]


class StopQuery(_Query):
    reason: str = Field(default="", description="Counts where the body gives none.")


class StopBody(_Body):
    """A stop is never refused for its body: one that is late, broken or too long counts for
    nothing."""

    reason: Reason = ""


class EmptyBody(_Body):
    pass


class RobotDone(_Answer):
    success: Literal[True]
    message: str
    robot_id: str
    holds: list[Hold]


class EStopState(_Answer):
    latched: bool
    robots: dict[str, bool]
    holds: list[Hold]


class EStopDone(_Answer):
    success: bool = Field(description="Whether every robot has taken it.")
    message: str
    latched: bool
    robots: dict[str, str | None] = Field(description="Null, or what went wrong there.")
    recorded: bool = Field(description="Whether it is on disk.")
    latency_ms: float


class EStopResetDone(_Answer):
    success: bool
    message: str
    latched: bool
    robots: dict[str, str | None]
    holds: list[Hold]


# -- the daemon ------------------------------------------------------------------------------


class Home(_Answer):
    status: Literal["running"]
    message: str
    queue_mode: bool
    version: str
    links: dict[str, str]


class CommandSpec(_Answer):
    cmd_type: str
    kind: Kind
    title: dict[str, str]
    params_schema: Object = Field(alias="schema", description="JSON Schema of params.")
    timeout_s: float
    idempotent: bool
    approval: bool
    resources: list[str]
    robots: list[str] = Field(description="Robots that can do it.")
    example: Object | None


class Commands(_Answer):
    commands: list[CommandSpec]


class EventFilter(_Query):
    task_id: str | None = None
    robot_id: str | None = None
    kind: str | None = Field(
        default=None, description="Only kinds that begin with this, e.g. `task.`."
    )


class EventsQuery(EventFilter):
    last_event_id: int | None = Field(
        default=None, ge=0, description="Like the header Last-Event-ID: go on after this one."
    )


class JournalQuery(EventFilter):
    after: int | None = Field(
        default=None, ge=0, le=2**62, description="`next_after` of the page before; 0: all."
    )
    last: int = Field(
        default=100, ge=0, le=2**62, description="Without `after`: so many back from the newest."
    )
    limit: int = Field(default=100, ge=1, le=500, description="Events looked at for a page.")


class Event(_Answer):
    """Something that happened: the `data` of one server-sent event, whose `id` is the same."""

    id: int
    kind: str = Field(description="What happened, e.g. `task.completed`, `hold.set`.")
    time: LocalTime
    at_ms: int
    actor: str = Field(description="Who did it: the name of a key, anonymous, robotq.")
    api: str | None
    robot_id: str | None
    task_id: str | None
    before: str | None = Field(description="State of the task before.")
    after: str | None
    data: Object


class Journal(_Answer):
    events: list[Event] = Field(description="Oldest first.")
    count: int
    next_after: int | None = Field(description="Null on the last page.")
    newest: int = Field(description="The last event that there is.")


class Done(_Answer):
    success: Literal[True]
    message: str


class Health(_Answer):
    """Without the scope read only `status`."""

    status: Literal["ok", "degraded", "unavailable"]
    version: str | None = None
    mode: str | None = None
    time_scale: float | None = None
    uptime_s: float | None = None
    estop: bool | None = None
    queue_size: int | None = None
    queue_limit: int | None = None
    store: Object | None = None
    robots: dict[str, Object] | None = None
    events: Object | None = None
    loop: Object | None = None
