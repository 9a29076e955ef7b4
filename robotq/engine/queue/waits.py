"""What keeps one waiting task of a robot from its turn: the one place that decides it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from robotq.engine.settings import Settings
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.fitting import Fitting, hold_args
from robotq.model.clock import WallClock
from robotq.model.hold import Wait, WaitCode
from robotq.model.task import Task


class Waits:
    """Judges by what is known at this moment."""

    def __init__(
        self,
        memory: TaskMemory,
        resources: Resources,
        clock: WallClock,
        settings: Settings,
        fitting: Fitting,
    ) -> None:
        self._memory = memory
        self._fitting = fitting
        self._resources = resources
        self._clock = clock
        self._settings = settings
        self.called_off: set[str] = set()
        """Tasks that are being cancelled together with many others: none of them begins."""

    def free(self, task: Task, now_ms: int, occupied: set[Sequence[str]]) -> bool:
        """Whether it is not passed over: `own` without its words. One that does not fit is not
        passed over; it stops its queue.

        Thousands may wait for the same places: those that are found occupied are kept in
        `occupied` and not looked at again.
        """
        if task.awaits_approval or task.id in self.called_off:
            return False
        if task.not_before_ms is not None and task.not_before_ms > now_ms:
            return False
        places = self._settings.places_of(task)
        if not places:
            return True
        if places in occupied:
            return False
        if self._resources.wait_of(task.queue, places) is None:
            return True
        occupied.add(places)
        return False

    def for_others(self, task: Task) -> bool:
        """Whether somebody else has to do something before it can start."""
        return (
            self._fitting.why(task) is not None
            or task.id in self.called_off
            or task.awaits_approval
            or self._for_place(task) is not None
        )

    def own(self, task: Task) -> list[Wait]:
        """Why it would not start at the head of its queue."""
        waits = []
        since_ms = task.submitted_at_ms
        why = self._fitting.why(task)
        if why is not None:
            args = {"task_id": task.id, **hold_args(why)}
            waits.append(Wait(code=WaitCode.DOES_NOT_FIT, args=args))
        if task.id in self.called_off:
            waits.append(Wait(code=WaitCode.CANCELLING))
        if task.awaits_approval:
            waits.append(Wait(code=WaitCode.APPROVAL, args={"revision": task.revision}))
        if task.not_before_ms is not None and task.not_before_ms > self._clock.now_ms():
            waits.append(Wait(code=WaitCode.NOT_BEFORE, args={"at_ms": task.not_before_ms}))
        wait = self._for_place(task)
        if wait is not None:
            waits.append(wait)
        return [
            replace(one, queue=task.queue, task_id=task.id, since_ms=max(one.since_ms, since_ms))
            for one in waits
        ]

    def of(self, task: Task) -> list[Wait]:
        """The same, and what a batch in front of it waits for."""
        waits = self.own(task)
        in_front = self._memory.robot_queue(task.queue).in_front(task)
        because = () if in_front is None else tuple(self.own(in_front))
        if in_front is not None and because:
            since_ms = min(wait.since_ms for wait in because)
            waits.append(
                Wait(
                    code=WaitCode.BATCH,
                    args={"batch_id": in_front.batch_id, "blocked_by": in_front.id},
                    since_ms=max(since_ms, task.submitted_at_ms),
                    queue=task.queue,
                    task_id=task.id,
                    because=because,
                )
            )
        return waits

    def _for_place(self, task: Task) -> Wait | None:
        if not self._resources.any_occupied:
            # nearly always, and each poll of a waiting task asks
            return None
        return self._resources.wait_of(task.queue, self._settings.places_of(task))
