"""What the engine keeps in memory of the tasks; the disk stays the truth."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, Self

import orjson

from robotq.engine.state.robot_queue import RobotQueue
from robotq.engine.state.tallies import Counts
from robotq.engine.state.worker_queue import WorkerQueue
from robotq.model.json.known import KNOWN, SIGNS
from robotq.model.task import FINAL_STATES, Command, Task, TaskState
from robotq.store.port import Restored

_TASK = 2_000
_PART = 64
"""Bytes of each part of an object or a list: small ones take up to thirty times their JSON."""


class TaskMemory:
    """All unfinished tasks, the latest finished ones, and counts that are kept, never counted."""

    def __init__(
        self,
        restored: Restored,
        *,
        queues: Iterable[str],
        finished: int,
        worker_queues: Iterable[str] = (),
        finished_bytes: int = 64 * 2**20,
    ) -> None:
        """`queues`: of robots; `worker_queues`: of kinds of workers. `finished` and
        `finished_bytes`: how many ended tasks are kept, at most."""
        self.robot_queues: dict[str, RobotQueue] = {name: RobotQueue(name) for name in queues}
        self.worker_queues: dict[str, WorkerQueue] = {
            name: WorkerQueue(name) for name in worker_queues
        }
        self._finished_limit = finished
        self._unfinished: dict[str, Task] = {}
        self._finished: OrderedDict[str, Task] = OrderedDict()
        self._finished_bytes = finished_bytes
        self._weights: dict[str, int] = {}
        self.weight = 0
        """Bytes that the unfinished tasks take, roughly."""
        self._ended_weights: dict[str, int] = {}
        self._ended_weight = 0
        self._counts: dict[tuple[str, str, TaskState], int] = dict(restored.counts)
        self.unfinished = 0
        """Waiting and running commands of robots."""
        for task in restored.finished:
            self._keep(task)
        self._forget_oldest()
        for task in restored.unfinished:
            self._unfinished[task.id] = task
            self.unfinished += task.work is None
            self._weigh(task)
            self._place(task)

    def robot_queue(self, queue: str) -> RobotQueue:
        robot_queue = self.robot_queues.get(queue)
        if robot_queue is None:
            robot_queue = self.robot_queues[queue] = RobotQueue(queue)
        return robot_queue

    def worker_queue(self, queue: str) -> WorkerQueue:
        worker_queue = self.worker_queues.get(queue)
        if worker_queue is None:
            worker_queue = self.worker_queues[queue] = WorkerQueue(queue)
        return worker_queue

    def position(self, task: Task) -> int | None:
        """The place of a waiting task in its queue, from 1."""
        if task.work is not None:
            return self.worker_queue(task.queue).position(task)
        return self.robot_queue(task.queue).position(task)

    def get(self, task_id: str) -> Task | None:
        return self._unfinished.get(task_id) or self._finished.get(task_id)

    def all_unfinished(self) -> Iterable[Task]:
        """Waiting and running tasks of all robots and workers, in no order."""
        return self._unfinished.values()

    def running(self) -> Sequence[Task]:
        """Running tasks of all robots, oldest first."""
        tasks = [
            robot_queue.running
            for robot_queue in self.robot_queues.values()
            if robot_queue.running is not None
        ]
        return sorted(tasks, key=lambda task: task.seq)

    def latest_finished(self) -> Iterator[Task]:
        """Ended tasks, the one that ended last first."""
        return reversed(self._finished.values())

    def update(self, task: Task, before: TaskState | None) -> None:
        """Take over a task as it was written; `before` is the state that it had."""
        known = self._unfinished.get(task.id)
        if known is not None and known.queue != task.queue:
            self.robot_queue(known.queue).give_up(task.id)
            self._counts[known.api, known.queue, known.state] -= 1
            self._counts[task.api, task.queue, known.state] = (
                self._counts.get((task.api, task.queue, known.state), 0) + 1
            )
        if before is not task.state:
            if before is not None:
                self._counts[task.api, task.queue, before] -= 1
            key = (task.api, task.queue, task.state)
            self._counts[key] = self._counts.get(key, 0) + 1
        if task.state in FINAL_STATES:
            if self._unfinished.pop(task.id, None) is not None:
                self.unfinished -= task.work is None
            command = self._weights.pop(task.id, None)
            self.weight -= command or 0
            if known is not None or before is None or task.id in self._finished:
                self._keep(task, command)
            self._forget_oldest()
        else:
            self.unfinished += known is None and task.work is None
            self._unfinished[task.id] = task
            if task.id not in self._weights:
                self._weigh(task)
            if task.id in self._finished:
                # one that is tried again under its own id
                self._forget(task.id)
        self._place(task)

    def add(self, task: Task, weight: int | None = None) -> None:
        """A new one that waits, as it was written; `weight` is that of its command."""
        queue = task.queue
        key = (task.api, queue, TaskState.PENDING)
        self._counts[key] = self._counts.get(key, 0) + 1
        self._unfinished[task.id] = task
        if weight is None:
            weight = weight_of(task.command)
        self._weights[task.id] = weight
        self.weight += weight
        if task.work is not None:
            self.worker_queue(queue).update(task)
            return
        self.unfinished += 1
        self.robot_queue(queue).add(task)

    def _weigh(self, task: Task) -> None:
        self._weights[task.id] = weight_of(task.command)
        self.weight += self._weights[task.id]

    def _keep(self, task: Task, command: int | None = None) -> None:
        """`command`: the weight that the task had until now."""
        weight = weight_of_ended(task, command)
        self._ended_weight += weight - self._ended_weights.get(task.id, 0)
        self._ended_weights[task.id] = weight
        self._finished[task.id] = task

    def _forget(self, task_id: str) -> None:
        self._finished.pop(task_id, None)
        self._ended_weight -= self._ended_weights.pop(task_id, 0)

    def _forget_oldest(self) -> None:
        """Ended tasks that are too many, or too large together; the disk has them."""
        while self._finished and (
            len(self._finished) > self._finished_limit or self._ended_weight > self._finished_bytes
        ):
            self._forget(next(iter(self._finished)))

    def forget(self, ended_before_ms: int) -> None:
        """What retention removes from the disk is not found here either. A task whose unknown
        outcome nobody has resolved stays, as it does on disk."""
        gone = [
            task.id
            for task in self._finished.values()
            if (task.ended_at_ms or 0) < ended_before_ms and not task.outcome_unknown
        ]
        for task_id in gone:
            del self._finished[task_id]

    def _place(self, task: Task) -> None:
        if task.work is not None:
            self.worker_queue(task.queue).update(task)
        else:
            known = self.robot_queues.get(task.queue)
            (known if known is not None else self.robot_queue(task.queue)).update(task)

    def wake(self, queue: str) -> None:
        """Something that decides what may start in this queue has changed."""
        if queue in self.worker_queues:
            self.worker_queues[queue].wake()
        else:
            self.robot_queue(queue).wake()

    def wake_robots(self) -> None:
        """The same for the queues of all robots."""
        for robot_queue in self.robot_queues.values():
            robot_queue.wake()

    def counts(self, *, api: str | None = None, queue: str | None = None) -> Counts:
        """Counts of one interface, one queue, or all."""
        sums: dict[str, int] = {}
        for (of_api, of_queue, state), number in self._counts.items():
            if api in (None, of_api) and queue in (None, of_queue):
                sums[state.value] = sums.get(state.value, 0) + number
        return Counts(**sums)

    def recount(self, counts: Mapping[tuple[str, str, TaskState], int]) -> None:
        """Take over what somebody else has counted."""
        self._counts.update(counts)

    def all_counts(self) -> Mapping[tuple[str, str, TaskState], int]:
        return self._counts


class Keeper(Protocol):
    """Counts what is on its way into a queue."""

    incoming: int


class Scale(Protocol):
    """Weighs what is on its way into any queue."""

    heavy: int


class Room:
    """Room that is kept for new tasks, given up at the latest when its block ends."""

    __slots__ = ("_keeper", "_scale", "_tasks", "_weight", "queue_size", "weights")

    def __init__(
        self, keeper: Keeper, scale: Scale, weights: Sequence[int], weight: int, queue_size: int
    ) -> None:
        self._keeper = keeper
        self._scale = scale
        self.weights = weights
        """Of the commands of the tasks, in their order."""
        self._tasks = len(weights)
        self._weight = weight
        self.queue_size = queue_size
        """The length of all queues with these tasks: the place that they really get."""

    def taken(self) -> None:
        """They are in memory and counted there."""
        self._keeper.incoming -= self._tasks
        self._scale.heavy -= self._weight
        self._tasks = self._weight = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.taken()


def weight_of(command: Command) -> int:
    """Bytes, roughly and rather too many; costs little."""
    params, extra = command.params, command.extra
    return _TASK + _weight((params, extra) if extra else params)


def weight_of_ended(task: Task, command: int | None = None) -> int:
    """The same with what became of it; `command` where `weight_of` has said it already."""
    weight = weight_of(task.command) if command is None else command
    return weight + _weight_of_result(task.result)


def _weight_of_result(result: Mapping[str, object] | None) -> int:
    """What is large is not encoded for this: that would stop the event loop."""
    weight, rest = 0, {}
    for key, value in (result or {}).items():
        if isinstance(value, KNOWN):
            # the JSON is kept beside the value
            weight += 2 * len(value.json) + _PART * value.parts
        else:
            rest[key] = value
    return weight + _weight(rest)


def _weight(value: object) -> int:
    if not value:
        return _PART
    try:
        encoded = orjson.dumps(value)
    except TypeError:
        # what a driver has handed over can be anything
        encoded = repr(value).encode("utf-8", "replace")
    # as `parts_of`, without a call for each submit
    length = len(encoded)
    return length + _PART * (length - len(encoded.translate(None, SIGNS)))
