"""What clients send to the fleet, checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from robotq.model.errors import RobotqError


class OneTaskQuery(BaseModel):
    """How long to wait for its end."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    wait: Annotated[float, Field(ge=0, le=60)] = 0
    """Seconds."""


class TasksQuery(BaseModel):
    """Which tasks of the fleet."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    api: str | None = None
    """Of one interface: robot, task_queue, ..."""
    from_: Annotated[str | None, Field(alias="from")] = None
    """Submitted at this time or later."""
    to: str | None = None
    """Submitted before this time."""

    daemon: str | None = None
    robot_id: str | None = None
    state: str | None = None
    """pending, running, completed, failed, cancelled; several between commas."""
    cmd_type: str | None = None
    cmd_id: str | None = None
    error_code: str | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: str | None = None
    """From the page before."""


class EventsQuery(BaseModel):
    """From where on, and of which daemon."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    last_event_id: str | None = None
    daemon: str | None = None


class StopBody(BaseModel):
    """A stop that began at another daemon."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    stop_id: Annotated[str, Field(pattern=r"^stop_[0-9a-f]{16}$")]
    door: Annotated[str, Field(max_length=64)]
    actor: Annotated[str, Field(max_length=300)]
    reason: Annotated[str, Field(max_length=500)] = ""


class HandOnBody(BaseModel):
    """A person hands a task of a machine that is off on to another robot."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    robot_id: Annotated[str | None, Field(max_length=64)] = None
    """Which robot gets it. None: the same one, where another daemon drives it by now."""
    old_machine_is_off: Literal[True]
    """Somebody has made sure of it: nothing else keeps two machines from doing it."""
    reason: Annotated[str, Field(max_length=500)] = ""


class TakeBody(BaseModel):
    """What a person has seen."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    old_machine_is_off: Literal[True]
    """It is without power, or its line to the robot is unplugged. Where that is not so, two
    machines may drive one robot."""
    epoch: int | None = None
    """Of the lease that was looked at (`asks_whether_off` of `GET /fleet`): what is said of one
    machine does not count for another one that has driven meanwhile."""


def cursor_of(text: str) -> tuple[int, str, int]:
    """Raises RobotqError bad_parameter."""
    at_ms, _, rest = text.partition(":")
    daemon, _, seq = rest.rpartition(":")
    if not (at_ms.isdecimal() and seq.isdecimal() and daemon):
        reason = "expected next_cursor of the page before"
        raise RobotqError("bad_parameter", field="cursor", reason=reason)
    return int(at_ms), daemon, int(seq)
