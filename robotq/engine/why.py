"""Why nothing moves. Everybody who tells that, tells what is said here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

import msgspec

from robotq.engine.holds.board import HoldBoard
from robotq.engine.occupants import Occupants
from robotq.engine.queue.waits import Waits
from robotq.engine.robot.robot import Robot
from robotq.engine.state.robot_queue import RobotQueue
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.fitting import Fitting
from robotq.engine.why_of_workers import WorkerQueues, WorkersThere
from robotq.model.clock import WallClock
from robotq.model.hold import Hold, HoldCode, Reason, Wait, WaitCode
from robotq.model.task import Task, TaskState

_LOOK_AHEAD = 50
"""Candidates that are looked at; a queue says why its next ones wait, not all of them."""
_MOST = 8
"""Waits that are told of one queue."""

_STOP_A_COMMAND = (
    HoldCode.ESTOP,
    HoldCode.MOTION_HELD,
    HoldCode.DISCONNECTED,
    HoldCode.UNRESPONSIVE,
)
"""Holds under which also a running command does not get on, as far as anybody knows."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One queue, and why nothing of it moves."""

    queue: str
    waiting: int
    running: int
    reasons: Sequence[Reason]
    """Most important first. Empty only where it is empty, or something of it moves."""

    @property
    def size(self) -> int:
        return self.waiting + self.running

    @property
    def stands(self) -> bool:
        return bool(self.reasons)


