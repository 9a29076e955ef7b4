"""Which numbers are kept of tasks, for statistics that cost nothing to read: how many there are in
each state, and sums of those for workers."""

from __future__ import annotations

import msgspec

from robotq.model.task import Task
from robotq.store.port import AddToTally, Mutation, Tally

HOUR_MS = 3_600_000

SUBMITTED = "submitted"
"""Tasks accepted: by the hour and over all time."""
PRIORITY = "priority:"
"""And a priority: tasks accepted with it, over all time."""
WORKED = "worked"
"""Tasks that ended after a worker had them: by the hour and over all time."""
WORKED_MS = "worked_ms"
"""Milliseconds from their last claim to their end, summed up."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks by state. `total` is the sum of the others."""

    pending: int = 0
    running: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def queue_size(self) -> int:
        """Accepted and not yet ended."""
        return self.pending + self.running

    @property
    def total(self) -> int:
        return self.queue_size + self.completed + self.failed + self.cancelled


def tallies_of_new(task: Task) -> list[Mutation]:
    """What an accepted task adds."""
    if task.work is None:
        return []
    at_ms = task.submitted_at_ms
    return [
        *_hourly(task, SUBMITTED, at_ms, 1),
        _added(task, f"{PRIORITY}{task.priority}", 0, 1),
    ]


def tallies_of_end(task: Task) -> list[Mutation]:
    """What an end adds: one by the hour under the name of its state, and the time it took."""
    if task.work is None or task.ended_at_ms is None:
        return []
    at_ms = task.ended_at_ms
    mutations = [_added(task, task.state.value, hour_of(at_ms), 1)]
    if task.started_at_ms is not None:
        mutations += _hourly(task, WORKED, at_ms, 1)
        mutations += _hourly(task, WORKED_MS, at_ms, max(0, at_ms - task.started_at_ms))
    return mutations


def hour_of(at_ms: int) -> int:
    """The full hour before."""
    return at_ms - at_ms % HOUR_MS


def _hourly(task: Task, name: str, at_ms: int, value: int) -> list[Mutation]:
    return [_added(task, name, hour_of(at_ms), value), _added(task, name, 0, value)]


def _added(task: Task, name: str, hour_ms: int, value: int) -> Mutation:
    return AddToTally(Tally(api=task.api, name=name, hour_ms=hour_ms, value=value))
