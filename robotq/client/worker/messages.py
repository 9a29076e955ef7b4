"""What a daemon says to workers, read strictly: over HTTP, and over the WebSocket. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from robotq.client.worker.job import Job
from robotq.wire.remote_work.worker_socket import Ack, Cancel, Connected, OwnTask

_T = TypeVar("_T")


class Malformed(Exception):
    """What came is nothing that a daemon says. The worker lives on and asks again."""


def decoded(content: bytes | str, shape: type[_T]) -> _T:
    """A message of the daemon. Raises Malformed where it is no such thing."""
    try:
        return msgspec.json.decode(content, type=shape)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(f"what came is not what robotq says: {error}") from error


# -- over HTTP ---------------------------------------------------------------------------------


class Taken(msgspec.Struct, frozen=True):
    success: Literal[True]


class Problem(msgspec.Struct, frozen=True):
    message: str


# -- over the WebSocket ------------------------------------------------------------------------


class Kind(msgspec.Struct, frozen=True):
    type: str


def job_of(task: OwnTask) -> Job:
    return Job(
        task_id=task.task_id,
        queue="dispatcher",
        cmd_type=str(task.payload.get("model", "")),
        params=task.payload,
        extra={},
        attempt=task.attempt,
        token=task.token,
        lease_s=None,
    )


SHAPES: Mapping[str, type[Connected | OwnTask | Cancel | Ack]] = {
    "connected": Connected,
    "task": OwnTask,
    "cancel": Cancel,
    "ack": Ack,
}
"""What a daemon says that is of interest here."""
