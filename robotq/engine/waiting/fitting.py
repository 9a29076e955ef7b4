"""Which waiting commands no longer fit what the operator has configured since."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from robotq.catalog import Kind
from robotq.engine.settings import Settings
from robotq.engine.state.robot_queue import RobotQueue
from robotq.engine.state.tasks import TaskMemory
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.task import Task, TaskState

_TOLD = 20
"""Tasks that an answer or a line of the log names."""


class Misfits(msgspec.Struct, frozen=True, kw_only=True):
    """How many commands do not fit, and the first of them with the reason."""

    number: int = 0
    first: Sequence[tuple[Task, RobotqError]] = ()

    @property
    def line(self) -> str:
        """In a sentence."""
        told = [
            f"{task.queue}: {task.id} {task.command.cmd_type}: {why}" for task, why in self.first
        ]
        more = f" and {self.number - len(told)} more" if self.number > len(told) else ""
        commands = "command does" if self.number == 1 else "commands do"
        return f"{self.number} waiting {commands} not fit any more: {'; '.join(told)}{more}"


_Key = tuple[str, str]
"""Task and robot: what does not fit one robot may fit another."""


class Look(msgspec.Struct, frozen=True):
    """What a look through the waiting commands has found."""

    seen: frozenset[str] = frozenset()
    found: Mapping[_Key, RobotqError] = msgspec.field(default_factory=dict)


def why_misfit(settings: Settings, task: Task) -> RobotqError | None:
    """Why a command could not be accepted today; None where it could, and where its robot is not
    configured, which is another matter."""
    if task.work is not None or task.queue not in settings.config.robots:
        return None
    try:
        spec = settings.spec_of(task)
        if spec.kind is not Kind.QUEUED:
            raise RobotqError(
                "bad_parameter", field="cmd_type", reason=f"{spec.cmd_type} acts at once now"
            )
        if spec.robots and task.queue not in spec.robots:
            able = ", ".join(spec.robots)
            raise RobotqError(
                "bad_parameter", field="robot_id", reason=f"{spec.cmd_type} is done by {able}"
            )
        settings.known.check_robot(spec, task.queue, settings.config.robots)
        settings.known.check_places(settings.catalog, spec, task.command.params, task.queue)
    except RobotqError as error:
        return error
    return None


def look_through(settings: Settings, tasks: Iterable[Task]) -> Look:
    """Look at all of these; with thousands of them it takes a while."""
    listed = list(tasks)
    found = {_key(task): why for task in listed if (why := why_misfit(settings, task)) is not None}
    return Look(frozenset(task.id for task in listed), found)


def misfits_of(look: Look, waiting: Iterable[Task]) -> Misfits:
    """Those that a look has found among what waits, in the order in which they came."""
    found = [(task, why) for task in waiting if (why := look.found.get(_key(task))) is not None]
    found.sort(key=lambda one: one[0].seq)
    return Misfits(number=len(found), first=found[:_TOLD])


class Fitting:
    """Keeps which waiting commands do not fit.

    Such a command is never begun, and what waits behind it keeps its order: its queue stops
    when its turn comes, until somebody calls it off or puts the configuration right. A command
    fits when it is accepted, so only a start and a reload have to look through all.
    """

    def __init__(self, memory: TaskMemory, settings: Settings) -> None:
        self._memory = memory
        self._settings = settings
        self._misfits: dict[_Key, RobotqError] = {}

    async def look(self, settings: Settings | None = None) -> Look:
        """Look through what waits, by other settings than those in force where they are given.
        Changes nothing."""
        waiting = self._waiting()
        return await asyncio.to_thread(look_through, settings or self._settings, waiting)

    def take(self, look: Look) -> None:
        """Its settings are in force from now on."""
        late = [task for task in self._waiting() if task.id not in look.seen]
        self._misfits = {**look.found, **look_through(self._settings, late).found}

    def found(self, task: Task, why: RobotqError) -> None:
        """One that was claimed shows not to fit."""
        self._misfits[_key(task)] = why

    @property
    def all_fit(self) -> bool:
        return not self._misfits

    def why(self, task: Task) -> RobotqError | None:
        """Why it does not fit; None where it does."""
        return self._misfits.get(_key(task))

    def in_the_way(self, robot_queue: RobotQueue, task: Task) -> tuple[Task, RobotqError] | None:
        """What keeps a task from its turn: that it does not fit, or another one of its contiguous
        batch, which would stop in the middle."""
        if not self._misfits:
            return None
        batch = task.batch_id if task.contiguous else None
        for one in [task] if batch is None else [task, *robot_queue.batch(batch)]:
            why = self._misfits.get(_key(one))
            if why is not None:
                return one, why
        return None

    def misfits(self) -> Misfits:
        """Those that wait now, in the order in which they came."""
        waiting = [
            (task, why)
            for (task_id, queue), why in self._misfits.items()
            if (task := self._memory.get(task_id)) is not None
            and (task.queue, task.state) == (queue, TaskState.PENDING)
        ]
        if len(waiting) < len(self._misfits):
            self._misfits = {_key(task): why for task, why in waiting}
        waiting.sort(key=lambda one: one[0].seq)
        return Misfits(number=len(waiting), first=waiting[:_TOLD])

    def _waiting(self) -> list[Task]:
        return [task for robot_queue in self._memory.robot_queues.values() for task in robot_queue]


def _key(task: Task) -> _Key:
    return task.id, task.queue


def hold_args(why: RobotqError) -> JsonObject:
    """What a hold or a wait says of it: the reason in English, and what renders it anew."""
    return {"reason": str(why), "error": why.code.name, "error_args": dict(why.args_)}
