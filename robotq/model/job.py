"""What an interface hands in for a worker, and what a worker answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from robotq.model.errors import error_text
from robotq.model.hold import Hold
from robotq.model.json import JsonObject, JsonValue
from robotq.model.task import Command, Task, TaskError, Work
from robotq.model.texts import Language
from robotq.model.transitions import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A task for a worker, read and found right by its interface."""

    queue: str
    command: Command
    """What is to be done. Whatever the interface keeps with it (tags, requester, metadata)
    stands in `command.extra`."""
    work: Work
    task_id: str | None = None
    """Where the interface has ids of its own; None for one of the usual form."""
    priority: int = 0
    """-10 to 10, higher first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who says to have a task.

    Documented workers know no tokens, and some do not even say who they are.
    """

    worker: str | None = None
    token: int | None = None
    """The fence of the claim."""

    def has(self, task: Task) -> bool:
        """Whether the present claim, or the last one, is this one.

        Somebody who says nothing is believed unless another worker's lease on it ran out.
        """
        if task.worker is None:
            return False
        if self.worker is not None and self.worker != task.worker:
            return False
        if self.token is not None:
            return self.token == task.fence
        return self.worker is not None or not task.several_workers


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnding:
    """How a worker says that a task ended."""

    result: JsonValue = None
    """Any JSON. The task keeps it as `{"data": ...}`."""
    error: TaskError | None = None
    """Why it failed; None where it did not."""

    @property
    def action(self) -> Action:
        return Action.COMPLETE if self.error is None else Action.FAIL

    @property
    def kept(self) -> JsonObject:
        """The result as it stands in the task."""
        return {"data": self.result}


class Verdict(StrEnum):
    """What a worker is to do with a task that it has."""

    GO_ON = "go_on"
    CANCEL = "cancel"
    """It is not this worker's any more; a result is refused."""


class TaskReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says about a task that it has."""

    task_id: str
    token: int | None = None
    progress: float | None = None
    """0 to 1."""
    partial: JsonObject | None = None
    """What it has found so far; replaces what it said before."""


class TaskOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a `TaskReport`."""

    task_id: str
    order: Verdict
    reason: str = ""
    """Why it is to be cancelled: cancelled, stale_claim, completed, ..."""
    lease_until_ms: int | None = None


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a sign of life."""

    orders: Sequence[TaskOrder]
    holds: Sequence[Hold]
    """Why the queue hands out nothing right now; empty: it does."""


def succeeded(result: JsonValue) -> JobEnding:
    return JobEnding(result=result)


def failed_with(
    reason: str, result: JsonValue = None, *, code: str = "worker_error", **args: JsonValue
) -> JobEnding:
    """`reason` is the worker's own text; `code` one of `model.errors`."""
    return JobEnding(result=result, error=TaskError(code=code, args={"reason": reason, **args}))


def data_of(task: Task) -> JsonValue:
    """What the worker answered, as it was; None where it has not, or nobody did."""
    return None if task.result is None else task.result.get("data")


def why_failed(task: Task, texts: Mapping[str, str] = {}) -> str | None:
    """In the worker's own words where it said so, else in those of `texts`, by code, else in
    English; None where it did not fail. The worker may have said nothing."""
    error = task.error
    if error is None:
        return None
    if error.code == "worker_error":
        return str(error.args.get("reason") or "")
    return texts.get(error.code) or error_text(error.code, error.args, Language.EN)
