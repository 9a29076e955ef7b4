"""Where waiting tasks stand in their line, and where one goes that is moved. Writes nothing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, takewhile

import msgspec

from robotq.engine.state.robot_queue import RobotQueue
from robotq.model.errors import RobotqError
from robotq.model.task import Task, TaskState

_HIGHEST, _LOWEST = 10, -10
_LEAST_GAP = 2.0**-10
"""Between the ranks of two tasks. Where one gets smaller, those behind it get new ranks."""

_BEGUN = "part of a batch that has begun"


class WantedPosition(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody wants a waiting task: one of these, and the others are left out."""

    before: str | None = None
    """Right before this task."""
    after: str | None = None
    head: bool = False
    """Before all that waits, but for a batch that has begun."""
    end: bool = False
    priority: int | None = None
    """Where a task of this priority stands that arrived when it did."""


class NewRank(msgspec.Struct, frozen=True):
    """What a waiting task gets."""

    priority: int
    rank: float


class Movable:
    """The waiting tasks of a robot as they can be moved: one by one, a contiguous batch as one.

    A batch that has begun is no part of it: it comes first, and nothing goes in between. A
    picture of one moment; what costs time with thousands of tasks is done once.
    """

    def __init__(self, robot_queue: RobotQueue) -> None:
        self._robot_queue = robot_queue
        self._units: list[list[Task]] = []
        batch_id = None
        for task in robot_queue:
            if task.contiguous and task.batch_id is not None:
                if robot_queue.in_open_batch(task):
                    continue
                if task.batch_id == batch_id:
                    self._units[-1].append(task)
                    continue
                batch_id = task.batch_id
            self._units.append([task])

    def unit(self, task: Task) -> Sequence[Task]:
        """The tasks that move with this one, in order. Raises RobotqError wrong_state."""
        return self._units[self._index(task)]

    def standings(
        self, task: Task, place: WantedPosition, numbers: Callable[[int], Sequence[float]]
    ) -> Sequence[tuple[Task, NewRank]]:
        """What the tasks of `unit` get, and the others that need a new rank for it.

        Empty where it stands there already. `numbers` gives so many ranks behind all others.
        Raises RobotqError wrong_state, bad_parameter.
        """
        own = self._index(task)
        moving = self._units[own]
        others = self._units[:own] + self._units[own + 1 :]
        index = self._target(own, others, place)
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
        behind = (
            one
            for unit in takewhile(
                lambda unit: unit[0].priority == priority, islice(others, index, None)
            )
            for one in unit
        )
        return [
            (one, NewRank(priority, rank))
            for one, rank in _ranks(moving, level, behind, numbers)
            if (one.priority, one.rank) != (priority, rank)
        ]

    def _target(self, own: int, others: Sequence[list[Task]], place: WantedPosition) -> int:
        """The number of units that stand before it then."""
        if place.head:
            return 0
        if place.end:
            return len(others)
        if place.priority is not None:
            first = self._units[own][0]
            return bisect_left(others, (-place.priority, first.rank, first.seq), key=_order)
        neighbour = self._neighbour(own, place)
        if self._robot_queue.in_open_batch(neighbour):
            if place.after is not None:
                return 0
            raise _wrong_state(neighbour.id, _BEGUN, "come after another task")
        at = self._index(neighbour)
        return at - (own < at) + (place.after is not None)

    def _neighbour(self, own: int, place: WantedPosition) -> Task:
        field = "after" if place.before is None else "before"
        task_id = place.after if place.before is None else place.before
        if any(task_id == task.id for task in self._units[own]):
            reason = "expected a task that does not move along"
            raise RobotqError("bad_parameter", field=field, reason=reason)
        found = self._robot_queue.find(task_id or "")
        if found is None:
            reason = f"{task_id} does not wait for {self._robot_queue.name}"
            raise RobotqError("bad_parameter", field=field, reason=reason)
        return found

    def _index(self, task: Task) -> int:
        if task.state is not TaskState.PENDING:
            raise _wrong_state(task.id, task.state.value, "move")
        if self._robot_queue.in_open_batch(task):
            raise _wrong_state(task.id, _BEGUN, "move")
        # its own unit is the last that does not begin behind it
        return bisect_right(self._units, task.order, key=_order) - 1


def _order(unit: Sequence[Task]) -> tuple[int, float, int]:
    return unit[0].order


def _ranks(
    moving: Sequence[Task],
    level: float | None,
    behind: Iterator[Task],
    numbers: Callable[[int], Sequence[float]],
) -> Iterable[tuple[Task, float]]:
    """Ranks for `moving` between `level` and `behind`, which have the same priority.

    Those that fit are kept. Where there is no room, the next ones behind get new ranks too.
    """
    following = next(behind, None)
    first, last = moving[0].rank, moving[-1].rank
    if (level is None or level < first) and (following is None or last < following.rank):
        return [(task, task.rank) for task in moving]
    if level is None and following is not None:
        start = following.rank - len(moving)
        return [(task, start + number) for number, task in enumerate(moving)]
    placed = list(moving)
    while following is not None and level is not None:
        gap = (following.rank - level) / (len(placed) + 1)
        if gap >= _LEAST_GAP:
            return [(task, level + gap * number) for number, task in enumerate(placed, 1)]
        placed.append(following)
        following = next(behind, None)
    return zip(placed, numbers(len(placed)), strict=True)


def _wrong_state(task_id: str, state: str, action: str) -> RobotqError:
    return RobotqError("wrong_state", task_id=task_id, state=state, action=action)