class Why:
    """Looks at the engine as it is at this moment, and changes nothing.

    Costs the same however long a queue is.
    """

    def __init__(
        self,
        *,
        robots: Mapping[str, Robot],
        memory: TaskMemory,
        waits: Waits,
        fitting: Fitting,
        holds: HoldBoard,
        occupants: Occupants,
        clock: WallClock,
    ) -> None:
        self._robots = robots
        self._memory = memory
        self._waits = waits
        self._fitting = fitting
        self._board = holds
        self._occupants = occupants
        self._clock = clock
        self._workers = WorkerQueues(memory, holds)
        self._outside: list[Callable[[], Standing | None]] = []

    def ask_about_workers(self, there: Callable[[str, str], WorkersThere]) -> None:
        """From now on ask `there` who is there for a queue and a match key."""
        self._workers.there = there

    def ask_outside(self, tell: Callable[[], Standing | None]) -> None:
        """From now on `tell` says what waits in front of the queues, such as files."""
        self._outside.append(tell)

    def ask_no_more(self, tell: Callable[[], Standing | None]) -> None:
        if tell in self._outside:
            self._outside.remove(tell)

    @property
    def queues(self) -> Sequence[str]:
        """Every queue: of robots, configured or not, and of kinds of workers."""
        memory = self._memory
        return (*memory.robot_queues, *memory.worker_queues)

    def all(self) -> Sequence[Standing]:
        """Every queue of which nothing moves, though it is not empty; then what cannot get into
        one."""
        found = (self.of(queue) for queue in self.queues)
        outside = (tell() for tell in self._outside)
        return [
            *(one for one in found if one.stands),
            *(one for one in outside if one is not None and one.stands),
        ]

    def of(self, queue: str) -> Standing:
        """One queue, by its name; one that nobody knows is empty."""
        memory = self._memory
        if (worker_queue := memory.worker_queues.get(queue)) is not None:
            return Standing(
                queue=queue,
                waiting=worker_queue.waiting,
                running=len(worker_queue.running),
                reasons=self._workers.of(worker_queue),
            )
        robot_queue = memory.robot_queues.get(queue)
        if robot_queue is None:
            return Standing(queue=queue, waiting=0, running=0, reasons=())
        return Standing(
            queue=queue,
            waiting=robot_queue.waiting,
            running=int(robot_queue.running is not None),
            reasons=self._of_robot_queue(robot_queue),
        )

    def task(self, task: Task) -> Sequence[Reason]:
        """Why this task does not get on: at least one reason where it waits, its place in line
        among them; empty where it runs and moves, or has ended."""
        if task.state is TaskState.RUNNING:
            return () if task.work is not None else self.of(task.queue).reasons
        if task.state is not TaskState.PENDING:
            return ()
        if task.work is not None:
            return self._workers.of_task(task)
        robot_queue = self._memory.robot_queue(task.queue)
        waits = self.waits(task)
        reasons: list[Reason] = [*self._holds(robot_queue), *self._question(robot_queue), *waits]
        ahead = self._ahead(robot_queue, task)
        if ahead is not None and (robot_queue.running is not None or not waits):
            reasons.append(ahead)
        return reasons or [self._starting(robot_queue, task)]

    def waits(self, task: Task) -> list[Wait]:
        """What one waiting task waits for besides its turn, and who could clear it."""
        return [self._occupants.with_occupant(wait) for wait in self._waits.of(task)]

    # -- queues of robots ----------------------------------------------------------------------

    def _of_robot_queue(self, robot_queue: RobotQueue) -> Sequence[Reason]:
        if not len(robot_queue):
            return ()
        holds = self._holds(robot_queue)
        if robot_queue.running is not None:
            robot = self._robots.get(robot_queue.name)
            if robot is None or robot.executor.running is None:
                # it is being handed to its driver, or its end is on its way to the disk
                return holds
            stopped = [hold for hold in holds if hold.code in _STOP_A_COMMAND]
            return [*stopped, *self._question(robot_queue)]
        waits: list[Wait] = []
        for task in islice(robot_queue.candidates(), _LOOK_AHEAD):
            own = self._waits.own(task)
            passed_over = [wait for wait in own if wait.code is not WaitCode.DOES_NOT_FIT]
            if not passed_over:
                # its turn: it starts, or it stops the queue
                return self._next(robot_queue, task, holds)
            waits += own
        reasons: list[Reason] = [*holds, *self._distinct(waits)]
        return reasons or [self._starting(robot_queue, next(iter(robot_queue)))]

    def _next(self, robot_queue: RobotQueue, task: Task, holds: Sequence[Hold]) -> Sequence[Reason]:
        misfit = self._fitting.in_the_way(robot_queue, task)
        if misfit is not None and not any(hold.code is HoldCode.DOES_NOT_FIT for hold in holds):
            # its hold is about to be set, or comes when the others are lifted
            return [
                *holds,
                *(w for w in self._waits.own(misfit[0]) if w.code is WaitCode.DOES_NOT_FIT),
            ]
        return holds or [self._starting(robot_queue, task)]

    def _holds(self, robot_queue: RobotQueue) -> Sequence[Hold]:
        holds = self._board.of(robot_queue.name)
        if holds or robot_queue.name in self._robots:
            return holds
        return [
            Hold(
                robot=robot_queue.name,
                code=HoldCode.NOT_CONFIGURED,
                since_ms=self._clock.now_ms(),
                args={"tasks": len(robot_queue)},
                id=f"hold_{robot_queue.name}",
            )
        ]

    def _question(self, robot_queue: RobotQueue) -> Sequence[Wait]:
        """What the running command asks, where it does."""
        running = robot_queue.running
        if running is None or running.waiting_for is None:
            return ()
        question = running.waiting_for
        return [
            Wait(
                code=WaitCode.QUESTION,
                args={
                    "prompt": question.prompt,
                    "prompt_args": question.args,
                    "until_ms": question.deadline_ms,
                    "asked_at_ms": question.asked_at_ms,
                    "schema": question.schema,
                },
                since_ms=question.asked_at_ms,
                queue=robot_queue.name,
                task_id=running.id,
            )
        ]

    def _distinct(self, waits: Sequence[Wait]) -> Sequence[Wait]:
        """The first of those that one act clears."""
        found: dict[object, Wait] = {}
        for wait in waits:
            of_all = wait.code is WaitCode.RESOURCE
            key = wait.args["resource"] if of_all else (wait.code, wait.task_id)
            found.setdefault(key, wait)
            if len(found) == _MOST:
                break
        return [self._occupants.with_occupant(wait) for wait in found.values()]

    def _ahead(self, robot_queue: RobotQueue, task: Task) -> Wait | None:
        position = robot_queue.position(task)
        if position is None or (position == 1 and robot_queue.running is None):
            return None
        return Wait(
            code=WaitCode.AHEAD,
            args={
                "position": position,
                "running": None if robot_queue.running is None else robot_queue.running.id,
            },
            since_ms=task.submitted_at_ms,
            queue=robot_queue.name,
            task_id=task.id,
        )

    def _starting(self, robot_queue: RobotQueue, task: Task) -> Wait:
        robot = self._robots.get(robot_queue.name)
        since_ms = None if robot is None else robot.executor.claiming_since_ms
        return Wait(
            code=WaitCode.STARTING,
            since_ms=self._clock.now_ms() if since_ms is None else since_ms,
            queue=robot_queue.name,
            task_id=task.id,
        )
