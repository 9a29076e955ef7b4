"""The loop that carries out one robot's queue, one command after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import jsonschema_rs

from robotq.catalog import CommandSpec
from robotq.drivers.base import (
    DriverError,
    LinkLost,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
)
from robotq.engine.context import PendingAnswer, RunContext
from robotq.engine.holds import HoldBoard
from robotq.engine.host import DriverHost
from robotq.engine.journal import Journal
from robotq.engine.limit import Limit
from robotq.engine.queue import Ending, TaskQueue
from robotq.engine.recorder import Recorder
from robotq.engine.resources import Resources
from robotq.engine.settings import Settings
from robotq.model.clock import MotionClock, WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import HoldCode
from robotq.model.json import JsonObject
from robotq.model.task import OUTCOME_UNKNOWN, Task, TaskError
from robotq.model.transitions import Action
from robotq.store.port import AppendEvent

_log = logging.getLogger(__name__)

_REPEAT_STOP_S = 0.5
"""A stop is sent again this often until the command has ended: the first one can meet a
driver that is just about to begin."""


class StopCause(StrEnum):
    CANCEL = "cancel"
    TIMEOUT = "timeout"
    STOP = "stop"
    ESTOP = "estop"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequest:
    cause: StopCause
    actor: str
    reason: str = ""


class _Run:
    """A command that is being carried out."""

    def __init__(self, task: Task, recorder: Recorder) -> None:
        self.task = task
        self.recorder = recorder
        self.context: RunContext | None = None
        self.limit: Limit | None = None
        self.question: PendingAnswer | None = None
        self.stop: asyncio.Future[StopRequest] = asyncio.get_running_loop().create_future()
        self.thaw: Callable[[], None] = lambda: None
        """Lets a virtual clock go on, which a request to stop has halted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorDeps:
    """What executors share."""

    queue: TaskQueue
    journal: Journal
    holds: HoldBoard
    resources: Resources
    clock: WallClock
    settings: Settings


