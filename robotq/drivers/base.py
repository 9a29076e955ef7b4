"""What a driver is: the code that makes one kind of controller carry out a command.

A driver is plain blocking code. robotq gives it threads of its own, so it may wait as long
as it likes without holding up anything else. What it must never do is wait for its own
`execute` in one of the other methods: stop and status have to get through at any time.
"""

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
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from robotq.config import DeviceConfig
from robotq.drivers.jogging import JogLimits
from robotq.model.carried.live_value import LiveValues
from robotq.model.carried.stopped_at import StoppedAt
from robotq.model.clock import MotionClock
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import Program

if TYPE_CHECKING:
    from robotq.model.tenure import Tenure


class Acknowledgement(StrEnum):
    """What the controller means when it acknowledges a command."""

    RECEIVED = "received"
    PLANNED = "planned"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a controller can and cannot do; shown at /robots."""

    simulated: bool = False
    acknowledgement: Acknowledgement = Acknowledgement.FINISHED
    stop_out_of_band: bool = False
    """A stop reaches the controller while it is busy."""
    position_survives_stop: bool = False
    """After a stop the controller still knows where the robot stands."""
    immediate_while_busy: bool = False
    """Immediate commands are served while a command runs."""
    can_hold: bool = False
    """The robot can pause in the middle of a motion and go on."""
    raw_lines: bool = False
    """A person can send it lines in its own language. See `drivers.raw_lines`."""


class LinkState(StrEnum):
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverStatus:
    """What the driver knows right now, without asking the controller for more than a moment."""

    link: LinkState
    held: bool = False
    """The motion is paused, or is coming to that: nothing more begins until `resume`. Also where
    the robot has paused by itself; not where a stop of the driver itself slows it down."""
    held_because: str = ""
    """What the robot says, where it has paused by itself: a code `reason.…` of `model.texts`,
    or its own words. Empty where `hold` has paused it."""
    still_moving: bool = False
    """It is held, and has not come to rest yet."""
    planned_moves: int | None = None
    """While `still_moving`: the most motions that are carried out before it rests. None where
    nobody can say."""
    position_known: bool = True
    place: str | None = None
    """Where the robot stands, None between two places or when unknown."""
    devices: Mapping[str, JsonObject] = field(default_factory=dict)
    """Device beside the robot -> `connected`, `reason`, `safe_state`."""
    jog: JogLimits | None = None
    """How it may be moved by hand now; None where it cannot. See `drivers.jogging`."""
    details: JsonObject = field(default_factory=dict)
    """Anything else worth showing, e.g. battery, firmware, coordinates in millimetres."""
    values: LiveValues = field(default_factory=dict)
    """Numbers that the robot tells of itself, by name, each with the time since it was heard:
    shown beside their normal range, and with their course over the last hour."""


@dataclass(frozen=True, slots=True)
class LastSteps:
    """What became of the steps behind all others, of a command that has not completed."""

    state: str
    """done, failed or not_run."""
    reason: str = ""
    """A code `reason.…` of `model.texts`, or the device's own words."""


class Ended(Exception):
    """A command has ended otherwise than it should."""

    stopped_at: StoppedAt | None = None
    """Where its program was, where it had begun one."""
    last: LastSteps | None = None
    """What became of the steps of `finally`, where there are some."""


class DriverError(Ended):
    """The device itself reported that the command failed. Certain: it moves no more.

    `code` is a code of `model.errors`, e.g. device_error or answer_timeout.
    """

    def __init__(self, reason: str, *, code: str = "device_error", **args: Any) -> None:
        super().__init__(reason)
        self.code = code
        self.args_: dict[str, Any] = {"reason": reason, **args}


class Stopped(Ended):
    """`execute` ends with this after `stop` or `emergency_stop`: the robot stands."""


