"""Shapes of what the daemon says of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from robotq.api.robot.models.base import Answer, Object
from robotq.catalog import Kind


class Home(Answer):
    status: Literal["running"]
    message: str
    queue_mode: bool
    version: str
    links: dict[str, str]


class CommandSpec(Answer):
    cmd_type: str
    kind: Kind
    title: dict[str, str]
    params_schema: Object = Field(alias="schema", description="JSON Schema of params.")
    timeout_s: float
    idempotent: bool
    approval: bool
    resources: list[str]
    robots: list[str] = Field(description="Robots that can do it.")
    example: Object | None


class Audit(Answer):
    """What the daemon keeps in memory besides tasks, holds and places: timers and locks."""

    expires_ms: dict[str, int] = Field(
        description="Waiting task -> when it fails if it was not started."
    )
    due_ms: dict[str, int] = Field(
        description="Task of workers -> when its lease or deadline is looked at."
    )
    repeats: dict[str, str] = Field(
        description="First run of a series that goes on -> the run that waits or runs."
    )
    changing: list[str] = Field(description="Tasks that somebody is changing at this moment.")
    needs: dict[str, list[str]] = Field(
        description="Running command -> the resources that it needs."
    )
    idle: dict[str, str] = Field(
        description="Resource -> the robot that has it, though it has nothing to do and says that "
        "it stands elsewhere. Empty where all is well."
    )
    starting: list[str] = Field(
        description="Tasks that nothing keeps from beginning; none for longer than a moment."
    )


class Commands(Answer):
    commands: list[CommandSpec]


class Misfit(Answer):
    """A waiting command that the configuration of today does not take."""

    task_id: str
    robot_id: str
    cmd_type: str
    error_code: str
    reason: str


class Misfits(Answer):
    count: int
    tasks: list[Misfit] = Field(description="The first twenty, oldest first.")


class ReloadDone(Answer):
    success: Literal[True]
    message: str
    does_not_fit: Misfits = Field(
        description="Commands that wait and no longer fit. Their queues stop when it is their turn."
    )


class Health(Answer):
    """Without the scope read only `status`."""

    status: Literal["ok", "degraded", "unavailable"]
    version: str | None = None
    mode: str | None = None
    time_scale: float | None = None
    uptime_s: float | None = None
    estop: bool | None = None
    queue_size: int | None = None
    queue_limit: int | None = None
    queues_standing: dict[str, list[str]] | None = Field(
        default=None,
        description="Every queue that is not empty and of which nothing moves, with the codes of "
        "its reasons; `/queue/status` has them in words.",
    )
    store: Object | None = None
    robots: dict[str, Object] | None = None
    events: Object | None = None
    loop: Object | None = None
