"""What the daemon says of itself."""

from __future__ import annotations

from typing import Annotated

from robotq.model.task import Kind
from robotq.wire.base import Answer, Object, Open, Success, like, missing, one_of


class Done(Answer):
    success: Success
    message: str


class Home(Answer):
    status: Annotated[str, one_of("running")]
    message: str
    queue_mode: bool
    version: str
    links: dict[str, str]


class CommandSpec(Answer):
    cmd_type: str
    kind: Annotated[str, like(Kind)]
    title: dict[str, str] = missing({})
    schema: Object = missing({})
    """JSON Schema of params."""
    timeout_s: float
    idempotent: bool
    approval: bool
    resources: tuple[str, ...] = missing(())
    robots: tuple[str, ...] = missing(())
    """Robots that can do it."""
    example: Object | None = missing()


class Audit(Answer):
    """What the daemon keeps in memory besides tasks, holds and places: timers and locks."""

    expires_ms: dict[str, int]
    """Waiting task -> when it fails if it was not started."""
    due_ms: dict[str, int]
    """Task of workers -> when its lease or deadline is looked at."""
    repeats: dict[str, str]
    """First run of a series that goes on -> the run that waits or runs."""
    changing: tuple[str, ...]
    """Tasks that somebody is changing at this moment."""
    needs: dict[str, tuple[str, ...]]
    """Running command -> the resources that it needs."""
    idle: dict[str, str]
    """Resource -> the robot that has it, though it has nothing to do and says that it stands
    elsewhere. Empty where all is well."""
    starting: tuple[str, ...]
    """Tasks that nothing keeps from beginning; none for longer than a moment."""


class Commands(Answer):
    commands: tuple[CommandSpec, ...]


class Misfit(Answer):
    """A waiting command that the configuration of today does not take."""

    task_id: str
    robot_id: str
    cmd_type: str
    error_code: str
    reason: str


class Misfits(Answer):
    count: int
    tasks: tuple[Misfit, ...]
    """The first twenty, oldest first."""


class ReloadDone(Answer):
    success: Success
    message: str
    does_not_fit: Misfits
    """Commands that wait and no longer fit. Their queues stop when it is their turn."""


class Health(Answer):
    """Without the scope read only `status`."""

    status: Annotated[str, one_of("ok", "degraded", "unavailable")]
    version: str | None = None
    mode: str | None = None
    time_scale: float | None = None
    uptime_s: float | None = None
    estop: bool | None = None
    queue_size: int | None = None
    queue_limit: int | None = None
    queues_standing: dict[str, tuple[str, ...]] | None = None
    """Every queue that is not empty and of which nothing moves, with the codes of its reasons;
    `/queue/status` has them in words."""
    store: Object | None = None
    robots: dict[str, Object] | None = None
    events: Object | None = None
    loop: Object | None = None


class OpenApi(Open):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: Object
    paths: dict[str, Object]
    components: Object
