"""From orders to new tasks: room for them, their ids, and their place in line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Self

from robotq.engine.intake import Order
from robotq.engine.memory import TaskMemory
from robotq.engine.settings import Settings
from robotq.model import ids
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.task import Task


class Admission:
    """Makes new tasks while there is room. Writes nothing."""

    def __init__(
        self, memory: TaskMemory, clock: WallClock, settings: Settings, last_seq: int
    ) -> None:
        self._memory = memory
        self._clock = clock
        self._settings = settings
        self._seq = last_seq
        self._incoming = 0
        self.closed = False
        """Nothing more is admitted."""

    def room(self, tasks: int) -> Room:
        """Keep room for new tasks while they are written.

        Those that are on their way to the disk count, so that the limit holds for a burst.
        Raises RobotqError shutting_down, queue_full.
        """
        if self.closed:
            raise RobotqError("shutting_down")
        limit = self._settings.config.queue.max_length
        length = self._memory.unfinished + self._incoming + tasks
        if length > limit:
            raise RobotqError("queue_full", limit=limit)
        self._incoming += tasks
        return Room(self, tasks, length)

    def give_up(self, tasks: int) -> None:
        """For `Room`."""
        self._incoming -= tasks

    def tasks(
        self,
        orders: Sequence[Order],
        *,
        api: str,
        actor: str,
        batch: bool = False,
        contiguous: bool | None = None,
    ) -> list[Task]:
        """One new task for each order, in this order.

        `contiguous` None: those of a batch that has more than one for the same robot are.
        """
        now_ms = self._clock.now_ms()
        if not batch:
            return [self._task(order, now_ms, api=api, actor=actor) for order in orders]
        batch_id = ids.batch_id(now_ms, self._seq + 1)
        of_robot = Counter(order.robot for order in orders)
        crowded = {name for name, number in of_robot.items() if number > 1}
        return [
            self._task(
                order,
                now_ms,
                api=api,
                actor=actor,
                batch_id=batch_id,
                contiguous=order.robot in crowded if contiguous is None else contiguous,
            )
            for order in orders
        ]

    def again(self, task: Task, order: Order, *, actor: str) -> Task:
        """A new task that does an ended one's command once more, at the head of its queue."""
        return self._task(order, self._clock.now_ms(), api=task.api, actor=actor, retry_of=task.id)

    def _task(
        self,
        order: Order,
        now_ms: int,
        *,
        api: str,
        actor: str,
        batch_id: str | None = None,
        contiguous: bool = False,
        retry_of: str | None = None,
    ) -> Task:
        self._seq += 1
        rank, priority = float(self._seq), order.priority
        head = self._memory.lane(order.robot).head() if retry_of is not None else None
        if head is not None:
            rank, priority = head.rank - 1, max(head.priority, priority)
        return Task(
            id=ids.task_id(now_ms, self._seq),
            seq=self._seq,
            api=api,
            queue=order.robot,
            command=order.command,
            actor=actor,
            submitted_at_ms=now_ms,
            priority=priority,
            rank=rank,
            not_before_ms=order.not_before_ms,
            expires_at_ms=order.expires_at_ms,
            batch_id=batch_id,
            contiguous=contiguous,
            retry_of=retry_of,
        )


class Room:
    """Room that is kept for new tasks, given up at the latest when its block ends."""

    __slots__ = ("_admission", "_tasks", "queue_size")

    def __init__(self, admission: Admission, tasks: int, queue_size: int) -> None:
        self._admission = admission
        self._tasks = tasks
        self.queue_size = queue_size
        """The length of all queues with these tasks: the place that they really get."""

    def taken(self) -> None:
        """They are in memory and counted there."""
        self._admission.give_up(self._tasks)
        self._tasks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.taken()
