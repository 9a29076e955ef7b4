"""What the daemon answers: the shapes of `robotq.wire`, and what a client adds to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Self, TypeVar

from msgspec import field

from robotq.client.errors import ClientError
from robotq.model.json import JsonObject
from robotq.model.task import OUTCOME_UNKNOWN
from robotq.wire import submit, tasks
from robotq.wire.base import Object
from robotq.wire.task_lists import CancelledMany

_T = TypeVar("_T")


class Task(tasks.Task, kw_only=True):
    """One accepted command and its life."""

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


class Accepted(submit.Accepted, kw_only=True):
    """A command that is on the daemon's disk."""

    idempotency_key: str = ""
    """The one that it was submitted with."""


class AcceptedBatch(submit.AcceptedBatch, kw_only=True):
    """A batch that is on the daemon's disk, all of it."""

    idempotency_key: str = ""


class ToCancel(CancelledMany, kw_only=True):
    """What a selection of tasks has now. Give it to `cancel_many`."""

    selection: Object = field(default_factory=dict)


def shapes(read: Callable[[JsonObject], _T], key: str) -> Callable[[JsonObject], tuple[_T, ...]]:
    """Reads the list that stands in an answer under `key`."""

    def read_all(answer: JsonObject) -> tuple[_T, ...]:
        found: Iterable[JsonObject] = answer[key]
        return tuple(read(one) for one in found)

    return read_all
