"""What is said over the WebSocket of the dispatcher interface: by the daemon, and by workers.

The daemon reads what workers say more freely than it stands here, as the interface's document has
it: see `robotq.api.dispatcher.requests`.
"""

from __future__ import annotations

from typing import Any

from robotq.wire.base import Answer, Object, missing


class Said(Answer, rename="camel", tag_field="type", kw_only=True):
    """A message: a JSON object with its `type`."""


class FromDaemon(Said, kw_only=True):
    pass


class FromWorker(Said, kw_only=True):
    pass


class Connected(FromDaemon, tag="connected", kw_only=True):
    """The first message."""

    worker_id: str
    """How the daemon calls this worker until the connection ends."""
    message: str = missing("")


class NewTask(FromDaemon, tag="task", kw_only=True):
    """A task; the next one comes when it is answered."""

    task_id: str
    payload: Object
    """`model`, and of `messages` and `data` what was sent."""


class OwnTask(NewTask, tag="task", kw_only=True):
    """The same for a worker with `protocol=robotq`."""

    attempt: int = missing(1)
    token: int = missing(1)
    """Goes back with the answer."""


class Cancel(FromDaemon, tag="cancel", kw_only=True):
    """A task is not the worker's own any more. Only with `protocol=robotq`."""

    task_id: str


class Ack(FromDaemon, tag="ack", kw_only=True):
    """An answer is on disk, or refused. Only with `protocol=robotq`."""

    task_id: str | None
    """Null where what was refused named none."""
    taken: bool
    reason: str = missing("")
    """Why it was refused; else empty."""


class TooLarge(FromDaemon, tag="error", kw_only=True):
    """An answer has more bytes than the daemon takes, and its task has failed. A worker with
    `protocol=robotq` gets an `ack` instead."""

    task_id: str | None
    """Null where the message named none."""
    error: str
    max_bytes: int


class Pong(FromDaemon, tag="pong", kw_only=True):
    """The answer to `ping`."""


class TaskComplete(FromWorker, tag="task_complete", kw_only=True):
    """A task is done."""

    task_id: str
    token: int | None = None
    """Only with `protocol=robotq`."""
    result: Any
    duration: int | None = None
    """Milliseconds that it took, for the log."""


class TaskError(FromWorker, tag="task_error", kw_only=True):
    """A task has failed."""

    task_id: str
    token: int | None = None
    """Only with `protocol=robotq`."""
    result: Any = None
    """What there is all the same."""
    duration: int | None = None
    """Milliseconds that it took, for the log."""
    error: str


class Ping(FromWorker, tag="ping", kw_only=True):
    """Asks for a `pong`. Frames of WebSocket itself do the same."""


FROM_DAEMON: tuple[type[FromDaemon], ...] = (
    Connected,
    NewTask,
    OwnTask,
    Cancel,
    Ack,
    TooLarge,
    Pong,
)
FROM_WORKERS: tuple[type[FromWorker], ...] = (TaskComplete, TaskError, Ping)
