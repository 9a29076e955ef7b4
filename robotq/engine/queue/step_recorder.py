"""Collects what a running command reports, and brings it to the disk without holding it up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from robotq.engine.artifacts.keeping import Keeper, Keeping
from robotq.engine.state.resources import Resources
from robotq.engine.timings import Timings
from robotq.model.carried.artifact import Artifact
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.task import DeviceRun, Question, Step, StepState, Task
from robotq.store.port import DropOccupancy, Mutation, SaveOccupancy

_log = logging.getLogger(__name__)

_MAX_STEPS = 2_000
"""Steps kept with a task; of a command with more, the first ones are."""

_MAX_EVENTS = 5_000
"""Events that wait for the disk; of more, the first ones are kept."""

_AT_LEAST = frozenset({"waiting_for", "artifacts", "simulated"})

_FAULTS = 3
"""Reports in a row that are refused before no more are written until the end of the command."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a running command has reported and is not on disk yet."""

    changes: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """Steps, progress, partial result and question of the task."""
    events: Sequence[Event] = ()
    occupancies: Sequence[Mutation] = ()
    """What follows from the robot's moves."""
    step: str | None = None
    """The step that runs, or that failed last."""

    def alone(self) -> Report:
        """What the end of the command needs at least: its files, where the robot stands now, and
        that it asks nothing any more."""
        changes = {key: value for key, value in self.changes.items() if key in _AT_LEAST}
        return Report(changes=changes, occupancies=self.occupancies)


