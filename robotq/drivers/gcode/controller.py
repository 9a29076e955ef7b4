"""What steps ask for, whatever the firmware: what is waited for, and what counts as done."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import Any

from robotq.drivers.base import DriverError, UnknownCommand
from robotq.drivers.gcode.channel import LineChannel
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.programs.place import UNKNOWN_PLANNER
from robotq.drivers.gcode.programs.where import telling_where
from robotq.drivers.gcode.reader.lines import Line, Program, Rules, prepare
from robotq.drivers.gcode.reader.reading import Progress, read_program, telling
from robotq.drivers.gcode.reader.rules import UNKNOWN, Modes
from robotq.drivers.gcode.reader.strict import why_no_jog
from robotq.drivers.gcode.state import RobotState
from robotq.drivers.gcode.stopping import Stopping
from robotq.drivers.gcode.watch import LOOK_S, Watch
from robotq.drivers.jogging import JogLife, JogWanted
from robotq.model.json import JsonObject


class Controller(ABC):
    """Procedures on one channel, for the command thread while it has the turn: `GcodeRobot.command`
    hands them out. Nothing here homes, unlocks or repeats a line by itself."""

    def __init__(
        self,
        state: RobotState[Any],
        channel: LineChannel[Any],
        controls: Controls,
        stopping: Stopping,
        watch: Watch,
    ) -> None:
        self._state = state
        self._channel = channel
        self._position = channel.position
        self._controls = controls
        self._stopping = stopping
        self._watch = watch
        self._modes_due = True
        """No line of this command was sent yet."""
        self._touched = False
        """A line of it was."""
        self._last = False
        """Its last steps are carried out, after a stop or a failure."""
        self._left = UNKNOWN
        """What its lines have left to the next ones."""
        self._modes_owed = False
        """Nobody knows them, also where commands keep those of the one before: a raw line has not
        come to its end."""

    # -- what a firmware gives -----------------------------------------------------------------

    @abstractmethod
    def home(self, axes: str, *, timeout_s: float | None = None) -> None: ...

    @abstractmethod
    def unlock(self) -> None: ...

    @abstractmethod
    def query(self, line: str, *, timeout_s: float | None = None) -> Sequence[str]: ...

    @abstractmethod
    def _jog(self, axes: str, timeout_s: float | None) -> None:
        """A relative motion; `axes` is one line without a code."""

    @abstractmethod
    def switch_off(self) -> None:
        """The command has failed or was stopped, and the robot stands: switch off what may be on,
        where the controller still takes lines. Raises nothing."""

    @abstractmethod
    def _synchronise(self) -> None:
        """Have the controller forget what it may still have of an earlier command."""

    @abstractmethod
    def _modes(self) -> None:
        """Send what each command begins with."""

    @abstractmethod
    def _stream(self, lines: Sequence[Line], tell: Callable[[int], None]) -> None:
        """Send all lines, until they are answered; `tell` how many are done."""

    @abstractmethod
    def _settle(self) -> None:
        """Wait until nothing is planned, the robot stands, and every line is accounted for."""

    def _jog_while(
        self,
        wanted: JogWanted,  # noqa: ARG002 - for those that can
        life: JogLife,  # noqa: ARG002
        *,
        known: bool,  # noqa: ARG002
    ) -> JsonObject:
        """See `Jogs.jog`; `known`: it is known where the robot stands."""
        raise UnknownCommand("its driver cannot jog")

    def _raw_line(
        self,
        line: str,  # noqa: ARG002 - for those that can
        limit_s: float,  # noqa: ARG002
    ) -> tuple[Sequence[str], str | None]:
        """Send it, and wait until it is carried out. What the controller has said, and why it has
        refused it."""
        raise UnknownCommand("its driver takes no raw lines")

    def _after_raw_line(self, line: str) -> None:  # noqa: B027 - many have nothing to do here
        """The robot stands: have the controller be as it is for the next command."""

    @property
    def not_carried_out(self) -> Mapping[str, float]:
        """Millimetres, axis by axis, by which the robot may stand short of where this command has
        led it, although every line was taken."""
        return {}

    def _known(self) -> Modes:
        """What is in effect when the lines of `_modes` are carried out."""
        return UNKNOWN

    def _rules(self, rules: Rules) -> Rules:
        """`rules`, for the firmware as it has said to be."""
        return rules

    def _planned_most(self) -> int:
        """Motions that may have been answered and are not carried out, at most."""
        return UNKNOWN_PLANNER

    def _one_by_one(self) -> bool:
        """Nothing is sent before all lines before it are carried out."""
        return False

    def _require_unlocked(self) -> None:  # noqa: B027 - many have nothing to do here
        """Raises DriverError where the controller refuses to move."""

    def _look_over(self, lines: Sequence[Line]) -> None:  # noqa: B027 - many have nothing to do here
        """Raises DriverError where a program lacks something that this controller does not know."""

    # -- what all of them do -------------------------------------------------------------------

    def rules_of_programs(self) -> tuple[Rules, bool]:
        """See `GcodeRobot.rules_of_programs`; from any thread."""
        options = self._state.options
        known = not options.keep_modes
        rules = options.program_rules
        with suppress(DriverError):
            # where it is not the controller that is meant, nothing runs, and that says so
            rules = self._rules(rules)
        return replace(rules, start=self._known() if known else UNKNOWN), known

    def begin(self) -> None:
        """A command begins: nothing of it was sent."""
        self._modes_due, self._touched = True, False
        self._left = UNKNOWN
        self._last = False

    def begin_last(self) -> None:
        """It was stopped or has failed, and what follows are its last steps: where its lines have
        left the modes, nobody knows."""
        self._modes_due, self._last = True, True
        self._left = UNKNOWN
        if not self._controls.latched:
            self._controls.stop_is_over()

    def start(self) -> None:
        """Whatever was said between two commands belongs to none of them. Raises what has
        befallen this one already."""
        self._watch.begin(None)

    @property
    def held(self) -> bool:
        """The motion is paused; a stop that slows it down is no hold."""
        return self._watch.held

    def check(self) -> None:
        """Raises what has befallen the command since its last exchange: Stopped, for example."""
        self._watch.look(0.0)

    def run(
        self,
        lines: Iterable[str],
        *,
        from_client: bool = False,
        progress: Progress | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """Send lines, and wait until the robot has carried them out."""
        options = self._state.options
        rules = self._rules(options.program_rules if from_client else options.rules)
        prepared, progress = read_program(
            lines,
            replace(rules, start=self._before()),
            self._controls,
            from_client=from_client,
            progress=progress,
        )
        if self._last and not any(line.motion for line in prepared):
            # to switch something off, nobody has to know where it stands
            self._synchronise()
        else:
            self._ready()
        self._look_over(prepared)
        self._watch.begin(timeout_s)
        with self._telling_where(prepared) if from_client else nullcontext():
            self._known_modes()
            with self._channel.transport.reading_here():
                self._stream(prepared, telling(progress, len(prepared)))
            self._left = prepared.leaves
            if progress is not None:
                progress(1.0)
            self._settle()

    def _telling_where(self, lines: Program) -> AbstractContextManager[None]:
        return telling_where(
            lines,
            self._channel,
            planned_most=self._planned_most(),
            one_by_one=self._one_by_one(),
        )

    def jog(self, axes: str, *, timeout_s: float | None = None) -> None:
        # the code of a jog is added later
        rules = replace(self._rules(self._state.options.rules), one_code=False)
        lines = prepare([axes], rules)
        why = why_no_jog(lines, rules)
        if why is not None:
            raise DriverError(f"{why}, found {axes!r}", code="bad_parameter", field="jog")
        self._jog(lines[0].text, timeout_s)

    @property
    def knows_where(self) -> bool:
        """Whether the controller's coordinates are those of the machine."""
        homed = self._position.homed or not self._state.options.homing_required
        return homed and self._position.why_lost is None

    def jog_while(self, wanted: JogWanted, life: JogLife) -> JsonObject:
        """See `Jogs.jog`."""
        self._synchronise()
        self._require_unlocked()
        self._watch.begin(None)
        return self._jog_while(wanted, life, known=self.knows_where)

    def raw_line(self, line: str, limit_s: float) -> JsonObject:
        """See `TakesRawLines.raw_line`."""
        self._synchronise()
        why = "of a raw line"
        # first: also where this does not come to its end
        self._position.forget(why)
        self._position.unhome()
        self._touched = self._modes_owed = True
        self._left = UNKNOWN
        try:
            answer, refused = self._raw_line(line.strip(), limit_s)
        finally:
            # what it was told meanwhile, or what it has homed by itself, counts for nothing
            self._position.forget(why)
            self._position.unhome()
        self._after_raw_line(line)
        self._modes_owed = False
        return {"answer": list(answer), "refused": refused}

    def wait(self, seconds: float) -> None:
        self._watch.begin(None)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._watch.look(min(left, LOOK_S))

    def _before(self) -> Modes:
        """What is in effect before the next lines."""
        return self._known() if self._sends_modes else self._left

    @property
    def _sends_modes(self) -> bool:
        kept = self._state.options.keep_modes and not self._modes_owed
        return self._modes_due and not kept

    def _known_modes(self) -> None:
        """Before the first line of a command: whatever the one before it has left."""
        if self._sends_modes:
            self._modes()
        self._modes_due = self._modes_owed = False
        self._touched = True

    def _ready(self) -> None:
        """Nothing is sent to a robot that does not know where it stands."""
        self._synchronise()
        self._require_unlocked()
        homed = self._position.homed or not self._state.options.homing_required
        reason = self._position.why_lost
        if not homed or reason is not None:
            # a loss or a stop since the last line has made it unknown, and ends this command
            self._channel.require_link()
            self.check()
        if not homed:
            raise DriverError("the robot has not been homed: HOME first")
        if reason is not None:
            raise DriverError(
                f"the position is not known, because {reason}: HOME, or UNLOCK to take it as it is"
            )
