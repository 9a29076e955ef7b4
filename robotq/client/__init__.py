"""Clients of a daemon: `Client` for programs that block, `AsyncClient` for event loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from robotq.client.errors import ClientError, NotRobotq, Refused, Unreachable, WrongKind
from robotq.client.shapes import (
    Accepted,
    AcceptedBatch,
    NotFinished,
    OutcomeUnknown,
    Task,
    TaskCancelled,
    TaskFailed,
    ToCancel,
)
from robotq.client.sync import Client
from robotq.wire.holds import Hold, Reason, Wait
from robotq.wire.robots import EmergencyStop, Holder, QueueStatus, Resource, Robot, RobotQueue
from robotq.wire.robots import MovedTask as Moved
from robotq.wire.service import CommandSpec, Event
from robotq.wire.task_lists import CancelledMany, TaskLine
from robotq.wire.task_lists import Tasks as TaskPage
from robotq.wire.tasks import Question, Step

if TYPE_CHECKING:
    from robotq.client.asynchronous import AsyncClient

__all__ = [
    "Accepted",
    "AcceptedBatch",
    "AsyncClient",
    "CancelledMany",
    "Client",
    "ClientError",
    "CommandSpec",
    "EmergencyStop",
    "Event",
    "Hold",
    "Holder",
    "Moved",
    "NotFinished",
    "NotRobotq",
    "OutcomeUnknown",
    "Question",
    "QueueStatus",
    "Reason",
    "Refused",
    "Resource",
    "Robot",
    "RobotQueue",
    "Step",
    "Task",
    "TaskCancelled",
    "TaskFailed",
    "TaskLine",
    "TaskPage",
    "ToCancel",
    "Unreachable",
    "Wait",
    "WrongKind",
]


def __getattr__(name: str) -> Any:
    # aiohttp takes longer to load than everything else here together
    if name == "AsyncClient":
        from robotq.client.asynchronous import AsyncClient  # noqa: PLC0415

        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