class Recorder:
    """The reports of one run. Belongs to the loop.

    Reports are written in the background, several in one commit where they come fast. While
    the disk takes no writes, or refuses them for whatever reason, they wait here, and go with the
    end of the command, which does not hang on them.
    """

    def __init__(
        self,
        task: Task,
        write: Callable[[Task, Report], Awaitable[None]],
        resources: Resources,
        clock: WallClock,
        *,
        places: Sequence[str],
        simulated: bool,
        timings: Timings,
        keeper: Keeper,
    ) -> None:
        """`write` brings a report to the disk, or raises, e.g. RobotqError store_unavailable;
        `places` are those that the command goes to."""
        self._task = task
        self._write_report = write
        self._resources = resources
        self._clock = clock
        self._places = places
        self._simulated = simulated
        self._timings = timings
        self._steps: list[Step] = []
        self._progress: float | None = None
        self._partial: dict[str, Any] | None = None
        self._question: Question | None = None
        self._artifacts: dict[int, Artifact] = {}
        self._keeper = keeper
        self._keeping: Keeping | None = None
        """There once a file was left: few commands leave any."""
        self._over = False
        self._loop = asyncio.get_running_loop()
        self._events: list[Event] = []
        self._occupancies: dict[str, Mutation] = {}
        """By resource: only what was last is worth writing."""
        self._dirty = False
        self._ended = False
        self._writing: _Writing | None = None
        """There once something was reported: many commands report nothing."""
        self.run: Callable[[], DeviceRun] | None = None
        """How its device knows the run, as of now; None where it has no id."""

    # -- reports -----------------------------------------------------------------------------

    def step_started(self, index: int, name: str, detail: dict[str, Any], at_ms: int) -> None:
        if index < _MAX_STEPS:
            step = Step(name=name, state=StepState.RUNNING, started_at_ms=at_ms, detail=detail)
            self._steps.append(step)
            self._report("task.step", at_ms, {**detail, "step": name, "state": "running"})

    def step_ended(self, index: int, completed: bool, duration_s: float, at_ms: int) -> None:
        if index < len(self._steps):
            state = StepState.COMPLETED if completed else StepState.FAILED
            step = replace(self._steps[index], state=state, duration_s=round(duration_s, 3))
            self._steps[index] = step
            data = {"step": step.name, "state": state.value, "duration_s": step.duration_s}
            self._report("task.step", at_ms, data)

    def progressed(self, fraction: float) -> None:
        # a number of another library is none for the disk
        self._progress = float(min(1.0, max(0.0, fraction)))
        self._touch()

    def found(self, partial: dict[str, Any]) -> None:
        self._partial = partial
        self._touch()

    def keep(self, name: str, media_type: str, data: bytes, *, needed: bool) -> str:
        """See `CommandContext.artifact`. On the driver's thread, unlike all others here."""
        if self._keeping is None:
            before = tuple(self._artifacts.values())
            self._keeping = self._keeper(self._loop, self.kept, before)
            if self._over:
                # the driver comes back late, and nobody will name what it leaves
                self._keeping.release()
        return self._keeping.keep(name, media_type, data, needed=needed)

    def _files(self) -> tuple[Artifact, ...]:
        return tuple(self._artifacts[one] for one in sorted(self._artifacts))

    def release(self) -> None:
        """The driver has come back, and the end is on disk, with the files that it names."""
        if self._keeping is not None:
            self._keeping.release()

    def kept(self, number: int, artifact: Artifact) -> None:
        """A file of the command is on disk, or will never be; `number`: which one, from 0."""
        if self._artifacts.get(number) == artifact:
            return
        self._artifacts[number] = artifact
        data = {"name": artifact.name, "media_type": artifact.media_type, "size": artifact.size}
        if artifact.not_kept is not None:
            data["not_kept"] = artifact.not_kept
        self._report("task.artifact", self._clock.now_ms(), data)

    def moved(self, place: str | None) -> None:
        """Followed to the very end, also when the command's own end is recorded already."""
        for mutation in self._resources.moved(
            self._task.queue, place, self._places, self._clock.now_ms()
        ):
            self._occupancies[_resource_of(mutation)] = mutation
            self._touch(urgent=True)

    def asked(self, question: Question) -> None:
        self._question = question
        data = {
            **question.args,
            "prompt": question.prompt,
            "answered_by": question.answered_by,
        }
        self._report("task.question", question.asked_at_ms, data)

    def asking_ended(self) -> None:
        self._question = None
        self._touch(urgent=True)

    # -- a run that is followed again ----------------------------------------------------------

    def goes_on(self, task: Task) -> None:
        """Take over what was reported of this run before the daemon was started."""
        self._steps = list(task.steps)
        self._progress = task.progress
        self._partial = None if task.partial is None else dict(task.partial)
        self._artifacts = dict(enumerate(task.artifacts))

    @property
    def steps(self) -> Sequence[Step]:
        return self._steps

    def end_steps(self, *, completed: bool, now_ms: int) -> None:
        """The command has ended unseen, and its open steps with it."""
        for index, step in enumerate(self._steps):
            if step.state is StepState.RUNNING:
                duration_s = max(0, now_ms - step.started_at_ms) / 1000
                self.step_ended(index, completed, duration_s, now_ms)

    # -- writing -----------------------------------------------------------------------------

    async def close(self) -> Report:
        """End the writing. Returns what is not on disk, to go into the commit that ends the
        task. Raises nothing that came of the writing."""
        self._over = True
        if self._keeping is not None:
            await self._keeping.settle()
        self.end()
        if self._writing is not None:
            await self._writing.task
        self._question = None
        return self._take()

    def end(self) -> None:
        """Write nothing more by itself."""
        self._ended = True
        if self._writing is not None:
            self._writing.ended.set()
            self._writing.urgent.set()

    def late_moves(self) -> Sequence[Mutation]:
        """What follows from moves that were reported after `close`."""
        return self._take().occupancies if self._occupancies else ()

    def _report(self, kind: str, at_ms: int, data: Mapping[str, Any]) -> None:
        task = self._task
        if len(self._events) < _MAX_EVENTS:
            self._events.append(
                Event(
                    kind=kind,
                    at_ms=at_ms,
                    actor="robotq",
                    api=task.api,
                    robot=task.queue,
                    task_id=task.id,
                    data=data,
                )
            )
        self._touch(urgent=True)

    def _touch(self, *, urgent: bool = False) -> None:
        self._dirty = True
        writing = self._writing
        if not self._ended and (writing is None or writing.task.done()):
            writing = self._writing = _Writing(self._write, f"record {self._task.id}")
        if urgent and writing is not None:
            writing.urgent.set()

    async def _write(self, urgent: asyncio.Event, ended: asyncio.Event) -> None:
        faults = 0
        while self._dirty and faults < _FAULTS and not ended.is_set():
            self._dirty = False
            urgent.clear()
            report = self._take()
            try:
                await self._write_report(self._task, report)
                crash_point(CrashPoint.STEP_RECORDED)
            except Exception as error:  # noqa: BLE001 - how the command ends does not hang on it
                out = isinstance(error, RobotqError) and error.code.name == "store_unavailable"
                if not out:
                    faults += 1
                    _log.exception("what %s reports is not on disk", self._task.id)
                self._put_back(report)
                await _either(ended, self._timings.report_again_s)
            else:
                faults = 0
                await _either(urgent, self._timings.progress_s)
        # a new report begins no other one
        self._ended = self._ended or faults >= _FAULTS

    def _take(self) -> Report:
        if self._writing is None and not self._dirty:
            return Report(changes={"simulated": self._simulated})
        report = Report(
            changes={
                "steps": tuple(self._steps),
                "progress": self._progress,
                "partial": self._partial,
                "waiting_for": self._question,
                "artifacts": self._files() if self._artifacts else (),
                "simulated": self._simulated,
            },
            events=self._events,
            occupancies=tuple(self._occupancies.values()),
            step=self._current_step(),
        )
        self._events, self._occupancies = [], {}
        if self.run is not None:
            report = replace(report, changes={**report.changes, "run": self.run()})
        return report

    def _put_back(self, report: Report) -> None:
        self._events = [*report.events, *self._events][:_MAX_EVENTS]
        older = {_resource_of(mutation): mutation for mutation in report.occupancies}
        self._occupancies = {**older, **self._occupancies}
        self._dirty = True

    def _current_step(self) -> str | None:
        for step in reversed(self._steps):
            if step.state is not StepState.COMPLETED:
                return step.name
        return None


def _resource_of(mutation: Mutation) -> str:
    match mutation:
        case SaveOccupancy(occupancy):
            return occupancy.resource
        case DropOccupancy(resource):
            return resource
        case _:
            raise TypeError(mutation)


class _Writing:
    """What brings the reports to the disk, and what wakes it."""

    __slots__ = ("ended", "task", "urgent")

    def __init__(
        self, write: Callable[[asyncio.Event, asyncio.Event], Coroutine[Any, Any, None]], name: str
    ) -> None:
        self.urgent, self.ended = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(write(self.urgent, self.ended), name=name)


async def _either(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for the event, or until the time is up."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
