"""Steps that a person does in a robot's queue: each has an item on the checklist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from robotq.engine.robot.handlers import MANUAL_STEP
from robotq.engine.settings import Settings
from robotq.model.clock import WallClock
from robotq.model.item import Item, ItemIds, ItemPriority, ItemStatus
from robotq.model.task import Task, TaskState
from robotq.store.port import MarkItemOf, Mutation, SaveItem, SaveTask

TITLE_LENGTH = 255
DESCRIPTION_LENGTH = 1_000


class ManualSteps:
    """Says what follows for the checklist from changes of tasks, to go into the same commit.

    An item is pending while its step waits for its turn, in progress while the robot waits for
    it, completed when the step is. Of a step that ended in any other way nothing is left to be
    done, so its item goes; except where the outcome is unknown, until a person has decided.
    """

    def __init__(self, settings: Settings, clock: WallClock) -> None:
        self._settings = settings
        self._clock = clock
        self.ids = ItemIds()
        """Ids of all items of this daemon."""

    def following(self, saving: SaveTask) -> Sequence[Mutation]:
        """What to write along with this."""
        task = saving.task
        if (
            task.work is not None
            or self._settings.catalog.handler(task.command.cmd_type) != MANUAL_STEP
        ):
            return ()
        return tuple(self._of(task, saving.before))

    def _of(self, task: Task, before: TaskState | None) -> Iterator[Mutation]:
        if before is None:
            yield SaveItem(self._item(task))
        elif task.state is TaskState.RUNNING and task.waiting_for is not None:
            yield MarkItemOf(task.id, ItemStatus.IN_PROGRESS, task.waiting_for.asked_at_ms)
        elif task.state is TaskState.PENDING and before is TaskState.RUNNING:
            yield MarkItemOf(task.id, ItemStatus.PENDING, self._clock.now_ms())
        elif task.state.final and not task.outcome_unknown:
            assert task.ended_at_ms is not None
            resolution = task.resolution
            done = task.state is TaskState.COMPLETED or (
                resolution is not None and resolution.outcome == "completed"
            )
            at_ms = task.ended_at_ms if resolution is None else resolution.at_ms
            yield MarkItemOf(task.id, ItemStatus.COMPLETED if done else None, at_ms)

    def _item(self, task: Task) -> Item:
        params = task.command.params
        given = params if isinstance(params, dict) else {}
        title = str(given.get("title") or task.command.cmd_type)
        description = given.get("description")
        if len(title) > TITLE_LENGTH:
            title, description = f"{title[: TITLE_LENGTH - 1]}…", title
        return Item(
            id=self.ids.next(task.submitted_at_ms),
            title=title,
            description=None if description is None else str(description)[:DESCRIPTION_LENGTH],
            # nothing else in its queue goes on without it
            priority=ItemPriority.HIGH,
            created_at_ms=task.submitted_at_ms,
            updated_at_ms=task.submitted_at_ms,
            task_id=task.id,
        )
