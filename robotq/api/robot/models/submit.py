"""Shapes of commands, and of every answer that a submit can get."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from robotq.api.robot.models.base import Answer, LocalTime, Moment, Object, Query, RobotId
from robotq.api.robot.models.holds import Hold
from robotq.api.robot.models.tasks import Repeat
from robotq.catalog import Kind

_OPEN = ConfigDict(extra="allow", frozen=True, defer_build=True)


class RepeatBody(BaseModel):
    """`count`, `interval_s`, or both. Each run is a task, made when the one before ends."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

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

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

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


class SubmitQuery(Query):
    dry_run: bool = Field(default=False, description="Check only; nothing is done.")
    contiguous: bool | None = Field(
        default=None,
        description="Let no other command in between those of a batch. Default: where a robot "
        "gets more than one of them.",
    )


class Accepted(Answer):
    """The answer in queue mode: everything in it is on disk."""

    success: Literal[True]
    message: str
    task_id: str
    queue_size: int = Field(description="Waiting and running tasks over all robots.")
    note: str


class AcceptedBatch(Answer):
    """The answer to a list of commands in queue mode: everything in it is on disk."""

    success: Literal[True]
    message: str
    batch_id: str
    task_ids: list[str] = Field(description="In the order of the commands.")
    queue_size: int = Field(description="Waiting and running tasks over all robots.")
    note: str


class DoneAtOnce(BaseModel):
    """The answer to a command that acts at once; further keys are its result."""

    model_config = _OPEN

    success: Literal[True]
    code: Literal[0]
    message: str
    cmd_type: str
    cmd_id: str | None


class Ending(BaseModel):
    """How a command ended, in synchronous mode or after `Prefer: wait`; further keys are its
    result."""

    model_config = _OPEN

    success: bool
    message: str
    code: int = Field(description="0, or the number of the error.")
    error_code: str | None = Field(default=None, description="Only where it did not succeed.")
    cmd_id: str | None
    task_id: str


class BatchEnding(Answer):
    """How the commands of a batch ended."""

    success: bool = Field(description="Whether every command has completed.")
    message: str = Field(description="Of the first that failed, else of the last one.")
    code: int
    error_code: str | None = Field(default=None, description="Only where one did not succeed.")
    batch_id: str
    task_ids: list[str]
    results: list[Ending]


class CheckedCommand(Answer):
    """A command as it would be taken, with the defaults filled in."""

    cmd_type: str
    cmd_id: str | None
    kind: Kind
    robot_id: str
    params: Object | list[object]
    extra: Object
    priority: int
    timeout_s: float
    not_before: LocalTime | None = None
    not_before_ms: int | None = None
    expires_at: LocalTime | None = None
    expires_at_ms: int | None = None
    repeat: Repeat | None = None
    holds: list[Hold]


class DryRun(Answer):
    """The answer to `dry_run`: the commands are right, and nothing was done."""

    success: Literal[True]
    dry_run: Literal[True]
    message: str
    commands: list[CheckedCommand]
