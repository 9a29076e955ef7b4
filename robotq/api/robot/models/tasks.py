"""Shapes of tasks, and of what is done to one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

from pydantic import ConfigDict, Field, RootModel

from robotq.api.robot.models.base import (
    Answer,
    Body,
    LocalTime,
    Note,
    Object,
    Query,
    Reason,
    Status,
    Then,
)
from robotq.api.robot.models.holds import Hold, ReasonView, WaitView
from robotq.api.robot.models.webhooks import Webhook
from robotq.model.task import StepState, TaskState

STARTS_NEXT = "What its robot begins with next, at once or as soon as nothing holds its queue."


class Work(Answer):
    """What a task for workers has besides."""

    match: str = Field(description="Only a worker that asks with the same key gets it.")
    worker: str | None = Field(description="Who has it, or had it last.")
    lease_until_ms: int | None
    deadline_ms: int | None
    retries: int


class Task(Answer):
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
    revision: int = Field(description="Raised by every change; what a confirmation can name.")
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
    completed_steps: list[StepDuration] = Field(default=[])
    steps: list[Step] = Field(default=[])
    partial: Object | None = Field(default=None, description="What was found so far.")
    remaining_s: float | None = Field(
        default=None,
        description="What a running command still takes, in seconds, judged by earlier ones.",
    )
    starts_in_s: float | None = Field(
        default=None,
        description="Wall seconds until a waiting command starts, judged by earlier ones; absent "
        "where nobody can know: its queue is held, or it waits for a person or a place.",
    )
    starts_after_resume_s: float | None = Field(
        default=None,
        description="The same, from the moment at which its queue goes on; only while it is held.",
    )
    eta: LocalTime | None = Field(default=None, description="When it will be done at that rate.")
    eta_ms: int | None = None
    position: int | None = Field(default=None, description="1 at the head of the queue.")
    waits: list[WaitView] = Field(default=[], description="Why this task is passed over for now.")
    holds: list[Hold] = Field(default=[], description="Why its queue starts nothing.")
    why: list[ReasonView] = Field(
        default=[],
        description="Why it does not run yet: its place in line, holds and waits; for a running "
        "one, why it does not get on.",
    )
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


class Repeat(Answer):
    """How often a command runs again by itself."""

    count: int | None = Field(description="Runs in all; null: until somebody cancels one.")
    interval_s: float | None = Field(
        description="From the time of one run to that of the next; null: right after its end."
    )
    on_failure: Literal["stop", "continue"]
    run: int = Field(description="Which one this is, from 1.")


class StepDuration(Answer):
    name: str
    duration_s: float | None


class Step(Answer):
    name: str
    state: StepState
    start_time: LocalTime
    started_at_ms: int
    duration_s: float | None = Field(description="Motion time; null while it runs.")
    detail: Object


class Question(Answer):
    """What a running command asks."""

    prompt: str
    args: Object
    answer_schema: Object = Field(alias="schema", description="JSON Schema of the answer.")
    answered_by: str | None = Field(description="The immediate command that answers it too.")
    asked_at: LocalTime
    asked_at_ms: int = Field(description="Names this question.")
    deadline: LocalTime
    deadline_ms: int
    answer: Object


class TaskError(Answer):
    code: int
    error_code: str
    message: str
    step: str | None = Field(description="The step during which it happened.")
    args: Object


class Resolution(Answer):
    outcome: str
    actor: str
    at: LocalTime
    at_ms: int
    note: str


class TaskQueryParameters(Query):
    wait: float = Field(
        default=0, ge=0, le=60, description="Seconds to wait for the end of the task."
    )


def _words_between_commas(words: Iterable[str]) -> dict[str, Any]:
    # described and not checked here, since the handler tells it better
    word = f"({'|'.join(words)})"
    return {"pattern": f"^({word}(,{word})*)?$"}


class TasksQuery(Query):
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
    repeat_of: str | None = Field(
        default=None, description="The runs of a repeating command, by the id of any of them."
    )
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


class TaskLine(Answer):
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


class Tasks(Answer):
    tasks: list[TaskLine] = Field(description="Newest first.")
    count: int
    next_cursor: str | None = Field(description="Null on the last page.")


class CancelBody(Body):
    reason: Reason = ""


class CancelManyBody(Body):
    """Which tasks are meant, and, to cancel them, what the answer without `count` has told."""

    task_ids: list[str] | None = Field(default=None, max_length=10_000)
    batch_id: str | None = None
    robot_id: str | None = Field(
        default=None, description="A robot, also one that is not configured, or a worker queue."
    )
    cmd_type: str | None = None
    cmd_id: str | None = None
    group: str | None = Field(
        default=None, description="What their workers match: a group, a work directory."
    )
    api: str | None = Field(default=None, description="The interface through which they came.")
    state: Literal["pending", "running", "pending,running"] = Field(
        default="pending", description="With `running`, those that run are stopped."
    )
    all: bool = Field(
        default=False, description="Has to be true where nothing else says which are meant."
    )
    count: int | None = Field(default=None, ge=0, description="As told; refused if it differs.")
    up_to: int | None = Field(
        default=None, ge=0, le=2**62, description="As told; what was submitted later stays."
    )
    reason: Reason = ""


class CancelledMany(Answer):
    """Without `count`: what would be cancelled. With it: what was."""

    success: Literal[True]
    message: str
    dry_run: bool = Field(description="Nothing was done.")
    matching: int = Field(description="Tasks that are meant; the `count` to send.")
    up_to: int = Field(description="To be sent beside `count`.")
    states: dict[str, int] = Field(
        description="How many of them are in which state, afterwards; `outcome_unknown` is a "
        "state of its own here."
    )
    robots: dict[str, int] | None = Field(
        default=None, description="How many of which robot or worker queue; only of a dry run."
    )


class RetryBody(Body):
    then: Then = Field(
        default="continue",
        description="stay_paused: the queue is paused first, so that nothing starts.",
    )
    note: Note = ""


class ResolveBody(Body):
    outcome: Literal["completed", "failed", "retry"]
    note: Note = ""
    revision: int | None = Field(
        default=None, description="Of the task as it was seen; refused where it has changed."
    )
    then: Then = Field(
        default="continue",
        description="stay_paused: a pause takes the place of the hold, so that nothing starts.",
    )


class RejectBody(Body):
    reason: Reason = ""
    revision: int | None = Field(
        default=None, description="Of the task as it was seen; refused where it has changed."
    )


class ApproveBody(Body):
    note: Reason = ""
    revision: int | None = Field(
        default=None, description="Of the task as it was seen; refused where it has changed."
    )
    then: Then = Field(default="continue", description="stay_paused: the queue is paused first.")


class InputQuery(Query):
    question: int | None = Field(
        default=None,
        description="`asked_at_ms` of the question that is meant; refused where another one is "
        "open by now.",
    )


class StartsNext(Answer):
    """The waiting command that begins next; what waits for a person, a time or a place is passed
    over."""

    task_id: str
    cmd_type: str
    cmd_id: str | None


class RetriedBatch(Answer):
    """What was left of a batch runs again, as a new one."""

    success: Literal[True]
    message: str
    batch_id: str
    task_ids: list[str]
    queue_size: int
    starts_next: StartsNext | None = Field(description=STARTS_NEXT)


class AnswerBody(RootModel[Any]):
    """Whatever the question's schema asks for."""

    model_config = ConfigDict(defer_build=True)


class TaskDone(Answer):
    """Something was done to a task."""

    success: Literal[True]
    message: str
    task_id: str
    task: Task
    starts_next: StartsNext | None = Field(description=STARTS_NEXT)
