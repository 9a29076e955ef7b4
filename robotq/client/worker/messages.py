"""What a daemon says to workers, read strictly: over HTTP, and over the WebSocket. No I/O."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

from robotq.client.worker.job import Job

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


class Connected(msgspec.Struct, frozen=True, rename="camel"):
    worker_id: str


class Given(msgspec.Struct, frozen=True, rename="camel"):
    task_id: str
    payload: dict[str, Any]
    attempt: int = 1
    token: int = 1

    def job(self) -> Job:
        return Job(
            task_id=self.task_id,
            queue="dispatcher",
            cmd_type=str(self.payload.get("model", "")),
            params=self.payload,
            extra={},
            attempt=self.attempt,
            token=self.token,
            lease_s=None,
        )


class Cancel(msgspec.Struct, frozen=True, rename="camel"):
    task_id: str


class Ack(msgspec.Struct, frozen=True, rename="camel"):
    task_id: str
    taken: bool
    reason: str = ""


SHAPES: dict[str, type[Connected | Given | Cancel | Ack]] = {
    "connected": Connected,
    "task": Given,
    "cancel": Cancel,
    "ack": Ack,
}
"""What a daemon says that is of interest here."""
