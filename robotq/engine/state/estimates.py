"""How long commands take, from how long they took before."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from heapq import heapify, heappop, heappush
from statistics import median

import msgspec

from robotq.engine.state.robot_queue import RobotQueue
from robotq.model.task import Task, TaskState

_RUNS = 20
"""Past runs of a command that count; older ones say less about the lab as it is."""
_COMMANDS = 500
"""Command types that are remembered; the one not seen for longest is forgotten."""
_PROGRESS = 0.02
"""Below it a progress says nothing about the whole."""
_AGREES = 0.25
"""Part of the whole by which progress and earlier runs may differ and still agree."""
_LOOK_AHEAD = 200
"""Waiting tasks that are looked at one by one; further back their average is taken."""
_SHORT = 50
"""Waiting tasks up to which a queue is worked out anew each time."""
_REST = 19
"""Times as long as it took to work out a longer one, it is not worked out again."""


class _Run(msgspec.Struct, frozen=True):
    seconds: float
    """Wall time of the whole command."""
    steps: tuple[tuple[str, float], ...]
    """Each step with the seconds from the start of the command to its own."""


class Estimates:
    """Guesses of wall time, in seconds, from completed runs of the same command.

    A run that failed or was cancelled says nothing about how long one takes.
    """

    def __init__(
        self,
        completed: Iterable[Task] = (),
        time_scale: float = 1.0,
        *,
        waits_for_others: Callable[[Task], bool] = lambda task: task.awaits_approval,
        worked_s: Callable[[Task], float | None] = lambda _: None,
    ) -> None:
        """`time_scale`: of simulated motion today; earlier runs may have had another one.
        `waits_for_others`: whether a waiting task is passed over until somebody else does
        something. `worked_s`: wall seconds that a running task has been at work, without those in
        which it waited for a person or was held; None where nobody has counted."""
        self._time_scale = time_scale
        self._waits_for_others = waits_for_others
        self._worked_s = worked_s
        self._runs: OrderedDict[str, deque[_Run]] = OrderedDict()
        self._courses: dict[str, _Kept] = {}
        """The latest of each queue."""
        for task in completed:
            self.learn(task)

    def learn(self, task: Task) -> None:
        """Take a completed task into account; passes over every other."""
        if task.state is not TaskState.COMPLETED or task.started_at_ms is None:
            return
        started_ms = task.started_at_ms
        seconds = max(0, (task.ended_at_ms or started_ms) - started_ms) / 1000
        today_s = _at_another_scale(task, seconds, self._time_scale) if task.steps else None
        if today_s is not None:
            run = _Run(seconds=today_s, steps=())
        else:
            steps = [
                (step.name, max(0, step.started_at_ms - started_ms) / 1000) for step in task.steps
            ]
            run = _Run(seconds=seconds, steps=tuple(steps))
        cmd_type = task.command.cmd_type
        self._runs.setdefault(cmd_type, deque(maxlen=_RUNS)).append(run)
        self._runs.move_to_end(cmd_type)
        if len(self._runs) > _COMMANDS:
            self._runs.popitem(last=False)

    def duration_s(self, cmd_type: str) -> float | None:
        """What a run usually takes; None for a command that has not been seen to complete."""
        runs = self._runs.get(cmd_type)
        return median([run.seconds for run in runs]) if runs else None

    def remaining_s(self, task: Task, now_ms: int) -> float | None:
        """What a running command still takes, never below 0.

        Past runs that began the same step at the same place of their course count; without
        any, the usual duration. Where its own progress tells otherwise, the progress counts:
        this run may be longer than any before. None while the command waits for a person, whose
        time nobody can guess, or where nothing is known.
        """
        if task.started_at_ms is None or task.waiting_for or task.work:
            return None
        left_s = self._by_earlier_runs(task, task.started_at_ms, now_ms)
        worked_s = self._worked_s(task)
        if worked_s is None:
            worked_s = max(0, now_ms - task.started_at_ms) / 1000
        if task.progress is None or task.progress < _PROGRESS or not worked_s:
            return left_s
        whole_s = worked_s / min(task.progress, 1.0)
        if left_s and abs(worked_s + left_s - whole_s) <= _AGREES * whole_s:
            # they agree, and earlier runs know how long each step takes
            return left_s
        return whole_s - worked_s

    def _by_earlier_runs(self, task: Task, started_ms: int, now_ms: int) -> float | None:
        runs = self._runs.get(task.command.cmd_type)
        if not runs:
            return None
        since_ms = started_ms
        left = [run.seconds for run in runs]
        if task.steps:
            index, step = len(task.steps) - 1, task.steps[-1]
            alike = [
                run.seconds - run.steps[index][1]
                for run in runs
                if index < len(run.steps) and run.steps[index][0] == step.name
            ]
            if alike:
                left, since_ms = alike, step.started_at_ms
        return max(0.0, median(left) - max(0, now_ms - since_ms) / 1000)

    def starts_in_s(self, robot_queue: RobotQueue, position: int, now_ms: int) -> float | None:
        """How long until the waiting task at `position` (from 1) starts, if nothing holds the
        queue; None where nobody can know, or nothing waits there."""
        starts = self.schedule(robot_queue, 1, now_ms, offset=position - 1)
        return starts[0] if starts else None

    def schedule(
        self, robot_queue: RobotQueue, tasks: int, now_ms: int, *, offset: int = 0
    ) -> Sequence[float | None]:
        """`starts_in_s` of so many waiting tasks behind the first `offset`, in one go.

        What is passed over shifts nobody: a task that is not due, and comes in its place as soon
        as it is; one that waits for a person or for a place, and of which nobody knows when it
        starts. A contiguous batch goes on without others, and waits for its next one.
        """
        kept = self._course(robot_queue, now_ms)
        passed_s = (now_ms - kept.at_ms) / 1000
        found = [
            kept.course.starts.get(task.id)
            if task.id in kept.looked_at
            else self._far_back(kept.course, task, index + 1 - len(kept.looked_at), kept.at_ms)
            for index, task in enumerate(robot_queue.part(offset, tasks), offset)
        ]
        return [None if start_s is None else max(0.0, start_s - passed_s) for start_s in found]

    def would_start_s(
        self, robot_queue: RobotQueue, position: int, not_before_ms: int | None, now_ms: int
    ) -> float | None:
        """How long until one starts that came to `position` (from 1) now, and moved those behind;
        None where nobody can know."""
        if position <= robot_queue.waiting:
            turn_s = self.starts_in_s(robot_queue, position, now_ms)
        elif robot_queue.waiting <= _LOOK_AHEAD:
            kept = self._course(robot_queue, now_ms)
            free_s = kept.course.free_s
            turn_s = None if free_s is None else free_s - (now_ms - kept.at_ms) / 1000
        else:
            turn_s = self.starts_in_s(robot_queue, robot_queue.waiting, now_ms)
        if turn_s is None:
            return None
        due_s = 0.0 if not_before_ms is None else (not_before_ms - now_ms) / 1000
        return max(0.0, turn_s, due_s)

    def _course(self, robot_queue: RobotQueue, now_ms: int) -> _Kept:
        """What the queue does from now on.

        Thousands may wait and each of them may be asked for many times a second, so what a long
        queue does is not worked out more often than takes a twentieth of the time.
        """
        began = time.perf_counter()
        kept = self._courses.get(robot_queue.name)
        if kept is not None and robot_queue.waiting > _SHORT and began < kept.good_until:
            return kept
        # those behind may be due earlier, so some more are looked at than are asked for
        looked = robot_queue.part(0, _LOOK_AHEAD)
        units = _units(looked)
        running = robot_queue.running
        free_s = 0.0 if running is None else self.remaining_s(running, now_ms)
        course = _Course(free_s, now_ms, self.duration_s, self._waits_for_others)
        if units and robot_queue.in_open_batch(units[0][0]):
            course.run(units.pop(0))
        course.run_all(units)
        over = time.perf_counter()
        kept = _Kept(
            course=course,
            looked_at=frozenset([task.id for task in looked]),
            at_ms=now_ms,
            good_until=over + _REST * (over - began),
        )
        self._courses[robot_queue.name] = kept
        return kept

    def _far_back(self, course: _Course, task: Task, behind: int, now_ms: int) -> float | None:
        """By the average of those that were added up one by one."""
        starts = course.starts.values()
        if course.free_s is None or len(starts) < 2 or self._waits_for_others(task):
            return None
        average_s = (max(starts) - min(starts)) / (len(starts) - 1)
        return max(max(starts) + max(0, behind) * average_s, _due_s(task, now_ms))


class _Kept(msgspec.Struct, frozen=True):
    """What a queue was going to do at one moment."""

    course: _Course
    looked_at: frozenset[str]
    """The tasks that were looked at one by one."""
    at_ms: int
    good_until: float
    """By the clock of `time.perf_counter`."""


def _units(tasks: Iterable[Task]) -> list[list[Task]]:
    """Tasks that run without others in between, in order."""
    units: list[list[Task]] = []
    for task in tasks:
        last = units[-1][-1] if units else None
        if task.contiguous and last is not None and last.batch_id == task.batch_id:
            units[-1].append(task)
        else:
            units.append([task])
    return units


class _Course:
    """What a queue does from now on: it chooses the first in order that is due."""

    def __init__(
        self,
        free_s: float | None,
        now_ms: int,
        takes_s: Callable[[str], float | None],
        waits: Callable[[Task], bool],
    ) -> None:
        self.free_s = free_s
        """Seconds until its robot is free; None where nobody knows."""
        self._now_ms = now_ms
        self._takes_s = cache(takes_s)
        self._waits = waits
        self.starts: dict[str, float] = {}
        """By task, in seconds from now; the others start at a time that nobody knows."""

    def run_all(self, units: Sequence[Sequence[Task]]) -> None:
        """Each when it is due and those before it have run; one that waits is passed over."""
        later = [
            (_due_s(unit[0], self._now_ms), index)
            for index, unit in enumerate(units)
            if not self._waits(unit[0])
        ]
        heapify(later)
        due: list[int] = []
        while self.free_s is not None and (later or due):
            while later and later[0][0] <= self.free_s:
                heappush(due, heappop(later)[1])
            if due:
                self.run(units[heappop(due)])
            else:
                self.free_s = later[0][0]

    def run(self, unit: Sequence[Task]) -> None:
        """One after the other. Where one waits, nothing goes on that anybody could tell."""
        for task in unit:
            if self.free_s is None or self._waits(task):
                self.free_s = None
                return
            start_s = self.starts[task.id] = max(self.free_s, _due_s(task, self._now_ms))
            takes_s = self._takes_s(task.command.cmd_type)
            self.free_s = None if takes_s is None else start_s + takes_s


def _due_s(task: Task, now_ms: int) -> float:
    return 0.0 if task.not_before_ms is None else (task.not_before_ms - now_ms) / 1000


def _at_another_scale(task: Task, seconds: float, time_scale: float) -> float | None:
    """Wall seconds that an earlier run on a simulated robot would take today; None where that is
    what it took.

    Steps have their durations in motion time. They may lie inside each other, so the scale of
    that run is only known between two bounds.
    """
    durations = [step.duration_s for step in task.steps if step.duration_s]
    if not task.simulated or not durations:
        return None
    least, most = seconds / sum(durations), seconds / max(durations)
    if least / 2 <= time_scale <= 2 * most:
        return None
    return sum(durations) * time_scale
