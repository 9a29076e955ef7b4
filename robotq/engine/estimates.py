"""How long commands take, from how long they took before."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import median

from robotq.engine.lane import Lane
from robotq.model.task import Task, TaskState

_RUNS = 20
"""Past runs of a command that count; older ones say less about the lab as it is."""

_COMMANDS = 500
"""Command types that are remembered; the one not seen for longest is forgotten."""

_LOOK_AHEAD = 200
"""Waiting tasks that are added up one by one; further back their average is taken."""


@dataclass(frozen=True, slots=True)
class _Run:
    seconds: float
    """Wall time of the whole command."""
    steps: tuple[tuple[str, float], ...]
    """Each step with the seconds from the start of the command to its own."""


class Estimates:
    """Guesses of wall time, in seconds, from completed runs of the same command.

    A run that failed or was cancelled says nothing about how long one takes.
    """

    def __init__(self, completed: Iterable[Task] = ()) -> None:
        self._runs: OrderedDict[str, deque[_Run]] = OrderedDict()
        for task in completed:
            self.learn(task)

    def learn(self, task: Task) -> None:
        """Take a completed task into account; passes over every other."""
        if task.state is not TaskState.COMPLETED or task.started_at_ms is None:
            return
        started_ms = task.started_at_ms
        run = _Run(
            seconds=max(0, (task.ended_at_ms or started_ms) - started_ms) / 1000,
            steps=tuple(
                [(step.name, max(0, step.started_at_ms - started_ms) / 1000) for step in task.steps]
            ),
        )
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
        any, the usual duration. None while the command waits for a person, whose time nobody
        can guess, or where nothing is known.
        """
        runs = self._runs.get(task.command.cmd_type)
        if not runs or task.started_at_ms is None or task.waiting_for or task.work:
            return None
        since_ms = task.started_at_ms
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

    def starts_in_s(self, lane: Lane, position: int, now_ms: int) -> float | None:
        """How long until the waiting task at `position` (from 1) starts, if nothing holds the
        queue; None where a command before it is unknown, or nothing waits there.

        One that is not due is passed over, and comes first as soon as it is.
        """
        course = _Course(self._before(lane, now_ms))
        ahead = position - 1
        waiting = iter(lane)
        for task in islice(waiting, min(ahead, _LOOK_AHEAD)):
            course.take(_due_s(task, now_ms), self.duration_s(task.command.cmd_type))
        if ahead <= _LOOK_AHEAD:
            asked = next(waiting, None)
            return None if asked is None else course.start_s(_due_s(asked, now_ms))
        known = course.start_s(0.0)
        return None if known is None else known + (ahead - _LOOK_AHEAD) * course.average_s

    def schedule(self, lane: Lane, tasks: int, now_ms: int) -> Sequence[float | None]:
        """`starts_in_s` of the first `tasks` waiting tasks, in one go."""
        starts: list[float | None] = []
        course = _Course(self._before(lane, now_ms))
        for task in islice(lane, tasks):
            due_s = _due_s(task, now_ms)
            starts.append(course.start_s(due_s))
            course.take(due_s, self.duration_s(task.command.cmd_type))
        return starts

    def _before(self, lane: Lane, now_ms: int) -> float | None:
        return 0.0 if lane.running is None else self.remaining_s(lane.running, now_ms)


class _Course:
    """What a queue does from now on: one command after the other, none before it is due."""

    def __init__(self, free_s: float | None) -> None:
        """`free_s`: seconds until its robot is free; None where nobody knows."""
        self._free_s = self._begin_s = free_s
        self._taken = 0
        self._later: list[tuple[float, float | None]] = []
        """When those passed over are due, and what they take; in their order."""

    @property
    def average_s(self) -> float:
        if not self._taken or self._free_s is None or self._begin_s is None:
            return 0.0
        return (self._free_s - self._begin_s) / self._taken

    def take(self, due_s: float, takes_s: float | None) -> None:
        """The next one in line."""
        self._taken += 1
        if self._free_s is None:
            return
        if due_s > self._free_s:
            self._later.append((due_s, takes_s))
            return
        self._run(takes_s)
        while self._later and self._free_s is not None:
            due = next((one for one in self._later if one[0] <= self._free_s), None)
            if due is None:
                return
            self._later.remove(due)
            self._run(due[1])

    def start_s(self, due_s: float) -> float | None:
        """When one that is due then would start after all that were taken."""
        free_s = self._free_s
        for others_due_s, takes_s in sorted(self._later, key=lambda one: one[0]):
            if free_s is None or others_due_s > max(due_s, free_s):
                break
            free_s = None if takes_s is None else max(free_s, others_due_s) + takes_s
        return None if free_s is None else max(free_s, due_s)

    def _run(self, takes_s: float | None) -> None:
        if self._free_s is not None:
            self._free_s = None if takes_s is None else self._free_s + takes_s


def _due_s(task: Task, now_ms: int) -> float:
    return 0.0 if task.not_before_ms is None else (task.not_before_ms - now_ms) / 1000