class Executor:
    """Claims, runs, records; strictly one command at a time."""

    def __init__(
        self,
        robot: str,
        host: DriverHost,
        motion: MotionClock,
        link_lost: Callable[[str], None],
        deps: ExecutorDeps,
    ) -> None:
        self._robot = robot
        self._host = host
        self._motion = motion
        self._link_lost = link_lost
        self._deps = deps
        self._run_now: _Run | None = None
        self._called_off: tuple[str, StopRequest] | None = None
        self._motion_held = False
        self.idle = asyncio.Event()
        """Set while no claimed task is in this executor's hands."""
        self.idle.set()

    @property
    def running(self) -> Task | None:
        """The task whose command the driver has, or had a moment ago."""
        return self._run_now.task if self._run_now is not None else None

    async def run(self) -> None:
        """For ever: the next task, as long as the queue is not held."""
        following: Task | None = None
        while True:
            if following is None:
                self.idle.set()
                following = await self._deps.queue.claim(self._robot)
            self.idle.clear()
            task, following = following, None
            try:
                following = await self._carry_out(task)
            except Exception as error:  # noqa: BLE001 - ends the task, never the executor
                _log.exception("%s: the executor failed in %s", self._robot, task.id)
                await self._abandon(task, error)

    async def _abandon(self, task: Task, error: Exception) -> None:
        """A fault of our own: nobody knows how far the robot got, so a person has to look."""
        ending = _unknown("internal_error", f"{type(error).__name__}: {error}")
        try:
            await self._deps.queue.finish(task, ending, claim_next=False)
        except RobotqError as refused:
            _log.error("%s: %s was ended otherwise: %s", self._robot, task.id, refused)

    async def _carry_out(self, task: Task) -> Task | None:
        """Run a claimed task to its end. Returns the next one if it was claimed along."""
        crash_point(CrashPoint.CLAIMED)
        # a claim is no start: what has happened since it was committed counts
        called_off, self._called_off = self._called_off, None
        if called_off is not None and called_off[0] == task.id:
            return await self._deps.queue.finish(task, await self._stopped(called_off[1]))
        if self._deps.holds.held(self._robot):
            await self._deps.queue.release(task)
            return None
        recorder = Recorder(
            task,
            self._deps.queue,
            self._deps.resources,
            self._deps.clock,
            self._deps.settings.places_of(task),
        )
        run = self._run_now = _Run(task, recorder)
        future: asyncio.Future[JsonObject] | None = None
        try:
            spec = self._deps.settings.spec_of(task)
            if spec is None:
                # it was known when it was submitted; a reload has taken its spec away
                ending = _failed("unknown_command", {"cmd_type": task.command.cmd_type})
            else:
                future = self._start(run, spec)
                ending = await self._end_of(run, future)
            changes, events = await recorder.close()
        finally:
            self._run_now = None
        following = await self._deps.queue.finish(
            task,
            self._with_record(ending, changes, events, recorder),
        )
        if future is not None and not future.done():
            await self._until_back(task, future)
        return following

    def _with_record(
        self, ending: Ending, changes: dict[str, Any], events: list[Event], recorder: Recorder
    ) -> Ending:
        error = ending.error
        if error is not None and error.step is None:
            error = TaskError(code=error.code, args=error.args, step=recorder.current_step())
        hold = ending.hold
        if (
            hold is None
            and ending.action is Action.FAIL
            and ending.certain
            and self._deps.settings.config.robots[self._robot].on_failure == "hold"
        ):
            hold = HoldCode.FAILURE
        return Ending(
            action=ending.action,
            result=ending.result,
            error=error,
            hold=hold,
            hold_args=ending.hold_args,
            actor=ending.actor,
            changes={
                **changes,
                "waiting_for": None,
                "simulated": self._host.capabilities.simulated,
            },
            events=events,
            occupancies=recorder.occupancies(),
        )

    # -- one run -----------------------------------------------------------------------------

    def _start(self, run: _Run, spec: CommandSpec) -> asyncio.Future[JsonObject]:
        context = run.context = RunContext(
            run.task,
            run.recorder,
            motion=self._motion,
            clock=self._deps.clock,
            loop=asyncio.get_running_loop(),
            asking=lambda pending: self._asking(run, pending),
        )
        run.limit = Limit(
            self._motion,
            spec.timeout_s,
            lambda: self._out_of_time(spec.timeout_s),
        )
        if self._motion_held:
            run.limit.pause("hold")
        command = run.task.command
        if spec.handler == "manual_step":
            return self._host.execute(lambda: _manual_step(command.params, context, spec.timeout_s))
        driver = self._host.driver
        return self._host.execute(lambda: driver.execute(command, context))

    def _out_of_time(self, timeout_s: float) -> None:
        self.request_stop(StopCause.TIMEOUT, actor="robotq", reason=f"{timeout_s:g}")

    async def _end_of(self, run: _Run, future: asyncio.Future[JsonObject]) -> Ending:
        waited: set[asyncio.Future[Any]] = {future, run.stop}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        request = run.stop.result() if run.stop.done() else None
        if not future.done() and request is not None:
            await self._stop(run, future, request)
        run.thaw()
        assert run.limit is not None
        run.limit.cancel()
        if not future.done():
            assert request is not None
            return _unknown("stop_unconfirmed", request.cause.value, actor=request.actor)
        return await self._read(run, future, request)

    async def _stop(
        self, run: _Run, future: asyncio.Future[JsonObject], request: StopRequest
    ) -> None:
        """Send the stop until the command has ended or the time to confirm is over."""
        assert run.context is not None
        run.context.stopping = True
        self._motion.notify()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._deps.settings.config.limits.stop_timeout_s
        while not future.done() and loop.time() < deadline:
            wait_s = min(_REPEAT_STOP_S, max(0.0, deadline - loop.time()))
            stopping = asyncio.ensure_future(self._send_stop(run, request))
            await asyncio.wait({future}, timeout=wait_s)
            if not future.done() and not stopping.done():
                stopping.cancel()

    async def _send_stop(self, run: _Run, request: StopRequest) -> None:
        try:
            await self._host.stop()
            run.thaw()
        except Exception as error:  # noqa: BLE001 - drivers from elsewhere may raise anything
            _log.error("%s: stop (%s) raised %r", self._robot, request.cause, error)

    async def _read(
        self, run: _Run, future: asyncio.Future[JsonObject], request: StopRequest | None
    ) -> Ending:
        """What the driver's return or exception means."""
        try:
            result = future.result()
        except Stopped:
            return await self._stopped(request)
        except DriverError as error:
            return _failed(error.code, error.args_)
        except UnknownCommand as error:
            return _failed(
                "unknown_command", {"cmd_type": run.task.command.cmd_type, "reason": str(error)}
            )
        except UncertainOutcome as error:
            if isinstance(error, LinkLost):
                self._link_lost(error.reason)
            return _unknown(error.cause, error.reason)
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            _log.exception("%s: the driver raised in %s", self._robot, run.task.id)
            return _unknown("driver_raised", f"{type(error).__name__}: {error}")
        return Ending(action=Action.COMPLETE, result=dict(result))

    async def _stopped(self, request: StopRequest | None) -> Ending:
        """The robot stands, and says so."""
        if request is None:
            return Ending(
                action=Action.STOP,
                error=TaskError(code="stopped", args={"reason": "reason.at_robot"}),
                hold=HoldCode.PAUSED,
                hold_args={"reason": "reason.at_robot"},
            )
        args = {"actor": request.actor, "reason": request.reason or request.cause.value}
        match request.cause:
            case StopCause.CANCEL:
                error = TaskError(code="cancelled", args=args)
                return Ending(action=Action.STOP, error=error, actor=request.actor)
            case StopCause.STOP:
                error = TaskError(code="stopped", args=args)
                return Ending(action=Action.STOP, error=error, actor=request.actor)
            case StopCause.TIMEOUT:
                return _failed("timeout", {"timeout_s": float(request.reason)})
            case StopCause.ESTOP:
                return _failed("stopped", args, actor=request.actor)
            case StopCause.SHUTDOWN:
                certain = await self._position_known()
                return Ending(
                    action=Action.FAIL,
                    error=TaskError(code="stopped_by_shutdown"),
                    hold=None if certain else HoldCode.SHUTDOWN,
                )

    async def _position_known(self) -> bool:
        if not self._host.capabilities.position_survives_stop:
            return False
        try:
            async with asyncio.timeout(1):
                return (await self._host.status()).position_known
        except Exception as error:  # noqa: BLE001 - no answer is an answer here: not known
            _log.warning("%s: no status after the stop: %r", self._robot, error)
            return False

    async def _until_back(self, task: Task, future: asyncio.Future[JsonObject]) -> None:
        """The outcome is recorded; the robot gets nothing new before its driver is back."""
        holds = self._deps.holds
        await self._deps.journal.write_when_possible(
            holds.set(self._robot, HoldCode.UNRESPONSIVE, task_id=task.id)
        )
        await asyncio.wait({future})
        future.exception()
        await self._deps.journal.write_when_possible(
            holds.to_lift(self._robot, HoldCode.UNRESPONSIVE)
        )
        holds.lifted(self._robot, HoldCode.UNRESPONSIVE)

    # -- what reaches a running command -------------------------------------------------------

    def request_stop(self, cause: StopCause, *, actor: str, reason: str = "") -> bool:
        """Stop what runs, if anything does; the first cause is the one that counts."""
        if self._run_now is None:
            return False
        self._ask_to_stop(self._run_now, StopRequest(cause=cause, actor=actor, reason=reason))
        return True

    def _ask_to_stop(self, run: _Run, request: StopRequest) -> None:
        if not run.stop.done():
            run.stop.set_result(request)
            # no motion goes on in no time while the stop is on its way to the driver
            run.thaw = self._motion.freeze()

    def cancel(self, task_id: str, *, actor: str, reason: str = "") -> None:
        """Stop this task, also where its command is only about to start."""
        request = StopRequest(cause=StopCause.CANCEL, actor=actor, reason=reason)
        run = self._run_now
        if run is not None and run.task.id == task_id:
            self._ask_to_stop(run, request)
        else:
            self._called_off = (task_id, request)

    def motion_held(self, held: bool) -> None:
        """The motion is held, or goes on; held time does not count against the limit."""
        self._motion_held = held
        limit = self._run_now.limit if self._run_now is not None else None
        if limit is not None:
            if held:
                limit.pause("hold")
            else:
                limit.resume("hold")

    def asks_for(self, cmd_type: str | None) -> bool:
        """Whether the running command waits for an answer by this immediate command; None:
        for any answer."""
        pending = self._run_now.question if self._run_now is not None else None
        if pending is None or pending.taken:
            return False
        return cmd_type is None or pending.question.answered_by == cmd_type

    async def answer(self, task_id: str, value: Any, *, actor: str) -> None:
        """Answer the open question of a task. The answer is in the journal before it acts.

        Raises RobotqError no_question, bad_parameter, store_unavailable.
        """
        run = self._run_now
        pending = run.question if run is not None and run.task.id == task_id else None
        if run is None or pending is None or pending.taken:
            raise RobotqError("no_question", reason=f"{task_id} asks nothing")
        _check_answer(pending.question.schema, value)
        pending.taken = True
        event = Event(
            kind="task.answered",
            at_ms=self._deps.clock.now_ms(),
            actor=actor,
            api=run.task.api,
            robot=self._robot,
            task_id=task_id,
            data={"answer": value},
        )
        try:
            await self._deps.journal.write([AppendEvent(event)])
        except RobotqError:
            pending.taken = False
            raise
        crash_point(CrashPoint.ANSWERED)
        pending.give(value)

    @staticmethod
    def _asking(run: _Run, pending: PendingAnswer | None) -> None:
        run.question = pending
        assert run.limit is not None
        if pending is not None:
            run.limit.pause("question")
        else:
            run.limit.resume("question")


