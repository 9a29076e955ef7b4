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
        if not runs or task.started_at_ms is None or task.waiting_for is not None:
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
        queue; None where a command before it is unknown."""
        before = self._before(lane, now_ms)
        if before is None:
            return None
        ahead = position - 1
        known = self._durations(islice(lane, min(ahead, _LOOK_AHEAD)))
        if known is None:
            return None
        total = sum(known)
        if ahead > _LOOK_AHEAD:
            total += (ahead - _LOOK_AHEAD) * total / _LOOK_AHEAD
        return before + total

    def schedule(self, lane: Lane, tasks: int, now_ms: int) -> Sequence[float | None]:
        """`starts_in_s` of the first `tasks` waiting tasks, in one go."""
        starts: list[float | None] = []
        clock = self._before(lane, now_ms)
        for task in islice(lane, tasks):
            starts.append(clock)
            takes = self.duration_s(task.command.cmd_type)
            clock = None if clock is None or takes is None else clock + takes
        return starts

    def _before(self, lane: Lane, now_ms: int) -> float | None:
        return 0.0 if lane.running is None else self.remaining_s(lane.running, now_ms)

    def _durations(self, tasks: Iterable[Task]) -> list[float] | None:
        durations: list[float] = []
        for task in tasks:
            takes = self.duration_s(task.command.cmd_type)
            if takes is None:
                return None
            durations.append(takes)
        return durations
