"""Whether each robot ran its tasks in the order (priority, arrival), and batches whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from robotq.model.task import Task

from .ledger import Ledger
from .records import Disk

_SHARED = "CHROMATOGRAPH"
"""The only place of the mix for which a task of one robot waits until the other has left."""


def faults(ledger: Ledger, disk: Disk) -> Iterator[str]:
    """Replays the journal, and looks at what was waiting when a task was claimed."""
    known_ms = _known(ledger, disk)
    pauses = list(_pauses(ledger))
    lines: dict[str, _Line] = {}
    for event in disk.events:
        task = disk.tasks.get(event.task_id or "")
        if task is None or event.after is None or event.kind == "task.resolved":
            continue
        line = lines.setdefault(task.queue, _Line(known_ms))
        if event.kind == "task.claimed":
            yield from line.claim(task, event.at_ms)
            for robot, from_ms, to_ms in pauses:
                if robot == task.queue and from_ms < event.at_ms < to_ms:
                    yield f"{task.id} was claimed while {robot} was paused"
        elif event.after == "pending":
            line.wait(task, released=event.kind == "task.released")
        else:
            line.waiting.pop(task.id, None)


class _Line:
    """What waits for one robot."""

    def __init__(self, known_ms: Mapping[str, float]) -> None:
        self.waiting: dict[str, Task] = {}
        self._known_ms = known_ms
        self._claims: Counter[str] = Counter()
        """Batch -> its claims that were not given back; 0 where all were."""

    def wait(self, task: Task, *, released: bool) -> None:
        self.waiting[task.id] = task
        if released and task.batch_id is not None:
            self._claims[task.batch_id] -= 1

    def claim(self, task: Task, at_ms: float) -> Iterator[str]:
        """What speaks against `task` being the one."""
        self.waiting.pop(task.id, None)
        under_way = task.contiguous and task.batch_id in self._claims
        for other in self.waiting.values():
            first = other.order < task.order
            if other.contiguous and other.batch_id == task.batch_id:
                if first:
                    yield f"{task.id} before {other.id} of its batch"
            elif other.contiguous and self._claims[other.batch_id or ""] > 0:
                yield f"{task.id} between the tasks of {other.batch_id}"
            elif first and not under_way and self._ready(other, at_ms):
                yield f"{task.id} {task.order} before {other.id} {other.order}"
        if task.contiguous and task.batch_id is not None:
            self._claims[task.batch_id] += 1

    def _ready(self, task: Task, at_ms: float) -> bool:
        """Whether `task` could have been taken instead. Not where its submit was on its way in,
        nor where it, or what comes before it in its batch, goes where the other robot may be.
        """
        return self._known_ms.get(task.id, at_ms) < at_ms and not any(
            other.command.cmd_type == "NAVIGATION" and other.command.params["area"] == _SHARED
            for other in self.waiting.values()
            if other is task
            or (task.contiguous and other.batch_id == task.batch_id and other.order < task.order)
        )


def _known(ledger: Ledger, disk: Disk) -> dict[str, float]:
    """Since when each task counts as waiting: since somebody had the answer that it was
    accepted, or since a restart had found it."""
    known = dict(ledger.known_ms)
    for task in disk.tasks.values():
        later = [death for death in ledger.deaths_ms if death > task.submitted_at_ms]
        if later:
            known[task.id] = min(known.get(task.id, later[0]), later[0])
    return known


def _pauses(ledger: Ledger) -> Iterator[tuple[str, float, float]]:
    """Robot, and from the answer to a pause until somebody asked for a resume."""
    since: dict[str, float] = {}
    for control in ledger.controls:
        for robot in control.robots:
            if control.action == "pause" and control.answered_ms is not None:
                since.setdefault(robot, control.answered_ms)
            elif control.action == "resume" and robot in since:
                yield robot, since.pop(robot), control.sent_ms
