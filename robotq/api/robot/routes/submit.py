"""Routes to hand in commands."""

from __future__ import annotations

from robotq.api.access.scopes import Scope
from robotq.api.http.routes import IDEMPOTENCY_KEY, RequestHeader, Route
from robotq.api.robot.handlers import commands
from robotq.api.robot.models.submit import CommandBody, SubmitQuery
from robotq.api.robot.routes.common import AGENT, ROBOT, STORE
from robotq.wire import submit as wire

_NEW_TASK = ("queue_full", "queue_bytes_full", "shutting_down", *STORE)
_ENDS = (
    "cancelled",
    "timeout",
    "outcome_unknown",
    "stopped",
    "stopped_by_shutdown",
    "batch_failed",
    "expired",
    "device_reset",
    "program_lost",
    "answer_timeout",
)
"""How a command can end; only who waits for the end is answered with them."""
_PREFER = RequestHeader(
    name="Prefer",
    text="`wait=N` waits up to N seconds for the end and answers with the result; "
    "`respond-async` does not wait where the daemon is in synchronous mode.",
    schema={"type": "string", "examples": ["wait=10", "respond-async"]},
)

ROUTES = (
    Route(
        method="POST",
        path="/",
        handler=commands.submit,
        scope=Scope.SUBMIT,
        summary="Hand in a command, or a list of commands as one batch.",
        query=SubmitQuery,
        headers=(IDEMPOTENCY_KEY, _PREFER, AGENT),
        request=CommandBody,
        response=wire.Accepted,
        responses=(
            wire.AcceptedBatch,
            wire.DoneAtOnce,
            wire.Ending,
            wire.BatchEnding,
            wire.DryRun,
        ),
        errors=(
            "unknown_command",
            "robot_cannot",
            "program_refused",
            "program_too_large",
            "programs_full",
            "not_armed",
            "person_needed",
            "idempotency_conflict",
            "queue_held",
            "too_many_requests",
            "no_question",
            "task_not_found",
            "wrong_state",
            *ROBOT,
            *_NEW_TASK,
            *_ENDS,
        ),
    ),
)