def _failed(code: str, args: JsonObject, actor: str = "robotq") -> Ending:
    return Ending(action=Action.FAIL, error=TaskError(code=code, args=args), actor=actor)


def _unknown(cause: str, reason: str, actor: str = "robotq") -> Ending:
    args = {"cause": f"cause.{cause}", "reason": reason}
    return Ending(
        action=Action.FAIL,
        error=TaskError(code=OUTCOME_UNKNOWN, args=args),
        hold=HoldCode.OUTCOME_UNKNOWN,
        hold_args=args,
        actor=actor,
    )


def _manual_step(params: Any, context: RunContext, timeout_s: float) -> JsonObject:
    """A step that a person does: the command is done when somebody says so."""
    with context.step("WAITING_FOR_PERSON"):
        answer = context.ask(
            "ask.manual_step",
            {
                "type": "object",
                "properties": {"note": {"type": "string", "maxLength": 1000}},
            },
            timeout_s,
            title=params.get("title", ""),
        )
    return {"title": params.get("title", ""), **answer}


def _check_answer(schema: JsonObject, value: Any) -> None:
    if not isinstance(value, dict):
        raise RobotqError("bad_parameter", field="input", reason="expected a JSON object")
    for error in jsonschema_rs.validator_for(dict(schema)).iter_errors(value):
        path = ".".join(["input", *(str(part) for part in error.instance_path)])
        raise RobotqError("bad_parameter", field=path, reason=error.message)
