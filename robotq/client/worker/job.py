"""A task in the hands of a worker, how it is read, and how it ends. No I/O."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from robotq.client.worker.spool import Finished
from robotq.model.json import JsonObject, JsonValue

_log = logging.getLogger(__name__)


class JobFailed(Exception):
    """Raised by a worker's function to fail its task; `data` goes along as its result."""

    def __init__(self, message: str, data: JsonValue = None) -> None:
        super().__init__(message)
        self.data = data


class Refused(Exception):
    """The daemon does not want this worker as it is: bad key, unknown queue, wrong address."""


@dataclass(slots=True, kw_only=True)
class Job:
    """A task in this worker's hands."""

    task_id: str
    queue: str
    cmd_type: str
    params: JsonValue
    extra: JsonObject
    attempt: int
    """2 and more: an earlier worker may have done a part of it."""
    token: int
    lease_s: float | None
    progress: float | None = None
    """0 to 1; goes to the daemon with the next sign of life, like `partial`."""
    partial: JsonObject | None = None
    """What was found so far."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the task is not this worker's any more; its function is cancelled then too."""


Work = Callable[[Job], Awaitable[JsonValue]]
"""Does a job and returns its result, any JSON. Raises JobFailed, or anything else, to fail it.
A blocking function goes through `asyncio.to_thread`; it is not interrupted by a cancel."""

Pauses = tuple[float, float]
"""Seconds between two attempts to reach the daemon: the first ones, and the longest."""
BACK_OFF_S: Pauses = (0.5, 10.0)

PASSING = frozenset({408, 425, 429})
"""Refusals of HTTP that a little later need not be one."""


def finished_as(worker_id: str, job: Job, doing: asyncio.Future[JsonValue]) -> Finished:
    """How a job ended whose function has ended."""
    error = asyncio.CancelledError() if doing.cancelled() else doing.exception()
    if error is None:
        return Finished(
            worker_id=worker_id,
            task_id=job.task_id,
            token=job.token,
            success=True,
            data=doing.result(),
        )
    if isinstance(error, JobFailed):
        data, reason = error.data, str(error)
    else:
        data, reason = None, f"{type(error).__name__}: {error}"
        _log.error("%s failed", job.task_id, exc_info=error)
    return Finished(
        worker_id=worker_id,
        task_id=job.task_id,
        token=job.token,
        success=False,
        data=data,
        error=reason,
    )
