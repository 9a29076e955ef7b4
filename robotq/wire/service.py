"""What the daemon says of itself, what happened, and who was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from robotq.model.delivery import DeliveryState, Receiver
from robotq.model.task import Kind
from robotq.wire.base import (
    Answer,
    Failure,
    LocalTime,
    Object,
    Open,
    Success,
    like,
    missing,
    one_of,
)


class Error(Open, kw_only=True):
    """The one form of every refusal and every fault. Further keys are the arguments of the
    message, such as `field`, `reason` or `limit`."""

    success: Failure
    code: int
    """The number of the error, stable."""
    error_code: str
    """Its name, stable."""
    message: str
    """For people, in their language."""


class Done(Answer, kw_only=True):
    success: Success
    message: str


class Home(Answer, kw_only=True):
    status: Annotated[str, one_of("running")]
    message: str
    queue_mode: bool
    version: str
    links: Mapping[str, str]


class CommandSpec(Answer, kw_only=True):
    cmd_type: str
    kind: Annotated[str, like(Kind)]
    title: Mapping[str, str] = missing({})
    schema: Object = missing({})
    """JSON Schema of params."""
    timeout_s: float
    idempotent: bool
    approval: bool
    resources: tuple[str, ...] = missing(())
    robots: tuple[str, ...] = missing(())
    """Robots that can do it."""
    example: Object | None = missing()


class Audit(Answer, kw_only=True):
    """What the daemon keeps in memory besides tasks, holds and places: timers and locks."""

    expires_ms: Mapping[str, int]
    """Waiting task -> when it fails if it was not started."""
    due_ms: Mapping[str, int]
    """Task of workers -> when its lease or deadline is looked at."""
    repeats: Mapping[str, str]
    """First run of a series that goes on -> the run that waits or runs."""
    changing: tuple[str, ...]
    """Tasks that somebody is changing at this moment."""
    needs: Mapping[str, tuple[str, ...]]
    """Running command -> the resources that it needs."""
    idle: Mapping[str, str]
    """Resource -> the robot that has it, though it has nothing to do and says that it stands
    elsewhere. Empty where all is well."""
    starting: tuple[str, ...]
    """Tasks that nothing keeps from beginning; none for longer than a moment."""


class Commands(Answer, kw_only=True):
    commands: tuple[CommandSpec, ...]


class Misfit(Answer, kw_only=True):
    """A waiting command that the configuration of today does not take."""

    task_id: str
    robot_id: str
    cmd_type: str
    error_code: str
    reason: str


class Misfits(Answer, kw_only=True):
    count: int
    tasks: tuple[Misfit, ...]
    """The first twenty, oldest first."""


class ReloadDone(Answer, kw_only=True):
    success: Success
    message: str
    does_not_fit: Misfits
    """Commands that wait and no longer fit. Their queues stop when it is their turn."""


class Health(Answer, kw_only=True):
    """Without the scope read only `status`."""

    status: Annotated[str, one_of("ok", "degraded", "unavailable")]
    version: str | None = None
    mode: str | None = None
    time_scale: float | None = None
    uptime_s: float | None = None
    estop: bool | None = None
    queue_size: int | None = None
    queue_limit: int | None = None
    queues_standing: Mapping[str, tuple[str, ...]] | None = None
    """Every queue that is not empty and of which nothing moves, with the codes of its reasons;
    `/queue/status` has them in words."""
    store: Object | None = None
    robots: Mapping[str, Object] | None = None
    events: Object | None = None
    loop: Object | None = None


class OpenApi(Open, kw_only=True):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: Object
    paths: Mapping[str, Object]
    components: Object


class Event(Answer, kw_only=True):
    """Something that happened: the `data` of one server-sent event, whose `id` is the same."""

    id: int
    kind: str
    """What happened, e.g. `task.completed`, `hold.set`."""
    time: LocalTime = missing("")
    at_ms: int
    actor: str
    """Who did it: the name of a key, anonymous, robotq."""
    api: str | None = missing()
    robot_id: str | None = missing()
    task_id: str | None = missing()
    before: str | None = missing()
    """State of the task before."""
    after: str | None = missing()
    data: Object = missing({})


class Journal(Answer, kw_only=True):
    events: tuple[Event, ...]
    """Oldest first."""
    count: int
    next_after: int | None
    """Null on the last page."""
    newest: int
    """The last event that there is."""


class Webhook(Answer, kw_only=True):
    """The end of a task on its way to a receiver."""

    webhook_id: str = missing("")
    """Stays the same; the receiver knows repetitions by it."""
    task_id: str = missing("")
    receiver: Annotated[str, like(Receiver)] = missing("")
    """site: `webhooks.url`. caller: `callback_url`."""
    url: str = missing("")
    """Without the parts that may be secret: user, query."""
    state: Annotated[str, like(DeliveryState)] = missing("")
    attempts: int = missing(0)
    """Since it was recorded or sent again by somebody."""
    created_at: LocalTime = missing("")
    """When the task ended."""
    next_attempt_at: LocalTime | None = missing()
    """Only after an attempt that failed."""
    ended_at: LocalTime | None = missing()
    """When it was acknowledged or given up."""
    problem: str | None = missing()
    """Why the last attempt failed, as a code."""
    message: str | None = missing()
    """The same in words."""


class Webhooks(Answer, kw_only=True):
    webhooks: tuple[Webhook, ...]
    """Newest first."""
    count: int
    next_cursor: str | None
    """Null on the last page."""


class WebhookDone(Answer, kw_only=True):
    success: Success
    message: str
    webhook: Webhook
