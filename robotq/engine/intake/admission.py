"""From orders to new tasks: room for them, their ids, and their place in line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from robotq.engine.intake.read_command import Order
from robotq.engine.settings import Settings
from robotq.engine.state.tasks import Keeper, Room, TaskMemory, weight_of
from robotq.model import ids
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.job import Job
from robotq.model.task import Command, Repeat, Task
from robotq.store.port import SharedQueues


class Admission:
    """Makes new tasks while there is room. Writes nothing."""

    def __init__(
        self, memory: TaskMemory, clock: WallClock, settings: Settings, last_seq: int
    ) -> None:
        self._memory = memory
        self._clock = clock
        self._settings = settings
        self._seq = last_seq
        self.incoming = 0
        """Tasks of robots on their way to the disk; changed by their `Room`."""
        self.heavy = 0
        """Bytes of all that is on its way there; changed in the same way."""
        self.shared: SharedQueues | None = None
        """What numbers the tasks for workers that other daemons have too."""
        self.closed = False
        """Nothing more is admitted."""
        self.numbers = ids.Numbers()
        """What ids are made of: two daemons whose tasks can meet make different ones."""
        self._shared_numbers = ids.Numbers(ids.SHARED_BLOCK)

    def room(self, commands: Sequence[Command]) -> Room:
        """Keep room for new tasks while they are written.

        Those that are on their way to the disk count, so that the limit holds for a burst.
        Raises RobotqError shutting_down, queue_full, queue_bytes_full.
        """
        return self._kept(self, commands, self.require_room(len(commands)))

    def require_room(self, tasks: int) -> int:
        """The same for now, before something is done that takes time: nothing is kept. How long
        the queue would be. Raises RobotqError shutting_down, queue_full."""
        length = self._memory.unfinished + self.incoming + tasks
        self._require(length, self._settings.config.queue.max_length)
        return length

    def _require(self, length: int, limit: int) -> None:
        if self.closed:
            raise RobotqError("shutting_down")
        if length > limit:
            raise RobotqError("queue_full", limit=limit)

    def _kept(self, line: Keeper, commands: Sequence[Command], length: int) -> Room:
        """Raises RobotqError queue_bytes_full."""
        weights = tuple(map(weight_of, commands))
        weight = sum(weights)
        limit = self._settings.config.queue.max_bytes
        if self._memory.weight + self.heavy + weight > limit:
            raise RobotqError("queue_bytes_full", limit=limit, bytes=weight)
        line.incoming += len(commands)
        self.heavy += weight
        return Room(line, self, weights, weight, length)

    def tasks(
        self,
        orders: Sequence[Order],
        *,
        api: str,
        actor: str,
        batch: bool = False,
        contiguous: bool | None = None,
        agent: bool = False,
    ) -> list[Task]:
        """One new task for each order, in this order.

        `contiguous` None: those of a batch that has more than one for the same robot are.
        `agent`: those whose spec asks for it wait for a person's approval, and with one task of
        a contiguous batch its others.
        """
        now_ms = self._clock.now_ms()
        if not batch:
            (order,) = orders
            return [self._task(order, now_ms, api=api, actor=actor, agent=agent)]
        batch_id = self.numbers.batch_id(now_ms, self._seq + 1)
        of_robot = Counter(order.robot for order in orders)
        crowded = {name for name, number in of_robot.items() if number > 1}
        together = set(of_robot) if contiguous else crowded if contiguous is None else set()
        # they stand in line as one, in the order in which they were sent
        highest = {
            name: max(order.priority for order in orders if order.robot == name)
            for name in together
        }
        asked = {order.robot for order in orders if order.spec.approval} & together
        return [
            self._task(
                order,
                now_ms,
                api=api,
                actor=actor,
                batch_id=batch_id,
                contiguous=order.robot in together,
                priority=highest.get(order.robot),
                agent=agent,
                approval=order.robot in asked,
            )
            for order in orders
        ]

    def ranks(self, number: int) -> Sequence[float]:
        """So many ranks behind those of all tasks that were ever admitted."""
        self._seq += number
        return [float(rank) for rank in range(self._seq - number + 1, self._seq + 1)]

    def following(
        self, task: Task, repeat: Repeat, *, not_before_ms: int | None, expires_at_ms: int | None
    ) -> Task:
        """The next run of a command that repeats, as a new task; it takes the place of the one
        that has ended, so there is room for it."""
        self._seq += 1
        now_ms = self._clock.now_ms()
        return Task(
            id=self.numbers.task_id(now_ms, self._seq),
            seq=self._seq,
            api=task.api,
            queue=task.queue,
            command=task.command,
            actor=task.actor,
            submitted_at_ms=now_ms,
            priority=task.priority,
            rank=float(self._seq),
            not_before_ms=not_before_ms,
            expires_at_ms=expires_at_ms,
            repeat=repeat,
            repeat_of=task.repeat_of or task.id,
        )

    def again(
        self,
        task: Task,
        order: Order,
        *,
        actor: str,
        agent: bool = False,
        batch_id: str | None = None,
    ) -> Task:
        """A new task that does an ended one's command once more, at the head of its queue."""
        return self._task(
            order,
            self._clock.now_ms(),
            api=task.api,
            actor=actor,
            retry_of=task.id,
            agent=agent,
            batch_id=batch_id,
            contiguous=batch_id is not None and task.contiguous,
        )

    def back(self, task: Task, order: Order, *, actor: str, agent: bool = False) -> Task:
        """A new task for a command that was called off before it began, in the place in line, in
        the batch and with the times that it had. What waited for approval waits for it again."""
        new = self._task(
            order,
            self._clock.now_ms(),
            api=task.api,
            actor=actor,
            batch_id=task.batch_id,
            contiguous=task.contiguous,
            priority=task.priority,
            agent=agent,
        )
        return replace(
            new,
            retry_of=task.id,
            rank=task.rank,
            not_before_ms=task.not_before_ms,
            expires_at_ms=task.expires_at_ms,
            awaits_approval=new.awaits_approval or task.awaits_approval,
        )

    def batch_again(
        self, tasks: Sequence[tuple[Task, Order]], *, actor: str, agent: bool = False
    ) -> list[Task]:
        """The same for what is left of a batch, as a new one with the same promise."""
        batch_id = self.numbers.batch_id(self._clock.now_ms(), self._seq + 1)
        again = [
            self.again(task, order, actor=actor, agent=agent, batch_id=batch_id)
            for task, order in tasks
        ]
        first = {task.queue: task for task in reversed(again)}
        asked = {task.queue for task in again if task.contiguous and task.awaits_approval}
        # one place in line for those of a robot; their numbers keep them in order
        return [
            replace(
                task,
                rank=first[task.queue].rank,
                priority=first[task.queue].priority,
                awaits_approval=task.awaits_approval or (task.contiguous and task.queue in asked),
            )
            for task in again
        ]

    def job_room(self, queue: str, commands: Sequence[Command], limit: int) -> Room:
        """The same as `room` in a queue for workers, which has a limit of its own for what
        waits."""
        worker_queue = self._memory.worker_queue(queue)
        length = worker_queue.waiting + worker_queue.incoming + len(commands)
        self._require(length, limit)
        return self._kept(worker_queue, commands, length)

    def job(self, job: Job, *, api: str, actor: str) -> Task:
        """A new task for workers."""
        shared = self.shared
        if shared is not None and shared.shared_queue(job.queue):
            seq, numbers = shared.next_number(), self._shared_numbers
        else:
            self._seq += 1
            seq, numbers = self._seq, self.numbers
        now_ms = self._clock.now_ms()
        return Task(
            id=job.task_id or numbers.task_id(now_ms, seq),
            seq=seq,
            api=api,
            queue=job.queue,
            command=job.command,
            actor=actor,
            submitted_at_ms=now_ms,
            priority=job.priority,
            rank=float(seq),
            work=job.work,
        )

    def _task(
        self,
        order: Order,
        now_ms: int,
        *,
        api: str,
        actor: str,
        batch_id: str | None = None,
        contiguous: bool = False,
        priority: int | None = None,
        retry_of: str | None = None,
        agent: bool = False,
        approval: bool = False,
    ) -> Task:
        self._seq += 1
        rank = float(self._seq)
        priority = order.priority if priority is None else priority
        if retry_of is not None:
            robot_queue = self._memory.robot_queue(order.robot)
            head, retried = robot_queue.head(), robot_queue.last_retried()
            if retried is not None:
                # behind the retries that stand there: equal ranks go by number
                rank, priority = retried.rank, retried.priority
            elif head is not None:
                rank, priority = head.rank - 1, max(head.priority, priority)
        return Task(
            id=order.task_id or self.numbers.task_id(now_ms, self._seq),
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
            repeat=order.repeat,
            batch_id=batch_id,
            contiguous=contiguous,
            awaits_approval=agent and (approval or order.spec.approval),
            retry_of=retry_of,
            from_line=order.from_line,
        )


def series_of(task: Task) -> str:
    """The id of the first run."""
    return task.repeat_of or task.id


def in_place_of(task: Task, again: Task) -> Task:
    """`again` as the same run of the series as `task`, whose unknown outcome it makes good."""
    if task.repeat is None or task.asked is not None:
        return again
    return replace(again, repeat=task.repeat, repeat_of=series_of(task))
