"""What the engine keeps besides tasks, holds and places, for whoever compares it with the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from robotq.engine.commit.locks import Locks
from robotq.engine.robot.robot import Robot
from robotq.engine.settings import Settings
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.expiry import Expiry
from robotq.engine.waiting.repeats import Repeats
from robotq.engine.why import Why
from robotq.model.hold import WaitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """At one moment."""

    expires_ms: Mapping[str, int]
    """Waiting task -> when it fails if it was not started."""
    due_ms: Mapping[str, int]
    """Task of workers -> when its lease or deadline is looked at."""
    repeats: Mapping[str, str]
    """First run of a series -> the run that waits or runs."""
    changing: Sequence[str]
    """Tasks that somebody is changing, or waits to change."""
    needs: Mapping[str, Sequence[str]]
    """Running command -> the resources that it needs."""
    idle: Mapping[str, str]
    """Resource -> the robot that has it, though it rests, stands elsewhere, and says so."""
    starting: Sequence[str]
    """Tasks that nothing keeps from beginning. Where one is still among them a second later,
    nobody has woken whoever begins it."""


class Audit:
    """Looks at what is kept, and changes nothing."""

    def __init__(
        self,
        *,
        robots: Mapping[str, Robot],
        memory: TaskMemory,
        resources: Resources,
        settings: Settings,
        why: Why,
        expiry: Expiry,
        repeats: Repeats,
        locks: Locks,
    ) -> None:
        self._robots = robots
        self._memory = memory
        self._resources = resources
        self._settings = settings
        self._why = why
        self._expiry = expiry
        self._repeats = repeats
        self._locks = locks

    def kept(self) -> Kept:
        """Costs as much as the tasks that have not ended; for a person who looks, and no loop."""
        settings, resources = self._settings, self._resources
        running = [task for task in self._memory.running() if task.work is None]
        return Kept(
            expires_ms=dict(self._expiry.armed),
            due_ms={
                task_id: due_ms
                for worker_queue in self._memory.worker_queues.values()
                for task_id, due_ms in worker_queue.armed.items()
            },
            repeats=dict(self._repeats.running),
            changing=self._locks.keys,
            needs={task.id: sorted(resources.of(settings.places_of(task))) for task in running},
            idle={
                occupancy.resource: occupancy.robot
                for occupancy in resources.occupied()
                if occupancy.robot in self._robots
                and not len(self._memory.robot_queue(occupancy.robot))
                and resources.stands_elsewhere(occupancy)
            },
            starting=[
                reason.task_id
                for standing in self._why.all()
                for reason in standing.reasons
                if reason.code is WaitCode.STARTING and reason.task_id is not None
            ],
        )
