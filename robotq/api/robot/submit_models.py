"""Shapes of the other answers that a submit can get; the usual one is `models.Accepted`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from robotq.api.robot.models import Hold, LocalTime, Object, Repeat
from robotq.catalog import Kind

_CLOSED = ConfigDict(extra="forbid", frozen=True, defer_build=True)
_OPEN = ConfigDict(extra="allow", frozen=True, defer_build=True)


class AcceptedBatch(BaseModel):
    """The answer to a list of commands in queue mode: everything in it is on disk."""

    model_config = _CLOSED

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


class BatchEnding(BaseModel):
    """How the commands of a batch ended."""

    model_config = _CLOSED

    success: bool = Field(description="Whether every command has completed.")
    message: str = Field(description="Of the first that failed, else of the last one.")
    code: int
    error_code: str | None = Field(default=None, description="Only where one did not succeed.")
    batch_id: str
    task_ids: list[str]
    results: list[Ending]


class CheckedCommand(BaseModel):
    """A command as it would be taken, with the defaults filled in."""

    model_config = _CLOSED

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


class DryRun(BaseModel):
    """The answer to `dry_run`: the commands are right, and nothing was done."""

    model_config = _CLOSED

    success: Literal[True]
    dry_run: Literal[True]
    message: str
    commands: list[CheckedCommand]
