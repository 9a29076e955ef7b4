"""A driver: what every one does, and what one may do besides."""

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from robotq.config import DeviceConfig
from robotq.drivers.base.context import CommandContext
from robotq.drivers.base.status import Capabilities, DriverStatus, LinkState
from robotq.model.clock import MotionClock
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import Program

if TYPE_CHECKING:
    from robotq.model.tenure import Tenure


class Driver(Protocol):
    """One robot's controller.

    `connect`, `execute` and `close` are called from one thread, never two at once. All other
    methods may be called at any moment from other threads, also while `execute` runs, and
    return soon.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    def connect(self) -> None:
        """Make the link. Never moves anything. Raises LinkLost; it is called again later.

        Gives up at once when `stop` or `emergency_stop` is called while it waits. After an
        emergency stop that was not reset, the robot is stopped before anything else.
        """

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        """Carry out a queued command and return its result when the robot is done.

        The result may hold `message`; without it the text is "<cmd_type> done".
        Raises DriverError (failed, certain), Stopped (after `stop`), UncertainOutcome,
        UnknownCommand (nothing has moved). Anything else counts as an unknown outcome.
        """

    def immediate(self, command: Command) -> JsonObject:
        """Serve an immediate command. Raises Busy, DriverError, LinkLost, UnknownCommand."""

    def hold(self) -> None:
        """Pause the motion. Raises DriverError where the controller cannot."""

    def resume(self) -> None:
        """Go on after `hold`, and where the robot has paused by itself. Raises DriverError where
        the robot does not go on, with what it waits for."""

    def stop(self) -> None:
        """Bring the running command to a controlled end; `execute` then raises Stopped. A
        `connect` that waits for the controller ends too."""

    def emergency_stop(self) -> None:
        """Stop everything now, by the fastest way there is, and stay stopped until `reset`.

        Takes no lock that another method may hold for long. Works in any state.
        """

    def reset(self) -> None:
        """Leave the emergency stop. Never starts a motion."""

    def status(self) -> DriverStatus:
        """Called twice a second, at each connect and after each command, to see whether the
        robot holds; the last on the thread of `execute`, which has returned. A driver that has to
        ask its controller for it is also `Reporting`."""

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Check new options whole; return what puts them into effect. Raises ConfigError."""

    def close(self) -> None:
        """Give up the link. The driver is not used again."""


@runtime_checkable
class Reporting(Protocol):
    """A driver whose `status` asks the controller. No driver has to."""

    def last_status(self) -> DriverStatus:
        """The same from what the controller has said last: sends nothing, and returns at once."""


@runtime_checkable
class Pictured(Protocol):
    """A driver that knows what is around its robot. No driver has to."""

    def picture(self) -> JsonObject:
        """What there is to be drawn, in millimetres: places, stations with their slots, what
        stands in them. Called like `Driver.status`, and returns as soon."""


@runtime_checkable
class JudgesPrograms(Protocol):
    """A driver that says beforehand what it would refuse. No driver has to."""

    def judge(
        self, command: Command, steps: Program, look: Callable[[int], None]
    ) -> JsonObject | None:
        """What the programs that a client hands in with this command come to: the fields of
        `wire.ProgramOutlook`; None where it has none, or where that shows only when it runs.

        Called on a thread of its own at any moment, also while there is no link. Sends nothing.
        `look` is called every few milliseconds with the lines that were read, and may raise.
        Raises DriverError program_refused, with `line`, `text`, `rule` and `way_out`, for a line
        that would be refused when the command runs; bad_parameter.
        """


@runtime_checkable
class ReadsPrograms(Protocol):
    """A driver that reads a program of a client line by line. No driver has to: others get its
    text."""

    def reads_as_files(self, steps: Program) -> Collection[str]:
        """The parameters of a command with these steps that may be a `ProgramFile`, where the
        client has sent a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """A program from one of its lines on."""

    preamble: Sequence[str]
    """What the lines before have left in effect, as lines; they come first."""
    told: JsonObject
    """What a person has to know: the fields of `wire.FromLine` besides these."""
    lines: Iterator[str]
    """Of the program that runs; each stands at its number, as before."""


@runtime_checkable
class ResumesPrograms(Protocol):
    """A driver that can run a client's program from one of its lines on. No driver has to."""

    def from_line(
        self, command: Command, steps: Program, line: int, look: Callable[[int], None]
    ) -> Resumption:
        """Called as `JudgesPrograms.judge` is, with params as `ReadsPrograms` says. Raises
        DriverError from_line_refused with `line` and `rule` where what the lines before have left
        cannot be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSetup:
    """All that a driver is made from."""

    robot: str
    options: Mapping[str, Any]
    """The `options` of the robot in the configuration; the driver checks them."""
    data: Path
    """The daemon's data folder; the driver may keep files in a folder of its own below it."""
    clock: MotionClock
    """For simulated motion only: it runs at the configured `time_scale`."""
    link_changed: Callable[[LinkState, str], None]
    """To be called, from any thread, when the link breaks or comes back, with the reason."""
    shared: MutableMapping[str, Any]
    """One mapping for all drivers of this daemon, e.g. for a lab in which two robots work."""
    devices: Mapping[str, DeviceConfig] = field(default_factory=dict)
    """Devices beside the robot. The registry sees to them, and no driver has to."""
    tenure: Tenure | None = None
    """Of a robot that two machines can reach. The registry sees to it, and no driver has to."""


@runtime_checkable
class KnowsPlaces(Protocol):
    """Options of a robot, as its driver reads them, that say which places there are. Those of no
    driver have to."""

    @property
    def places(self) -> Collection[str]:
        """All places to which this robot can be sent, or at which it can say to stand."""


@runtime_checkable
class KnowsCommands(Protocol):
    """Options of a robot that say what it can do. Those of no driver have to."""

    def lacks(self, cmd_type: str, program: Program | None) -> str | None:
        """Why the robot cannot do this command, with these steps or without any; None where it
        can. The text stands behind "robot_a cannot do GET_WEATHER: "."""


@runtime_checkable
class NotesOptions(Protocol):
    """Options of a robot that are right and have a consequence that nobody may expect. Those of no
    driver have to."""

    @property
    def notes(self) -> Iterable[str]:
        """In a sentence each, which stands behind "robot_a: "."""


@runtime_checkable
class ChecksSteps(Protocol):
    """Options of a robot that say which steps it would refuse when their turn comes. Those of no
    driver have to."""

    def wrong_steps(self, program: Program) -> Iterable[tuple[tuple[str | int, ...], str]]:
        """What is wrong in these steps, each with its place below them: `(0, "gcode", 2)`."""


@runtime_checkable
class BringsCommands(Protocol):
    """Options of a robot that say which commands there are because of it. Those of no driver have
    to."""

    @property
    def brings(self) -> Mapping[str, JsonObject]:
        """cmd_type -> the fields of its spec, as they stand in a command file: `kind`, `schema`,
        `title`, `timeout_s`, `idempotent`, `approval`, `resources`."""


DriverFactory = Callable[[DriverSetup], Driver]
"""What the entry-point group `robotq.drivers` registers. Raises ConfigError for bad options."""


def unknown_driver(robot: str, driver: str, known: Iterable[str]) -> ConfigError:
    """What is wrong where a robot names a driver that nobody brings."""
    return ConfigError(
        f"robots.{robot}.driver: found {driver!r}, expected one of {', '.join(sorted(known))}"
    )
