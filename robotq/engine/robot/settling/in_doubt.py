"""A command that nobody has watched to its end: its device is asked before anything is decided."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec.structs import replace

from robotq.catalog import CommandSpec
from robotq.drivers.base import CommandContext, LinkLost
from robotq.drivers.settling import RunState, Settled, UnsettledRun
from robotq.engine.queue.ending import (
    Ending,
    StopCause,
    StopRequest,
    completed,
    failed,
    stopped,
    stopped_there,
    unknown,
)
from robotq.engine.queue.step_recorder import Recorder
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.timings import Timings
from robotq.model.hold import Hold
from robotq.model.json import JsonObject
from robotq.model.json.safe import plain
from robotq.model.task import Asked, DeviceRun, Task

_log = logging.getLogger(__name__)

DAEMON_DIED = "daemon_died"


class Doubt:
    """One command, from the moment in which it was lost sight of."""

    def __init__(
        self,
        task: Task,
        recorder: Recorder,
        run: DeviceRun,
        spec: CommandSpec,
        *,
        cause: str,
        reason: str = "",
        links: int,
        request: StopRequest | None,
    ) -> None:
        """`links`: how many links had been made when its start was sent. `cause`: one of
        `model.texts`, without `cause.`."""
        self.task = task
        self.recorder = recorder
        self.run = run
        self.spec = spec
        """As it was begun with; of a run before this start, that of today."""
        self.cause = cause
        self.reason = reason
        self.links = links
        self.request = request
        self.asked = asyncio.Event()
        """Somebody has asked to stop it."""
        if request is not None:
            self.asked.set()

    def ask_to_stop(self, request: StopRequest) -> None:
        """The first request counts. It acts before the command is followed again."""
        self.request = self.request or request
        self.asked.set()

    def worked_s(self, now_ms: int) -> float:
        """Motion time that the command has had, unseen time too."""
        run = self.run
        unseen_s = 0.0 if run.paused else max(0, now_ms - run.at_ms) / 1000
        return run.worked_s + unseen_s

    def unsettled(self) -> UnsettledRun:
        task = self.task
        return UnsettledRun(
            task_id=task.id, attempt=task.attempt, command=task.command, at_device=self.run
        )


class Settling:
    """Asks the driver of one robot, over a link that is there."""

    def __init__(
        self, robot: str, host: DriverHost, timings: Timings, link_lost: Callable[[str], None]
    ) -> None:
        self._robot = robot
        self._host = host
        self._timings = timings
        self._link_lost = link_lost
        self._up = asyncio.Event()
        self.links = 0
        """How many links have been made."""
        self.ending = asyncio.Event()
        """The daemon ends: what is in doubt is left to the next start."""
        self.instead: Settled | None = None
        """What somebody else knows of it, so that its device is not asked."""
        self._told = asyncio.Event()
        self.late: asyncio.Future[Settled] | None = None
        """A question that the driver has not come back from."""

    @property
    def up(self) -> bool:
        return self._up.is_set()

    def connected(self, links: int) -> None:
        self.links = links
        self._up.set()

    def disconnected(self) -> None:
        self._up.clear()

    def answer(self, instead: Settled) -> None:
        """End the question that is open, or comes next, with this."""
        self.instead = instead
        self._told.set()

    def forget(self) -> None:
        """What was said of a doubt that is over."""
        self.instead = None
        self._told.clear()

    def _taken_answer(self) -> Settled | None:
        answer = self.instead
        self.forget()
        return answer

    async def ask(self, doubt: Doubt, context: CommandContext, limit_s: float) -> Settled | None:
        """What became of it, as far as that can be believed; a link is waited for, up to
        `limit_s`. None: the daemon ends before."""
        until = asyncio.get_running_loop().time() + limit_s
        while True:
            linked = await self._linked(doubt, until)
            if (instead := self._taken_answer()) is not None:
                return instead
            if not linked:
                if self.ending.is_set():
                    return None
                return Settled.unknown("reason.no_link_to_ask")
            links = self.links
            try:
                answer = await self._asked(doubt, context)
            except LinkLost as error:
                self.disconnected()
                self._link_lost(error.reason)
                continue
            if answer is None:
                return None
            return believed(answer, doubt.run, new_link=links > doubt.links)

    async def _linked(self, doubt: Doubt, until: float) -> bool:
        """Whether there is a link in time. Who has asked to stop it does not wait for the whole
        time of the command to be told that nobody can."""
        loop = asyncio.get_running_loop()
        if not doubt.asked.is_set():
            first = asyncio.ensure_future(
                _first(self._up.wait(), doubt.asked.wait(), self._told.wait())
            )
            if not await self._either(first, until - loop.time()):
                return False
        if self._told.is_set():
            return False
        if doubt.asked.is_set():
            until = min(until, loop.time() + self._timings.in_doubt_s)
        return await self._either(self._up.wait(), until - loop.time())

    async def _asked(self, doubt: Doubt, context: CommandContext) -> Settled | None:
        asking = self._host.settle(doubt.unsettled(), context)
        limit_s = self._timings.settle_s
        if not await self._either(asyncio.shield(asking), limit_s):
            self.late = asking
            # whatever it says later is too late
            asking.add_done_callback(_retrieved)
            return None if self.ending.is_set() else Settled.unknown("reason.settle_too_late")
        try:
            return asking.result()
        except LinkLost:
            raise
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            _log.exception("%s: the driver cannot settle %s", self._robot, doubt.task.id)
            return Settled.unknown(f"{type(error).__name__}: {error}")

    async def _either(self, waiting: Any, timeout_s: float) -> bool:
        """Whether it has come to an end, in time and before the daemon ends."""
        done = asyncio.ensure_future(waiting)
        ending = asyncio.ensure_future(self.ending.wait())
        try:
            await asyncio.wait(
                {done, ending},
                timeout=max(0.0, timeout_s),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done.done():
                return False
            done.exception()
            return True
        finally:
            ending.cancel()
            if not done.done():
                done.cancel()


async def _first(*waiting: Coroutine[Any, Any, Any]) -> None:
    """Wait for one of these; the others are cancelled."""
    tasks = [asyncio.ensure_future(one) for one in waiting]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _retrieved(future: asyncio.Future[Settled]) -> None:
    if not future.cancelled():
        future.exception()


def believed(answer: Any, run: DeviceRun, *, new_link: bool) -> Settled:
    """The answer, or why it is not believed. A wrong "completed" is worse than a person asked."""
    if not isinstance(answer, Settled):
        return Settled.unknown(f"the driver has answered {type(answer).__name__}")
    if answer.state is RunState.UNKNOWN:
        return answer
    if answer.id != run.id:
        return Settled.unknown("reason.settled_other_run")
    if answer.boot != run.boot:
        return Settled.unknown("reason.settled_other_boot")
    if answer.state is RunState.NEVER_STARTED:
        if not run.boot:
            # one that has forgotten says the same
            return Settled.unknown("reason.settled_without_boot")
        if not (answer.cannot_start and new_link):
            return Settled.unknown("reason.start_may_arrive")
    return answer


def ending_of_settled(answer: Settled, doubt: Doubt) -> Ending:
    """How a command ended that was not found running."""
    timeout_s = doubt.spec.timeout_s
    match answer.state:
        case RunState.COMPLETED:
            return replace(completed(plain(answer.result)), settled=True)
        case RunState.FAILED if answer.code == "stopped":
            request = doubt.request
            ending = (
                stopped_there()
                if request is None
                else stopped(request, timeout_s=timeout_s, position_known=False)
            )
            return replace(ending, settled=True)
        case RunState.FAILED:
            return replace(failed(answer.code, plain(answer.args)), settled=True)
        case RunState.NEVER_STARTED if doubt.request is not None:
            ending = stopped(doubt.request, timeout_s=timeout_s, position_known=True)
            return replace(ending, began=False, settled=True)
        case _:
            return _unsettled(answer, doubt)


def _unsettled(answer: Settled, doubt: Doubt) -> Ending:
    if doubt.cause not in (DAEMON_DIED, "link_lost") and answer.reason == doubt.reason:
        # asked again, and found as it was
        return unknown(doubt.cause, doubt.reason)
    causes = {DAEMON_DIED: "daemon_died_unsettled", "link_lost": "unsettled"}
    ending = unknown(causes.get(doubt.cause, "unsettled_there"), answer.reason)
    lost: JsonObject = plain({"lost": doubt.reason}) if doubt.reason else {}
    assert ending.error is not None
    args = {**ending.error.args, **lost}
    return replace(ending, error=replace(ending.error, args=args), hold_args=args)


def request_of(asked: Asked) -> StopRequest:
    return StopRequest(cause=StopCause(asked.cause), actor=asked.actor, reason=asked.reason)


def wanted_before(task: Task, latch: Hold | None, now_ms: int) -> StopRequest | None:
    """What somebody has wanted of a command before this start, or its limit. `latch`: the emergency
    stop that is latched at its robot."""
    if latch is not None:
        reason = str(latch.args.get("reason", ""))
        return StopRequest(cause=StopCause.ESTOP, actor=latch.actor, reason=reason)
    if task.asked is not None:
        return request_of(task.asked)
    until_ms = task.run.left_until_ms if task.run is not None else None
    if until_ms is not None and now_ms > until_ms:
        return StopRequest(cause=StopCause.SHUTDOWN)
    return None
