"""Lists of tasks, and what became of an act upon one or many."""

from __future__ import annotations

from collections.abc import Mapping

from robotq.model.task import TaskState
from robotq.wire.base import Answer, LocalTime, Success, missing
from robotq.wire.tasks import Status, Task


class TaskLine(Answer, kw_only=True):
    """A task in a list."""

    task_id: str
    status: Status = missing("")
    state: TaskState
    cmd_type: str
    cmd_id: str | None = missing()
    robot_id: str
    api: str = missing("")
    submit_time: LocalTime = missing("")
    start_time: LocalTime | None = missing()
    end_time: LocalTime | None = None
    batch_id: str | None = missing()
    progress: float | None = missing()
    error_code: str | None = None
    position: int | None = None
    awaits_approval: bool = False
    """Only where a person has to approve it before it runs."""

    @property
    def ended(self) -> bool:
        return self.state.final


class Tasks(Answer, kw_only=True):
    tasks: tuple[TaskLine, ...] = missing(())
    """Newest first."""
    count: int = missing(0)
    next_cursor: str | None = missing()
    """Null on the last page."""


class CancelledMany(Answer, kw_only=True):
    """Without `count`: what would be cancelled. With it: what was."""

    success: Success = missing(True)
    message: str = missing("")
    dry_run: bool = missing(False)
    """Nothing was done."""
    matching: int
    """Tasks that are meant; the `count` to send."""
    up_to: int = missing(0)
    """To be sent beside `count`."""
    states: Mapping[str, int] = missing({})
    """How many of them are in which state, afterwards; `outcome_unknown` is a state of its own
    here."""
    robots: Mapping[str, int] | None = None
    """How many of which robot or worker queue; only of a dry run."""
    task_ids: tuple[str, ...] = ()
    """Those that are cancelled, in the order in which they came; `POST /tasks/restore` takes
    them."""
    not_told: tuple[str, ...] = ()
    """Robots with a `standby` of which a second machine may not know this, and may do otherwise:
    the database of the fleet did not answer in time, or that machine drives already. It counts
    here."""

    @property
    def cancelled(self) -> int:
        return self.states.get("cancelled", 0)


class StartsNext(Answer, kw_only=True):
    """The waiting command that begins next; what waits for a person, a time or a place is passed
    over."""

    task_id: str = missing("")
    cmd_type: str = missing("")
    cmd_id: str | None = missing()


class RetriedBatch(Answer, kw_only=True):
    """What was left of a batch runs again, as a new one."""

    success: Success
    message: str
    batch_id: str
    task_ids: tuple[str, ...]
    queue_size: int
    starts_next: StartsNext | None
    """What its robot begins with next, at once or as soon as nothing holds its queue."""
    not_told: tuple[str, ...] = ()
    """As of `TaskDone`, where it was to stay paused."""


class TaskDone(Answer, kw_only=True):
    """Something was done to a task."""

    success: Success
    message: str
    task_id: str
    task: Task
    starts_next: StartsNext | None
    """What its robot begins with next, at once or as soon as nothing holds its queue."""
    not_told: tuple[str, ...] = ()
    """Robots with a `standby` of which a second machine may not know this, and may do otherwise:
    the database of the fleet did not answer in time, or that machine drives already. It counts
    here."""


class Restored(Answer, kw_only=True):
    """Commands that were called off, submitted anew in the places that they had."""

    success: Success
    message: str
    restored: int
    task_ids: tuple[str, ...]
    """The new tasks, each with `retry_of`."""
