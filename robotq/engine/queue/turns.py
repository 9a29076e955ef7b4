"""Whose turn it is: which waiting task may be claimed next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from robotq.engine.events.rows import task_event
from robotq.engine.holds.board import HoldBoard
from robotq.engine.queue.waits import Waits
from robotq.engine.settings import Settings
from robotq.engine.state.resources import Resources
from robotq.engine.state.robot_queue import RobotQueue
from robotq.engine.waiting.deadlines import expired
from robotq.engine.waiting.fitting import Fitting
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.task import Task
from robotq.model.transitions import Action, transition
from robotq.store.port import Mutation, SaveTask

_LOOKED_AT = 500
"""Waiting tasks that are looked at to tell somebody what would start."""


class Turns:
    """Decides by what is known at this moment; nothing here waits or writes."""

    def __init__(
        self,
        *,
        holds: HoldBoard,
        waits: Waits,
        resources: Resources,
        clock: WallClock,
        settings: Settings,
        fitting: Fitting,
    ) -> None:
        self._fitting = fitting
        self._holds = holds
        self._waits = waits
        self._resources = resources
        self._clock = clock
        self._settings = settings
        self.closed = False
        """Nothing more gets its turn."""

    def next(self, robot_queue: RobotQueue, now_ms: int | None = None) -> Task | None:
        """The task that may run now, or at `now_ms`: the next one in order that nothing keeps
        waiting."""
        if robot_queue.running is not None or not self._open(robot_queue):
            return None
        task = self._first(robot_queue.candidates(), now_ms)
        return None if task is None or self._fitting.in_the_way(robot_queue, task) else task

    def would_start(self, robot_queue: RobotQueue, approved: Collection[str] = ()) -> Task | None:
        """The task that begins next once nothing holds the queue and what runs has ended, as
        far as is known now; with these tasks approved. Only the first of many are looked at."""
        candidates = (
            transition(one, Action.APPROVE) if one.id in approved else one
            for one in islice(robot_queue.candidates(), _LOOKED_AT)
            if not self.expired(one)
        )
        task = self._first(candidates)
        return None if task is None or self._fitting.in_the_way(robot_queue, task) else task

    def misfit(self, robot_queue: RobotQueue) -> tuple[Task, RobotqError] | None:
        """The command that does not fit and whose turn it is, so that nothing goes on."""
        if self._fitting.all_fit or robot_queue.running is not None:
            return None
        task = self._first(robot_queue.candidates())
        return None if task is None else self._fitting.in_the_way(robot_queue, task)

    def _first(self, candidates: Iterable[Task], now_ms: int | None = None) -> Task | None:
        """The next one in order that nothing keeps waiting."""
        if now_ms is None:
            now_ms = self._clock.now_ms()
        occupied: set[Sequence[str]] = set()
        return next((one for one in candidates if self._waits.free(one, now_ms, occupied)), None)

    def after_running(self, robot_queue: RobotQueue, now_ms: int) -> Task | None:
        """The task that may run as soon as the running one of `robot_queue` has ended."""
        if not self._open(robot_queue):
            return None
        # only the first: where it has to wait, the others are looked at when the end is written
        task = robot_queue.first()
        if task is None or not self._waits.free(task, now_ms, set()):
            return None
        return None if self._fitting.in_the_way(robot_queue, task) else task

    def look_again_s(self, robot_queue: RobotQueue, now_ms: int) -> float | None:
        """Wall seconds from `now_ms` until a task becomes due that was not due then; None if
        none is waited for."""
        if not self._open(robot_queue):
            return None
        due_ms = [
            task.not_before_ms - now_ms
            for task in robot_queue.candidates()
            if task.not_before_ms is not None and task.not_before_ms > now_ms
        ]
        return min(min(due_ms) / 1000, self._settings.timings.look_s) if due_ms else None

    def expired(self, task: Task) -> bool:
        return task.expires_at_ms is not None and expired(task, self._clock.now_ms())

    def claim(self, task: Task, now_ms: int) -> tuple[Task, Sequence[Mutation]]:
        """The claimed task and what to write. It has its resources from now on; where that
        could not be written, they are to be given back (`Resources.give_back`)."""
        claimed = transition(task, Action.CLAIM, started_at_ms=now_ms)
        return claimed, [
            *self._resources.take(task, self._settings.places_of(task), now_ms),
            SaveTask(claimed, task),
            task_event("task.claimed", claimed, now_ms, "robotq", before=task),
        ]

    def _open(self, robot_queue: RobotQueue) -> bool:
        return not self.closed and not self._holds.held(robot_queue.name)