class UncertainOutcome(Ended):
    """Nobody can say what the robot did. The queue is held until a person decides.

    `cause` is link_lost, device_reset, answer_lost or stop_unconfirmed.
    """

    def __init__(self, cause: str, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason


class LinkLost(UncertainOutcome):
    """The link broke. Raised by `execute`, and by `connect` where there is no link yet."""

    def __init__(self, reason: str) -> None:
        super().__init__("link_lost", reason)


class WrongDevice(LinkLost):
    """Somebody else than the robot is at the other end, or may be: no link is made, and nothing
    that could move or unlock it was sent."""

    def __init__(self, reason: str, *, found: str = "", expected: str = "") -> None:
        super().__init__(reason)
        self.found = found
        self.expected = expected


class NotUnderstood(LinkLost):
    """No link, because of what was heard.

    `what` is silent, noise, too_old, other_firmware, unknown_text, or busy: it reads nothing yet.
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(reason)
        self.what = what


class DrivenElsewhere(LinkLost):
    """No link, since another daemon may drive this robot now. Told anew whenever its text changes,
    for it says who, and what a person has to do."""


class NotDriving(Ended):
    """Nothing was sent, and nothing will be: another daemon may drive this robot now. The command
    waits again."""


class Withdrawn(Exception):
    """`CommandContext.ask` ends with this after `withdraw`: nobody has to answer any more."""


class Busy(Exception):
    """An immediate command cannot be served while another command runs."""


class UnknownCommand(Exception):
    """This driver has no way to carry out the command. Its text says why, or what it can do
    instead; it stands behind "robot_a cannot do GET_WEATHER: "."""


class CommandContext(Protocol):
    """What a running command may tell and ask. Methods are called on the thread of `execute`.

    None of them raises when the disk is full or nobody listens: reporting never breaks a motion.
    """

    @property
    def task_id(self) -> str: ...

    @property
    def attempt(self) -> int:
        """1 for the first time that this task runs."""

    @property
    def program(self) -> Program | None:
        """What the operator has written that this robot does for this command, for a driver
        that works by steps."""

    def step(self, name: str, **detail: Any) -> AbstractContextManager[None]:
        """Report a named step around the code that carries it out; failed if that raises."""

    def progress(self, fraction: float) -> None:
        """Report how far the command is, 0 to 1."""

    def partial(self, **result: Any) -> None:
        """Report what has been found so far; replaces what was reported before."""

    def artifact(self, name: str, media_type: str, data: bytes, *, needed: bool = False) -> str:
        """Keep a file with the task, a picture for example. Returns the name under which the task
        lists it: odd characters are replaced, and a name that comes again gets a number.

        The task lists it as soon as it is on disk. Where it cannot be kept (`artifacts` in the
        configuration, a full disk), the command goes on, and the task says why it is not there.
        `needed`: waits for the disk, and raises DriverError artifact_not_kept instead.
        """

    def moved_to(self, place: str | None) -> None:
        """Report where the robot stands now; None when it has left a place.

        The resource of the place that it left is given up unless this command needs it.
        """

    def ask(
        self,
        prompt: str,
        schema: JsonObject,
        timeout_s: float,
        *,
        answered_by: str | None = None,
        **args: Any,
    ) -> JsonObject:
        """Ask a person or a scanner, and wait up to `timeout_s` seconds of wall time.

        `prompt` is a code of `model.texts` or the text itself; `answered_by` the cmd_type of
        the immediate command whose params are the answer. The answer meets `schema`.
        Raises DriverError `answer_timeout`, Stopped when the command is stopped meanwhile,
        Withdrawn after `withdraw`, ValueError for what is no schema.
        """

    def withdraw(self) -> None:
        """Take the question back that is open now, if one is. From any thread: the link broke
        meanwhile, for example, or somebody has answered at the robot itself."""

    def run_id(
        self,
        run_id: str,
        *,
        boot: str = "",
        begun: bool = False,
        details: JsonObject | None = None,
    ) -> None:
        """Write down by which id the device knows this run, so that it can be asked for that
        after a crash or a broken link: see `drivers.settling`, and of no effect for a driver
        that does not settle. `boot`: what changes when the device loses its memory; `details`:
        what else `settle` wants to know.

        Called before the start is sent, this returns when the id is on disk, and raises Stopped
        where the command was called off meanwhile: nothing is to be sent then. Where the device
        makes the id, call it with `begun` as soon as the id is seen: that waits for nothing and
        raises nothing. Raises ValueError for what is too long.
        """


class DeviceUncertain(UncertainOutcome):
    """The same of a device beside the robot: the robot's own controller is there, and stands."""


@runtime_checkable
class HasDevices(Protocol):
    """The context of a command on a robot that has devices beside it. No other one has to."""

    def on(self, device: str, command: Command, timeout_s: float | None) -> JsonObject:
        """Have a device carry out a command, and give its result. `timeout_s` None leaves the
        limit to the device's own file.

        Raises DriverError, Stopped, DeviceUncertain.
        """


@runtime_checkable
class HearsOfRest(Protocol):
    """The context of a command that is told when a stop is over although the command is not."""

    def at_rest(self) -> None:
        """The robot stands after a stop, and what switches it off and the steps of `finally` begin.
        The stop is not sent again from here on; somebody else's still is."""


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
