"""What became of a run that nobody has watched to its end: how a driver asks its device.

After a crash of the daemon, and after a link that broke in a command, robotq asks before it
decides. A driver that can ask has two more methods, `settle` and `attach`, and gives its runs an
id by `context.run_id`. No driver has to. docs/drivers/own-driver.md walks through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from robotq.drivers.base import CommandContext, UncertainOutcome
from robotq.model.json import JsonObject
from robotq.model.task import Command, DeviceRun

__all__ = [
    "DeviceRun",
    "LeftRunning",
    "NamesFirst",
    "RunState",
    "Settled",
    "Settles",
    "UnsettledRun",
]


class RunState(StrEnum):
    RUNNING = "running"
    """The device has it, and it is not at its end."""
    COMPLETED = "completed"
    FAILED = "failed"
    """It ended otherwise, and the robot stands. Code `stopped`: somebody has stopped it."""
    NEVER_STARTED = "never_started"
    """The device has never begun it."""
    UNKNOWN = "unknown"
    """The device cannot say, or nobody should believe it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsettledRun:
    """A run that was begun, or may have been."""

    task_id: str
    attempt: int
    command: Command
    at_device: DeviceRun
    """As the driver gave it with `context.run_id`."""

    @property
    def id(self) -> str:
        return self.at_device.id

    @property
    def boot(self) -> str:
        return self.at_device.boot


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the device has stored of a run under its id. Made by one of the methods below.

    `id` and `boot` are what the device has said in this answer, and never what it was asked
    with: an answer for another id, or with another boot id, is believed by nobody.
    """

    state: RunState
    id: str = ""
    boot: str = ""
    result: JsonObject = field(default_factory=dict)
    """Of a run that is completed; as `execute` returns it."""
    code: str = "device_error"
    """Of one that has failed, with its arguments; as in `DriverError`."""
    args: Mapping[str, Any] = field(default_factory=dict)
    cannot_start: bool = False
    """Of one that was never started: its start cannot arrive any more."""
    reason: str = ""
    """Why it is unknown: a code `reason.…` of `model.texts`, or the device's own words."""

    @classmethod
    def running(cls, *, id: str, boot: str = "") -> Settled:  # noqa: A002 - as the field is named
        return cls(state=RunState.RUNNING, id=id, boot=boot)

    @classmethod
    def completed(cls, result: JsonObject, *, id: str, boot: str = "") -> Settled:  # noqa: A002
        return cls(state=RunState.COMPLETED, id=id, boot=boot, result=result)

    @classmethod
    def failed(
        cls,
        reason: str,
        *,
        id: str,  # noqa: A002
        boot: str = "",
        code: str = "device_error",
        **args: Any,
    ) -> Settled:
        told = {"reason": reason, **args}
        return cls(state=RunState.FAILED, id=id, boot=boot, code=code, args=told)

    @classmethod
    def stopped(cls, *, id: str, boot: str = "") -> Settled:  # noqa: A002
        """It ended because somebody had stopped it, and the robot stands."""
        return cls(state=RunState.FAILED, id=id, boot=boot, code="stopped")

    @classmethod
    def never_started(cls, *, id: str, boot: str, cannot_start: bool) -> Settled:  # noqa: A002
        """`cannot_start`: the connection that the start went over is closed at the device's end
        too, or the device refuses this id from now on. Without it this counts as unknown, for
        the start may be on its way; and so it does without a boot id, for a device that has
        forgotten says the same."""
        return cls(state=RunState.NEVER_STARTED, id=id, boot=boot, cannot_start=cannot_start)

    @classmethod
    def unknown(cls, reason: str) -> Settled:
        return cls(state=RunState.UNKNOWN, reason=reason)


class LeftRunning(UncertainOutcome):
    """`execute` and `attach` end with this after `let_go`: the robot goes on without robotq."""

    def __init__(self) -> None:
        super().__init__("link_lost", "robotq has let go of it")


@runtime_checkable
class NamesFirst(Protocol):
    """A driver that says whether it gives each run its id before it sends anything of it. No driver
    has to."""

    @property
    def names_first(self) -> bool:
        """A run without an id was never begun, as long as this is so."""


@runtime_checkable
class Settles(Protocol):
    """A driver that can ask its device for a run by its id. No driver has to.

    `settle` and `attach` are called on the thread of `connect` and `execute`, after `connect`.
    """

    def settle(self, run: UnsettledRun, context: CommandContext) -> Settled:
        """Ask the device what became of this run. Begins nothing, and moves nothing.

        The answer is what the device has stored under the id: never what follows from where the
        robot stands, from a run that is the only one, or from silence. Whatever is raised counts
        as unknown, and so does an answer that takes longer than ten seconds. A device, or a
        server, that has forgotten the id: unknown.
        """

    def attach(self, run: UnsettledRun, context: CommandContext) -> JsonObject:
        """Follow a run that `settle` has just found running, to its end: returns and raises what
        `execute` does. Sends no start. Steps that were open go on where they are reported again
        by their names; a question is asked again."""

    def let_go(self, limit_s: float) -> None:
        """Have `execute` or `attach` end with LeftRunning, and the robot go on. From any thread;
        the daemon ends, and is to be back within `limit_s` seconds."""
