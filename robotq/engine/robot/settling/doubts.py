"""Commands of one robot that nobody has watched to their end, from the loss to the settlement."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from robotq.drivers.base import LinkLost, UncertainOutcome
from robotq.drivers.settling import LeftRunning, RunState, Settled
from robotq.engine.queue.ending import Ending, StopRequest
from robotq.engine.queue.step_recorder import Recorder
from robotq.engine.robot.deps import ExecutorDeps
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.robot.run import Run
from robotq.engine.robot.settling import in_doubt
from robotq.engine.robot.settling.attached import AttachedContext
from robotq.engine.robot.settling.in_doubt import DAEMON_DIED, Doubt, Settling
from robotq.engine.robot.settling.wishes import Wishes
from robotq.model.clock import MotionClock
from robotq.model.hold import HoldCode
from robotq.model.task import Task

_log = logging.getLogger(__name__)

ATTEMPTS = 3
"""Starts of one command that may end with the daemon or the link, where it goes back to waiting by
itself. After that it may be the command that ends them."""
_ROUNDS = 3
"""How often one command may be followed again over the same link."""


class Hands(Protocol):
    """What has the commands of a robot in hand: its executor."""

    link_lost: Callable[[str], None]

    @property
    def at_end(self) -> Callable[..., Awaitable[None]]: ...
    async def follow(self, doubt: Doubt) -> Run: ...
    async def end(self, run: Run) -> Task | None: ...
    def by_policy(self, ending: Ending, request: StopRequest | None) -> Ending: ...


class Doubts:
    """One at a time, as a robot has one command at a time."""

    def __init__(
        self,
        robot: str,
        host: DriverHost,
        motion: MotionClock,
        executor: Hands,
        *,
        wishes: Wishes,
        deps: ExecutorDeps,
    ) -> None:
        self._robot = robot
        self._host = host
        self._motion = motion
        self._executor = executor
        self._wishes = wishes
        self._deps = deps
        self._settling = Settling(robot, host, deps.settings.timings, executor.link_lost)
        self.now: Doubt | None = None
        self.links = 0
        """How many links have been made."""
        self._owed = False
        """What was to be stopped has ended otherwise, and nobody has told its device."""
        self._telling: set[asyncio.Task[None]] = set()
        self._handed_over: Doubt | None = None
        self.left: Task | None = None
        """What runs on at its device while the daemon ends."""

    @property
    def task(self) -> Task | None:
        return self.now.task if self.now is not None else None

    @property
    def late(self) -> asyncio.Future[Settled] | None:
        """A question that the driver has not come back from in time."""
        return self._settling.late

    # -- the link ------------------------------------------------------------------------------

    def connected(self) -> None:
        self.links += 1
        self._settling.connected(self.links)

    def disconnected(self) -> None:
        self._settling.disconnected()

    async def stop_what_is_owed(self) -> None:
        """Over a new link, before anything goes on: what was to be stopped while there was none."""
        if self._owed and self.now is None:
            self._owed = False
            await self._stop()

    def hand_over(self, answer: Settled) -> bool:
        """Another daemon has what is in doubt, and asks the device itself. Whether anything is."""
        if self.now is not None and self.now is not self._handed_over:
            self._handed_over = self.now
            self._settling.answer(answer)
        return self.now is not None

    # -- how a doubt arises --------------------------------------------------------------------

    def of_the_run_before(self, task: Task) -> None:
        """Before anything else, the device is asked for this."""
        deps = self._deps
        assert task.run is not None
        recorder = Recorder(
            task,
            deps.claims.running.record,
            deps.resources,
            deps.clock,
            places=deps.settings.places_of(task),
            simulated=self._host.capabilities.simulated,
            timings=deps.settings.timings,
            keeper=deps.keeper,
        )
        recorder.goes_on(task)
        self._settling.forget()
        latch = deps.holds.get(self._robot, HoldCode.ESTOP)
        self.now = Doubt(
            task,
            recorder,
            task.run,
            deps.settings.catalog.get(task.command.cmd_type),
            cause=DAEMON_DIED,
            links=self.links,
            request=in_doubt.wanted_before(task, latch, deps.clock.now_ms()),
        )

    async def arise(self, run: Run) -> bool:
        """Whether the driver has lost sight of a run that its device knows by an id on disk."""
        naming = run.naming
        if naming is None or not run.back.done() or run.back.cancelled():
            return False
        error = run.back.exception()
        if not isinstance(error, UncertainOutcome) or await naming.all_written() is None:
            return False
        request = run.request
        if request is None and (asked := self._wishes.wanted(run.task.id)) is not None:
            # it came while the id was being written
            request = in_doubt.request_of(asked)
        self._settling.forget()
        self.now = Doubt(
            run.task,
            run.recorder,
            naming.now(),
            run.spec,
            cause=error.cause,
            reason=error.reason,
            links=run.links,
            request=request,
        )
        if isinstance(error, LeftRunning):
            self.end()
        elif isinstance(error, LinkLost):
            self._executor.link_lost(error.reason)
        return True

    # -- how it is settled ---------------------------------------------------------------------

    async def settle(self) -> Task | None:
        """Bring it to its end by what its device says. The next task, if it was claimed along."""
        rounds, links = 0, self.links
        while True:
            doubt = self.now
            assert doubt is not None
            rounds, links = (rounds + 1 if self.links == links else 0), self.links
            # over one link it may be found running, and lost sight of again, only so often
            answer = (
                await self._asked(doubt) if rounds <= _ROUNDS else Settled.unknown(doubt.reason)
            )
            if answer is None:
                await self._leave(doubt)
                return None
            if answer.state is not RunState.RUNNING:
                return await self._ended(doubt, answer)
            if doubt.request is not None:
                # what was to be stopped is stopped before it is followed again
                await self._stop()
            run = await self._executor.follow(doubt)
            if not await self.arise(run):
                return await self._executor.end(run)

    async def _asked(self, doubt: Doubt) -> Settled | None:
        if self._settling.ending.is_set():
            return None
        deps, task, run_id = self._deps, doubt.task, doubt.run.id
        cause = f"cause.{doubt.cause}"
        self._tell(task, "task.in_doubt", run_id=run_id, cause=cause, reason=doubt.reason)
        context = AttachedContext(
            task,
            doubt.recorder,
            motion=self._motion,
            clock=deps.clock,
            loop=asyncio.get_running_loop(),
            asking=lambda _: None,
            program=doubt.spec.program(task.queue),
        )
        left_s = doubt.spec.timeout_s - doubt.worked_s(deps.clock.now_ms())
        limit_s = max(left_s, deps.settings.timings.in_doubt_s)
        answer = await self._settling.ask(doubt, context, limit_s)
        if answer is not None:
            state = answer.state.value
            told = "is followed again" if answer.state is RunState.RUNNING else state
            why = f": {answer.reason}" if answer.reason else ""
            _log.info(
                "%s: %s %s, as its device says of run %s%s",
                self._robot, task.id, told, run_id, why,
            )  # fmt: skip
            self._tell(task, "task.settled", run_id=run_id, state=state, reason=answer.reason)
        return answer

    def _tell(self, task: Task, kind: str, **data: str) -> None:
        """In the background: a stop waits for no disk."""
        telling = asyncio.create_task(self._told(task, kind, **data), name=kind)
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _told(self, task: Task, kind: str, **data: str) -> None:
        try:
            await self._deps.claims.running.tell(task, kind, **data)
        except Exception:  # noqa: BLE001 - nothing follows from it, and nobody waits for its result
            _log.exception("%s: not in the journal: %s", task.id, kind)

    async def _all_told(self) -> None:
        if self._telling:
            await asyncio.wait(set(self._telling))

    async def _stop(self) -> None:
        latched = self._deps.holds.has(self._robot, HoldCode.ESTOP)
        stop = self._host.emergency_stop() if latched else self._host.stop()
        stopping = asyncio.ensure_future(stop)
        limit_s = self._deps.settings.config.limits.stop_timeout_s
        await asyncio.wait({stopping}, timeout=limit_s)
        if stopping.done() and (error := stopping.exception()) is not None:
            _log.error("%s: a stop raised %r", self._robot, error)

    async def _ended(self, doubt: Doubt, answer: Settled) -> Task | None:
        deps, task = self._deps, doubt.task
        await self._all_told()
        if self._waits_again(doubt, answer):
            await doubt.recorder.close()
            self.now = None
            reason = answer.reason or "reason.never_started"
            await self._wishes.requeue(task, run_id=doubt.run.id, reason=reason)
            return None
        ending = in_doubt.ending_of_settled(answer, doubt)
        if answer.state is RunState.UNKNOWN and doubt.request is not None:
            # whatever it does: at once, or as soon as it is there again
            self._owed = not self._settling.up
            if not self._owed:
                await self._stop()
        certain = ending.error is None
        doubt.recorder.end_steps(completed=certain, now_ms=deps.clock.now_ms())
        await self._executor.at_end(completed=certain)
        report = await doubt.recorder.close()
        self.now = None
        return await deps.claims.end(
            task,
            self._executor.by_policy(ending, doubt.request),
            report,
            asked=self._wishes.asked(task.id),
            # the driver takes no other command before it has come back
            claim_next=self.late is None or self.late.done(),
        )

    def _waits_again(self, doubt: Doubt, answer: Settled) -> bool:
        """It has never begun, or may run twice. The attempts are counted on disk."""
        if doubt.request is not None or doubt.task.attempt >= ATTEMPTS:
            return False
        if answer.state is RunState.NEVER_STARTED:
            return True
        unknown = answer.state is RunState.UNKNOWN and doubt.cause == DAEMON_DIED
        return unknown and self._deps.settings.idempotent(doubt.task)

    def give_up(self) -> None:
        """Somebody else ends what is in doubt."""
        if self.now is not None:
            self.now.recorder.end()
            self.now = None

    # -- the end of the daemon -----------------------------------------------------------------

    def end(self) -> None:
        """What is in doubt from now on is left to the next start."""
        self._settling.ending.set()

    async def _leave(self, doubt: Doubt) -> None:
        self.left = doubt.task
        await self._all_told()
        self.now = None
        try:
            report = await doubt.recorder.close()
            await self._deps.claims.running.record(doubt.task, report)
        except Exception as error:  # noqa: BLE001 - it runs on at its device, whatever it is
            _log.warning("%s: what was reported last is lost: %r", doubt.task.id, error)
