"""How a running command ended, and what follows from it for its queue."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import replace

from robotq.model.hold import HoldCode
from robotq.model.json import JsonObject
from robotq.model.json.safe import plain, plain_text
from robotq.model.task import OUTCOME_UNKNOWN, Task, TaskError
from robotq.model.transitions import Action, transition


class StopCause(StrEnum):
    """Why a running command is to stop."""

    CANCEL = "cancel"
    TIMEOUT = "timeout"
    STOP = "stop"
    ESTOP = "estop"
    SHUTDOWN = "shutdown"


class StopRequest(msgspec.Struct, frozen=True, kw_only=True):
    cause: StopCause
    actor: str = "robotq"
    reason: str = ""


PEOPLES = frozenset({StopCause.CANCEL, StopCause.STOP, StopCause.ESTOP})
"""What somebody wanted, and neither a limit nor the end of the daemon."""


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a running task, as its executor saw it."""

    action: Action
    """COMPLETE, FAIL or STOP."""
    result: JsonObject | None = None
    error: TaskError | None = None
    hold: HoldCode | None = None
    """The queue starts nothing more until a person lifts this."""
    hold_args: Mapping[str, Any] = msgspec.field(default_factory=dict)
    actor: str = "robotq"
    began: bool = True
    """Whether the robot may have moved for it. Where it never began, the robot stands where it
    stood before."""
    settled: bool = False
    """The device has said it when it was asked afterwards."""

    @property
    def certain(self) -> bool:
        return self.error is None or self.error.code != OUTCOME_UNKNOWN

    def of(
        self, task: Task, fence: int, at_ms: int, *, step: str | None, changes: Mapping[str, Any]
    ) -> Task:
        """The task after it; `step`: the one in which it came, `changes`: what else was heard."""
        error = self.error
        if error is not None and error.step is None:
            error = replace(error, step=step)
        if self.settled:
            changes = {**changes, "settled": True}
        return transition(
            task,
            self.action,
            fence=fence,
            ended_at_ms=at_ms,
            result=self.result,
            error=error,
            **changes,
        )


def completed(result: JsonObject) -> Ending:
    return Ending(action=Action.COMPLETE, result=result)


def failed(code: str, args: JsonObject) -> Ending:
    """A failure that is certain. Drivers from elsewhere may bring codes of their own."""
    if code == OUTCOME_UNKNOWN:
        # only `unknown` says that, since it also holds the queue
        code = "device_error"
    code = plain_text(code)
    return Ending(action=Action.FAIL, error=TaskError(code=code, args=args))


def unknown(cause: str, reason: str, actor: str = "robotq") -> Ending:
    """Nobody can say what the robot did. `cause` is one of `model.texts`, without `cause.`."""
    # a driver's words are among them: nothing may keep an end from the disk
    args = plain({"cause": f"cause.{cause}", "reason": reason})
    return Ending(
        action=Action.FAIL,
        error=TaskError(code=OUTCOME_UNKNOWN, args=args),
        hold=HoldCode.OUTCOME_UNKNOWN,
        hold_args=args,
        actor=actor,
    )


def stopped_there() -> Ending:
    """Somebody stopped the robot by other means than robotq."""
    args = {"reason": "reason.at_robot"}
    return Ending(
        action=Action.STOP,
        error=TaskError(code="stopped", args=args),
        hold=HoldCode.PAUSED,
        hold_args=args,
    )


def stopped(request: StopRequest, *, timeout_s: float, position_known: bool) -> Ending:
    """The robot stands, and says so, after it was asked to stop."""
    actor = request.actor
    args = {"actor": actor, "reason": request.reason or request.cause.value}
    match request.cause:
        case StopCause.CANCEL:
            error = TaskError(code="cancelled", args=args)
            return Ending(action=Action.STOP, error=error, actor=actor)
        case StopCause.STOP:
            error = TaskError(code="stopped", args=args)
            return Ending(action=Action.STOP, error=error, actor=actor)
        case StopCause.TIMEOUT:
            return failed("timeout", {"timeout_s": timeout_s})
        case StopCause.ESTOP:
            error = TaskError(code="stopped", args=args)
            return Ending(action=Action.FAIL, error=error, actor=actor)
        case StopCause.SHUTDOWN:
            return Ending(
                action=Action.FAIL,
                error=TaskError(code="stopped_by_shutdown"),
                hold=None if position_known else HoldCode.SHUTDOWN,
            )
