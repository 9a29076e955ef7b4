"""Where waiting tasks stand in their line, and where one goes that is moved. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from robotq.engine.lane import Lane
from robotq.model.errors import RobotqError
from robotq.model.task import Task, TaskState

_HIGHEST, _LOWEST = 10, -10
_LEAST_GAP = 2.0**-10
"""Between the ranks of two tasks. Where one gets smaller, those behind it get new ranks."""

_BEGUN = "part of a batch that has begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody wants a waiting task: one of these, and the others are left out."""

    before: str | None = None
    """Right before this task."""
    after: str | None = None
    head: bool = False
    """Before all that waits, but for a batch that has begun."""
    end: bool = False
    priority: int | None = None
    """Where a task of this priority stands that arrived when it did."""

    @property
    def neighbour(self) -> str | None:
        return self.before or self.after


@dataclass(frozen=True, slots=True)
class Standing:
    """What a waiting task gets."""

    priority: int
    rank: float


class Line:
    """The waiting tasks of a lane as they can be moved: one by one, a contiguous batch as one.

    A batch that has begun is no part of it: it comes first, and nothing goes in between.
    """

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        free = [task for task in lane if not lane.in_open_batch(task)]
        self._units = [list(unit) for _, unit in groupby(free, _together)]

    def unit(self, task: Task) -> list[Task]:
        """The tasks that move with this one, in order. Raises RobotqError wrong_state."""
        if task.state is not TaskState.PENDING:
            raise _wrong_state(task.id, task.state.value, "move")
        for unit in self._units:
            if any(one.id == task.id for one in unit):
                return unit
        raise _wrong_state(task.id, _BEGUN, "move")

    def standings(
        self, task: Task, place: Place, numbers: Callable[[int], Sequence[float]]
    ) -> Mapping[str, Standing]:
        """What the tasks of `unit` get, and the others that need a new rank for it.

        Empty where it stands there already. `numbers` gives so many ranks behind all others.
        Raises RobotqError wrong_state, bad_parameter.
        """
        moving = self.unit(task)
        others = [unit for unit in self._units if unit is not moving]
        index = self._target(moving, others, place)
        left = others[index - 1][-1] if index else None
        right = others[index][0] if index < len(others) else None
        if place.priority is not None:
            priority = place.priority
        else:
            # no more of a change than it takes to stand there
            lowest = right.priority if right is not None else _LOWEST
            highest = left.priority if left is not None else _HIGHEST
            priority = min(max(moving[0].priority, lowest), highest)
        level = left.rank if left is not None and left.priority == priority else None
        behind = [one for unit in others[index:] for one in unit if unit[0].priority == priority]
        ranks = _ranks(moving, level, behind, numbers)
        known = {one.id: one for unit in self._units for one in unit}
        wanted = {task_id: Standing(priority, rank) for task_id, rank in ranks.items()}
        return {
            task_id: standing
            for task_id, standing in wanted.items()
            if standing != Standing(known[task_id].priority, known[task_id].rank)
        }

    def _target(self, moving: list[Task], others: list[list[Task]], place: Place) -> int:
        """The number of units that stand before it then."""
        if place.head:
            return 0
        if place.end:
            return len(others)
        if place.priority is not None:
            first = moving[0]
            key = (-place.priority, first.rank, first.seq)
            return sum(unit[0].order < key for unit in others)
        neighbour = self._neighbour(moving, place)
        if self._lane.in_open_batch(neighbour):
            if place.after is not None:
                return 0
            raise _wrong_state(neighbour.id, _BEGUN, "come after another task")
        at = next(
            index
            for index, unit in enumerate(others)
            if any(one.id == neighbour.id for one in unit)
        )
        return at + (place.after is not None)

    def _neighbour(self, moving: list[Task], place: Place) -> Task:
        field = "before" if place.before is not None else "after"
        if any(place.neighbour == task.id for task in moving):
            reason = "expected a task that does not move along"
            raise RobotqError("bad_parameter", field=field, reason=reason)
        found = next((task for task in self._lane if task.id == place.neighbour), None)
        if found is None:
            reason = f"{place.neighbour} does not wait for {self._lane.name}"
            raise RobotqError("bad_parameter", field=field, reason=reason)
        return found


def _together(task: Task) -> str:
    return task.batch_id if task.contiguous and task.batch_id is not None else task.id


def _ranks(
    moving: Sequence[Task],
    level: float | None,
    behind: Sequence[Task],
    numbers: Callable[[int], Sequence[float]],
) -> dict[str, float]:
    """Ranks for `moving` between `level` and `behind`, which have the same priority.

    Those that fit are kept. Where there is no room, the next ones behind get new ranks too.
    """
    own = {task.id: task.rank for task in moving}
    first, last = moving[0].rank, moving[-1].rank
    if (level is None or level < first) and (not behind or last < behind[0].rank):
        return own
    if behind and level is None:
        start = behind[0].rank - len(moving)
        return {task.id: start + number for number, task in enumerate(moving)}
    placed = list(moving)
    for task in behind:
        assert level is not None
        gap = (task.rank - level) / (len(placed) + 1)
        if gap >= _LEAST_GAP:
            return {one.id: level + gap * number for number, one in enumerate(placed, 1)}
        placed.append(task)
    return {one.id: rank for one, rank in zip(placed, numbers(len(placed)), strict=True)}


def _wrong_state(task_id: str, state: str, action: str) -> RobotqError:
    return RobotqError("wrong_state", task_id=task_id, state=state, action=action)
