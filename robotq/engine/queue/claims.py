"""Changes of the tasks for robots, by their executors: claimed, recorded, ended, given back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

from msgspec.structs import replace

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import LockedTasks
from robotq.engine.events.rows import cancelled_with, saving_end, task_event
from robotq.engine.holds.board import HoldBoard
from robotq.engine.holds.writer import HoldWriter, Writing
from robotq.engine.queue.ending import Ending
from robotq.engine.queue.running_task import RunningTask
from robotq.engine.queue.step_recorder import Report
from robotq.engine.queue.turns import Turns
from robotq.engine.settings import Settings
from robotq.engine.state.resources import Resources
from robotq.engine.state.robot_queue import RobotQueue
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.expiry import ended_by_expiry
from robotq.engine.waiting.fitting import hold_args
from robotq.engine.waiting.repeats import Repeats
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode, Occupancy
from robotq.model.json.safe import plain
from robotq.model.task import Asked, Task, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import AppendEvent, DropOccupancy, Mutation, SaveTask

_log = logging.getLogger(__name__)

_NO_HOLDS: AbstractAsyncContextManager[Writing | None] = nullcontext()


class Claims:
    """The part of the `TaskQueue` that is about running tasks of robots. The same promises:
    every change is a transition, and is on disk before it is visible here or told to anyone.

    A claim raises the fence of its task; what comes with an older one is refused.
    """

    def __init__(
        self,
        *,
        commit: Commit,
        memory: TaskMemory,
        turns: Turns,
        holds: HoldBoard,
        hold_writer: HoldWriter,
        resources: Resources,
        repeats: Repeats,
        clock: WallClock,
        settings: Settings,
    ) -> None:
        self._commit = commit
        self._memory = memory
        self._turns = turns
        self._holds = holds
        self._hold_writer = hold_writer
        self._resources = resources
        self._repeats = repeats
        self._clock = clock
        self._settings = settings
        self.running = RunningTask(commit, resources, clock)

    # -- the next task -------------------------------------------------------------------------

    async def until_ready(self, queue: str) -> None:
        """Wait until a task of this queue may run."""
        robot_queue = self._memory.robot_queue(queue)
        # one moment for both looks: what becomes due between them is waited for
        while self._turns.next(robot_queue, now_ms := self._clock.now_ms()) is None:
            await self._tell_misfit(robot_queue)
            await robot_queue.changed(self._turns.look_again_s(robot_queue, now_ms))

    async def _tell_misfit(self, robot_queue: RobotQueue) -> None:
        """Hold the queue where it is the turn of a command that does not fit, until it is not."""
        found = self._turns.misfit(robot_queue)
        hold = self._holds.get(robot_queue.name, HoldCode.DOES_NOT_FIT)
        if found is not None:
            task, why = found
            args = hold_args(why)
            if hold is None or (hold.task_id, hold.args) != (task.id, plain(args)):
                self._holds.set(robot_queue.name, HoldCode.DOES_NOT_FIT, task_id=task.id, **args)
        elif hold is not None:
            await self.lift_when_possible(hold)

    async def claim(self, queue: str) -> Task | None:
        """Claim the next task of a queue durably. None where nothing may run any more, or the
        disk takes no writes."""
        robot_queue = self._memory.robot_queue(queue)
        task = self._turns.next(robot_queue)
        if task is None:
            return None
        async with self._commit.several() as changing:
            current = await changing.of(task.id)
            # while the lock was waited for, it may have been called off or overtaken
            if self._turns.next(robot_queue) is not current:
                return None
            if self._turns.expired(current):
                await self._expire(changing, current)
                return None
            claimed, mutations = self._turns.claim(current, self._clock.now_ms())
            return claimed if await self._commit.written(mutations, claimed) else None

    async def _expire(self, changing: LockedTasks, task: Task) -> None:
        expired = ended_by_expiry(task, self._clock.now_ms())
        rest = await self._cancelling_rest(changing, expired)
        following = self._repeats.following(expired)
        await self._commit.written([*saving_end(task, expired, "robotq"), *rest, *following])

    async def release(self, task: Task) -> None:
        """Give back a claim whose driver was never called. Waits for the disk, and keeps nobody
        from the task meanwhile."""
        while True:
            async with self._commit.of(task.id, patient=True) as current:
                released = transition(current, Action.RELEASE, fence=task.fence)
                now_ms = self._clock.now_ms()
                mutations: list[Mutation] = [
                    *self._resources.released(task.queue),
                    SaveTask(released, current),
                    task_event("task.released", released, now_ms, "robotq", before=current),
                ]
                if await self._commit.written(mutations):
                    crash_point(CrashPoint.RELEASED)
                    return
            await self._commit.disk.until_available()

    # -- the running task ----------------------------------------------------------------------

    async def end(
        self, task: Task, ending: Ending, report: Report, *, asked: Asked | None, claim_next: bool
    ) -> Task | None:
        """The same as `finish`, which writes what is refused for the sake of something that goes
        along, a report or the claim of the next task, once more by itself: how the command ended
        is known, and a fault of ours must not make it unknown."""
        try:
            return await self.finish(task, ending, report, asked=asked, claim_next=claim_next)
        except RobotqError:
            # the end was recorded otherwise already
            raise
        except Exception:  # noqa: BLE001 - whatever it is that the disk does not take
            _log.exception("%s ends without what it has reported last", task.id)
        return await self.finish(task, ending, report.alone(), asked=asked, claim_next=False)

    async def finish(
        self,
        task: Task,
        ending: Ending,
        report: Report | None = None,
        *,
        asked: Asked | None = None,
        claim_next: bool = True,
    ) -> Task | None:
        """Write how a running task ended and, in the same commit, claim the next one. `asked`:
        somebody had called it off.

        Waits for the disk where it takes no writes: a result is not lost. Returns the claimed
        task, or None when nothing can run right now.
        Raises RobotqError stale_claim, wrong_state: the end was recorded otherwise already.
        """
        report = report or Report()
        ended_at_ms = self._clock.now_ms()
        if ending.hold is not None:
            self._hold(task, ending.hold, ending)
        while True:
            # after an outage, everything that depends on others is looked at anew
            async with self._commit.several() as changing:
                current = await changing.of(task.id)
                ended = ending.of(
                    current, task.fence, ended_at_ms, step=report.step, changes=report.changes
                )
                if current.asked is None and asked is not None:
                    ended = replace(ended, asked=asked)
                rest = await self._cancelling_rest(changing, ended) if ended.contiguous else ()
                # in one transaction: no end of this kind is ever there without its hold
                held = ending.hold is not None
                async with self._hold_writer.along(patient=True) if held else _NO_HOLDS as holds:
                    # what it has stays, and what was taken for this command alone is free again
                    unused = () if ending.began else self._resources.released(ended.queue)
                    claimed: Task | None = None
                    claim: Sequence[Mutation] = ()
                    if claim_next and not rest:
                        claimed, claim = self._claim_along(changing, ended.queue)
                    crash_point(CrashPoint.FINISH)
                    mutations = [
                        *map(AppendEvent, report.events),
                        *report.occupancies,
                        *saving_end(current, ended, ending.actor),
                        *rest,
                        *self._repeats.following(ended),
                        *self._left(ended, claimed, ending, unused),
                        *claim,
                    ]
                    if await self._commit.written(mutations, claimed, holds):
                        crash_point(CrashPoint.FINISHED)
                        return claimed
            await self._commit.disk.until_available()

    def _hold(self, task: Task, code: HoldCode, ending: Ending) -> None:
        self._holds.set(task.queue, code, task_id=task.id, actor=ending.actor, **ending.hold_args)

    async def _cancelling_rest(self, changing: LockedTasks, failed: Task) -> list[Mutation]:
        """The first failure in a contiguous batch cancels what is left of it."""
        if not failed.contiguous or failed.batch_id is None or failed.state is TaskState.COMPLETED:
            return []
        mutations: list[Mutation] = []
        for waiting in self._memory.robot_queue(failed.queue).batch(failed.batch_id):
            if waiting.id == failed.id:
                continue
            current = await changing.of(waiting.id)
            # while its lock was waited for, somebody may have called it off
            if current.state is TaskState.PENDING:
                mutations += cancelled_with(current, failed)
        return mutations

    def _claim_along(
        self, changing: LockedTasks, queue: str
    ) -> tuple[Task | None, Sequence[Mutation]]:
        """The claim that can go into the same commit as the end of the running task."""
        now_ms = self._clock.now_ms()
        following = self._turns.after_running(self._memory.robot_queue(queue), now_ms)
        # one that somebody is changing right now is left to the ordinary claim
        if following is None or self._turns.expired(following) or not changing.take(following.id):
            return None, ()
        return self._turns.claim(following, now_ms)

    # -- the places of robots ------------------------------------------------------------------

    def _left(
        self, ended: Task, claimed: Task | None, ending: Ending, unused: Sequence[DropOccupancy]
    ) -> list[DropOccupancy]:
        """The resources that a command which ended for certain does not need any more."""
        if not self._resources.holds_any(ended.queue) or not ending.certain:
            return []
        following = self._settings.places_of(claimed) if claimed is not None else ()
        if not ending.began:
            needed = self._resources.of(following)
            return [drop for drop in unused if drop.resource not in needed]
        return self._resources.ended(ended.queue, self._settings.places_of(ended), following)

    def robot_stands(self, robot: str, place: str) -> list[Mutation]:
        """What to write when a robot whose link is new reports its place.

        It holds nothing else any more, unless nobody knows how its last command ended, or it is
        still to be asked for that.
        """
        mutations = self._resources.moved(robot, place, (), self._clock.now_ms())
        unsettled = self._memory.robot_queue(robot).running is not None
        if not unsettled and not self._holds.has(robot, HoldCode.OUTCOME_UNKNOWN):
            mutations += self._resources.ended(robot, (), ())
        return mutations

    async def release_resource(self, occupancy: Occupancy, event: Event) -> None:
        """A person takes a resource from a robot. Raises RobotqError store_unavailable."""
        resource = occupancy.resource
        drop = self._resources.release(occupancy)
        try:
            await self._commit.write([drop, AppendEvent(event)])
        finally:
            self._resources.released_by_person(resource)
            self._memory.wake_robots()

    async def lift_when_possible(
        self, hold: Hold, mutations: Sequence[Mutation] = (), *, actor: str = "robotq"
    ) -> None:
        """Lift a hold, and write with that what has happened at its robot. Waits for the disk."""
        while True:
            async with self._hold_writer.along((hold,), actor, patient=True) as holds:
                if await self._commit.written(mutations, holds=holds):
                    return
            await self._commit.disk.until_available()
